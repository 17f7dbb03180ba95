"""Books' money: a row without a currency is in its company's, and what is no amount keeps no other back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowcol.core.change import Action
from rowcol.core.connection import ConnectionState
from rowcol.core.money import Money
from rowcol.core.need import Purpose
from rowcol.core.wire import Silence
from rowcol.services.books import RowUnreadable
from tests.qbo_rig import QboRig, qbo_rig
from tests.rails.qbo import kit

T = TypeVar("T")
LISTED = 16
DUE: dict[str, Any] = {"DueDate": "2026-02-01", "TxnDate": "2026-01-02"}
PLAIN = kit.row(
    1, VendorRef={"value": "1", "name": "Paper Co."}, TotalAmt=1000.0, Balance=1000.0, **DUE
)
HALF_A_YEN = kit.row(3, CurrencyRef={"value": "JPY"}, TotalAmt=1500.5, Balance=1500.5, **DUE)
UNKNOWN = "it names no currency, and its company's own is not known"


async def soon(it: QboRig, asked: Awaitable[T]) -> T:
    """The answer, with the calls made that it waits for."""
    waiting = asyncio.ensure_future(asked)
    while not waiting.done():
        await asyncio.sleep(0.01)  # noqa: TID251 - a real store works in a thread of its own
        await it.settle()
    return waiting.result()


async def test_a_bill_without_a_currency_is_in_its_company_s(tmp_path: Path) -> None:
    names = {
        "Vendor": [kit.row(2, DisplayName="Paper Co.", Balance=1000.0)],
        "Account": [kit.row(4, Name="Till", AccountType="Bank", CurrentBalance=7.5)],
    }
    async with qbo_rig(tmp_path, {"Bill": [PLAIN], **names}) as it:
        (bill,) = (await it.service.list_bills()).value
        assert str(bill.balance) == "1,000.00 CAD"
        assert (await it.service.get_bill("1")).value == bill
        assert (await it.service.batch_get_bills(["1"])).value == {"1": bill}
        (vendor,) = (await it.service.list_vendors()).value
        assert vendor.balance == Money(100_000, "CAD")
        (account,) = (await it.service.list_bank_accounts()).value
        assert account.balance == Money(750, "CAD")


async def test_half_a_yen_is_named_and_the_other_bills_are_told(tmp_path: Path) -> None:
    async with qbo_rig(tmp_path, {"Bill": [PLAIN, HALF_A_YEN, kit.row(5, Balance=2, **DUE)]}) as it:
        answer = await it.service.list_bills()
        assert [str(bill.balance) for bill in answer.value] == ["1,000.00 CAD", "2.00 CAD"]
        why = "1500.5 is not an exact amount of JPY"
        assert [(u.entity, u.remote_id, u.why) for u in answer.unreadable] == [("Bill", "3", why)]
        assert answer.label == f"not in it, as it cannot be read: Bill '3' ({why})"
        assert answer.action is Action.SERVE
        with pytest.raises(RowUnreadable, match=why):
            await it.service.get_bill("3")


async def test_a_first_reading_asks_for_the_currency_once_and_no_day_does(tmp_path: Path) -> None:
    async with qbo_rig(tmp_path, {"Bill": [PLAIN]}) as it:
        assert it.wire.calls.count("preferences") == 1
        assert len(it.wire.calls) == LISTED + 1
        it.wire.calls.clear()
        for _ in range(3):
            it.clock.advance(timedelta(days=2))
            await soon(it, it.service.list_bills())
        assert it.wire.calls == ["cdc"] * 3


async def test_books_read_before_learn_it_at_their_next_look(tmp_path: Path) -> None:
    before = kit.state(facts={"changes_at": kit.state().facts["changes_at"]})
    async with qbo_rig(tmp_path, {"Bill": [PLAIN]}, state=before) as it:
        await it.settle()
        assert it.wire.calls == [], "nobody asked"
        (bill,) = (await soon(it, it.service.list_bills(purpose=Purpose.RITUAL))).value
        assert str(bill.balance) == "1,000.00 CAD"
        assert it.wire.calls == ["preferences", "cdc"]


@pytest.mark.parametrize("instead", [*Silence, kit.response(b"<html>"), kit.response(b"", 503)])
async def test_until_it_is_told_a_row_that_needs_it_has_no_value(
    tmp_path: Path, instead: Any
) -> None:
    """What is wrong with that one call keeps the books from nobody; the next look asks again."""
    euros = kit.row(2, TotalAmt=5, Balance=5, CurrencyRef={"value": "EUR"}, **DUE)
    async with qbo_rig(tmp_path, {"Bill": [PLAIN, euros]}, instead=instead) as it:
        answer = await it.service.list_bills()
        assert [str(bill.balance) for bill in answer.value] == ["5.00 EUR"]
        assert answer.label == f"not in it, as it cannot be read: Bill '1' ({UNKNOWN})"
        it.wire.instead = None
        it.clock.advance(timedelta(days=2))
        answer = await soon(it, it.service.list_bills())
        assert [str(bill.balance) for bill in answer.value] == ["1,000.00 CAD", "5.00 EUR"]
        assert (answer.label, answer.unreadable) == (None, ())


async def test_where_preferences_may_not_be_read_the_country_tells(tmp_path: Path) -> None:
    known = ConnectionState(facts={"country": "CA"})
    refused = kit.fault("4001")
    async with qbo_rig(tmp_path, {"Bill": [PLAIN]}, instead=refused, state=known) as it:
        await it.settle()
        (bill,) = (await it.service.list_bills()).value
        assert str(bill.balance) == "1,000.00 CAD"
        it.clock.advance(timedelta(days=2))
        await soon(it, it.service.list_bills())
        assert it.wire.calls.count("preferences") == 1


async def test_a_label_names_a_few_and_the_field_all(tmp_path: Path) -> None:
    bills = [kit.row(n, TotalAmt=5, Balance=5, **DUE) for n in range(1, 13)]
    refused = kit.response({"QueryResponse": {}, "time": kit.NOW.isoformat()})
    async with qbo_rig(tmp_path, {"Bill": bills}, instead=refused) as it:
        answer = await it.service.list_bills()
        assert len(answer.unreadable) == 12
        assert answer.label == (
            f"not in it, as it cannot be read: Bill '1', '10', '11' and 9 more ({UNKNOWN})"
        )


@dataclass(frozen=True)
class Drawn:
    """A bill, and what it is worth; None: it is no value."""

    body: dict[str, Any]
    worth: Money | None


@st.composite
def bills(draw: st.DrawFn) -> Drawn:
    """Readable ones in several currencies, and every kind of trouble between them."""
    minor = draw(st.integers(1, 10**9))
    currency = draw(st.sampled_from(["", "USD", "JPY", "KWD", "CLF"]))
    money = Money(minor, currency or "CAD")
    ref = {"CurrencyRef": {"value": currency}} if currency else {}
    good = {"TotalAmt": float(money.decimal()), "Balance": float(money.decimal()), **ref}
    bad: list[dict[str, Any]] = [
        {"TotalAmt": 1500.5, "Balance": 1500.5, "CurrencyRef": {"value": "JPY"}},
        {"TotalAmt": 5, "Balance": 5, "CurrencyRef": {"value": "BTC"}},
        {"TotalAmt": 5, "Balance": 5, "CurrencyRef": {"value": "cad"}},
        {"TotalAmt": 0.001, "Balance": 5},
        {"TotalAmt": 5, "Balance": "x"},
        {"TotalAmt": [], "Balance": 5},
        {"TotalAmt": 5, "Balance": 5, "DocNumber": 7},
        {"TotalAmt": 1e30, "Balance": 1e30},
    ]
    body = draw(st.one_of(st.just(good), st.sampled_from(bad)))
    return Drawn(body, money if body is good else None)


@settings(max_examples=10, deadline=None)
@given(st.lists(bills(), max_size=25))
def test_all_that_can_be_read_is_told_exactly_and_all_else_is_named(drawn: list[Drawn]) -> None:
    async def play(folder: Path) -> None:
        rows = [kit.row(n, **each.body, **DUE) for n, each in enumerate(drawn)]
        async with qbo_rig(folder, {"Bill": rows}) as it:
            listed = await it.service.list_bills()
            batch = await it.service.batch_get_bills([str(n) for n in range(len(drawn))] or ["x"])
            good = {str(n): d.worth for n, d in enumerate(drawn) if d.worth is not None}
            bad = {str(n) for n, d in enumerate(drawn) if d.worth is None}
            assert {b.remote_id: b.balance for b in listed.value} == good
            assert {i: b.total for i, b in batch.value.items()} == good
            for answer in (listed, batch):
                assert sorted(u.remote_id for u in answer.unreadable) == sorted(bad)
                assert (answer.label is None) is (not bad)

    with TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))
