"""Books: rows as values with the mirror's own proof; writes of a person land in it and happen once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from rowcol.adapters.memory import MemoryStore
from rowcol.core.books import BILL
from rowcol.core.change import Action, Change
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.mirror import MirrorRow
from rowcol.core.need import Purpose
from rowcol.core.outcome import Outcome
from rowcol.core.refusal import BadInput, NotFound, RailRefused
from rowcol.core.wire import Silence
from rowcol.engine.books import BooksAnswer
from rowcol.services import books
from rowcol.services.cache import CacheService
from rowcol.services.integration import IntegrationService
from tests.company_rig import CompanyRig, company_rig
from tests.fake_books import CONNECTION, LEDGER, books_rig
from tests.fake_books import _row as ledger_row
from tests.fakes import T0
from tests.rig import BUSINESS, FIRM

OWED: dict[str, object] = {"party": "v1", "due": "2026-11-05", "total": 5, "open": 5}
WRITE = {"body": {"Amount": Decimal("7.77"), "VendorRef": "v1"}}


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    """Read whole."""
    async with company_rig(tmp_path) as made:
        await made.settle()
        made.company.calls.clear()
        yield made


def cache(it: CompanyRig) -> CacheService:
    return CacheService(it.plane, BUSINESS)


def service(it: CompanyRig) -> IntegrationService:
    return IntegrationService(it.plane, BUSINESS)


async def test_another_value_keeps_the_proof(it: CompanyRig) -> None:
    answer = await cache(it).batch_get_bills(["b1"])
    other = books.with_value(answer, 5)
    assert other.value == 5
    for f in fields(answer):
        if f.name != "value":
            assert getattr(other, f.name) == getattr(answer, f.name), f.name


async def test_unknown_ids_are_left_out_and_the_absence_has_the_same_proof(it: CompanyRig) -> None:
    answer = await cache(it).batch_get_bills([" b1 ", "nope", "b1"])
    assert list(answer.value) == ["b1"]
    none = await cache(it).get_bill("nope")
    assert none.value is None
    assert (none.as_of, none.evidence) == (answer.as_of, answer.evidence)
    assert none.as_of == it.clock.now()


@pytest.mark.parametrize("ids", [[str(n) for n in range(books.IDS_MAX + 1)], ["a", " "], [""]])
async def test_too_many_or_empty_ids_are_refused_before_any_call(
    it: CompanyRig, ids: list[str]
) -> None:
    it.clock.advance(timedelta(days=3))
    with pytest.raises(BadInput):
        await cache(it).batch_get_bills(ids, Purpose.FORCED)
    assert it.company.calls == []


async def test_ten_thousand_ids_are_read_from_the_mirror(it: CompanyRig) -> None:
    ids = [f"z{n}" for n in range(books.IDS_MAX - 5)]
    answer = await cache(it).batch_get_bills([*ids, *it.company.bills])
    assert sorted(answer.value) == sorted(it.company.bills)
    assert it.company.calls == []


async def test_a_business_of_nobody_is_not_found(it: CompanyRig) -> None:
    with pytest.raises(NotFound):
        await CacheService(it.plane, BusinessId("none")).list_bills()


async def test_open_bills_come_by_due_date_all_of_them(tmp_path: Path) -> None:
    async with books_rig(tmp_path) as it:
        it.office.rows = {
            ("Bill", f"n{n:04}"): {
                "party": "v",
                "due": f"2026-11-{20 - n % 10:02}",
                "total": 5,
                "open": n % 3,
            }
            for n in range(books.BESIDE * 2)
        }
        await it.settle()
        service, due = CacheService(it.plane, BUSINESS), date(2026, 11, 12)
        everything = await service.list_bills()
        assert len(everything.value) == sum(1 for n in range(books.BESIDE * 2) if n % 3)
        order = [(b.due_on, b.remote_id) for b in everything.value]
        assert order == sorted(order, key=str)
        early = await service.list_bills(due)
        assert early.value == tuple(b for b in everything.value if b.due_on and b.due_on <= due)
        assert (early.action, early.label) == (Action.SERVE, None)


class Moving(MemoryStore):
    """A store in which, right after a list was read, a bill is due on another day."""

    def __init__(self, bill: str, due: str) -> None:
        super().__init__()
        self.bill, self.due, self.n_lists = bill, due, 0

    @override
    async def list_due(self, firm: FirmId, *place: Any, **bounds: Any) -> tuple[MirrorRow, ...]:
        found = await super().list_due(firm, *place, **bounds)
        self.n_lists += 1
        lease = await self.claim_one(FIRM, CONNECTION, "mover", T0, 60)
        assert lease is not None
        row = ledger_row(BILL, self.bill, {**OWED, "due": self.due})
        await self.commit(FIRM, Change(lease, rows=(row,), releases=True))
        return found


@pytest.mark.parametrize(("bill", "due"), [("n0000", "2030-01-01"), ("n1199", "2025-01-01")])
async def test_a_bill_that_moves_while_the_list_is_read_is_in_it_once(
    tmp_path: Path, bill: str, due: str
) -> None:
    store = Moving(bill, due)
    async with books_rig(tmp_path, store=store) as it:
        it.office.rows = {(BILL, f"n{n:04}"): OWED for n in range(1_200)}
        await it.settle()
        for days_due in ({date(2026, 11, 5)}, {date(2026, 11, 5), date.fromisoformat(due)}):
            listed = (await CacheService(it.plane, BUSINESS).list_bills()).value
            assert sorted(b.remote_id for b in listed) == [f"n{n:04}" for n in range(1_200)]
            assert {b.due_on for b in listed} == days_due
        assert store.n_lists == 2


class Crowded(MemoryStore):
    """A store that always has as many rows as are asked for."""

    @override
    async def list_due(self, *place: Any, **bounds: Any) -> tuple[MirrorRow, ...]:
        return (await super().list_due(*place, **bounds))[:1] * int(bounds["limit"])

    @override
    async def list_rows(self, *place: Any, **bounds: Any) -> tuple[MirrorRow, ...]:
        return (await super().list_rows(*place, **bounds))[:1] * int(bounds["limit"])


async def test_a_list_too_long_for_one_read_is_refused_rather_than_cut(tmp_path: Path) -> None:
    async with books_rig(tmp_path, store=Crowded()) as it:
        await it.settle()
        service = CacheService(it.plane, BUSINESS)
        with pytest.raises(BadInput, match="more than 100,000 rows of Bill") as refused:
            await service.list_bills()
        assert "due until an earlier day" in refused.value.what_to_do
        for listing in (service.list_vendors, service.list_bank_accounts):
            with pytest.raises(BadInput, match="more than 100,000 rows"):
                await listing()


@pytest.mark.parametrize(
    ("entity", "row", "why"),
    [
        (BILL, {**OWED, "total": 0.5, "open": 0.5}, "not an exact amount of USD"),
        (BILL, {**OWED, "open": 0, "due": "friday"}, "its shape is not the one known"),
        ("Vendor", {"name": "Zeta", "balance": 0.5}, "not an exact amount of USD"),
        ("Account", {"name": "Till", "balance": 0.5, "is_bank": True}, "not an exact amount"),
    ],
)
async def test_a_row_that_is_no_value_is_named_and_the_others_are_told(
    tmp_path: Path, entity: str, row: dict[str, object], why: str
) -> None:
    async with books_rig(tmp_path) as it:
        before = {**it.office.rows}
        it.office.rows = {**before, (entity, "x7"): row}
        await it.settle()
        service = CacheService(it.plane, BUSINESS)
        asked: dict[str, Callable[[], Awaitable[BooksAnswer[Any]]]] = {
            BILL: service.list_bills
            if row.get("open")
            else lambda: service.batch_get_bills(["b1", "x7", "b2"]),
            "Vendor": service.list_vendors,
            "Account": service.list_bank_accounts,
        }
        good = {BILL: ["b1", "b2"], "Vendor": ["v1"], "Account": ["a1"]}
        for listed, ask in asked.items():
            answer = await ask()
            rows = answer.value.values() if isinstance(answer.value, dict) else answer.value
            assert [r.remote_id for r in rows] == good[listed]
            assert answer.action is Action.SERVE
            named = [(u.entity, u.remote_id) for u in answer.unreadable]
            assert named == ([(entity, "x7")] if listed == entity else [])
            label = answer.label or ""
            is_said = label.startswith(f"not in it, as it cannot be read: {entity} 'x7' ({why}")
            assert is_said is (listed == entity)


async def test_the_very_row_that_was_asked_for_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    async with books_rig(tmp_path) as it:
        it.office.rows = {**it.office.rows, (BILL, "x7"): {**OWED, "total": 0.5, "open": 0.5}}
        await it.settle()
        service = CacheService(it.plane, BUSINESS)
        with pytest.raises(
            books.RowUnreadable, match="Bill 'x7' cannot be read: not an"
        ) as refused:
            await service.get_bill("x7")
        assert refused.value.more == {"entity": BILL, "id": "x7"}
        assert "correct it in the books" in refused.value.what_to_do
        assert (await service.get_bill("b1")).value is not None


async def test_a_guardrail_holds_on_an_open_bill_that_cannot_be_read(tmp_path: Path) -> None:
    """Also where it is the first that is due: neither a sum nor that day leaves it out in silence."""
    first = {**OWED, "due": "2026-11-01", "total": 0.5, "open": 0.5}
    async with books_rig(tmp_path) as it:
        it.office.rows = {**it.office.rows, (BILL, "x7"): first}
        await it.settle()
        service = CacheService(it.plane, BUSINESS)
        until = await service.list_bills(date(2026, 11, 5), Purpose.GUARDRAIL)
        assert [u.remote_id for u in until.unreadable] == ["x7"]
        assert until.label
        assert "Bill 'x7'" in until.label
        assert (until.action, until.reason) == (Action.HOLD, f"held: {until.label}")
        shown = await service.list_bills(date(2026, 11, 5))
        assert (shown.action, len(shown.unreadable)) == (Action.SERVE, 1)
        some = await service.batch_get_bills(["b1", "x7"], Purpose.RITUAL)
        assert (some.action, list(some.value)) == (Action.HOLD, ["b1"])
        earlier = await service.list_bills(date(2026, 10, 31), Purpose.GUARDRAIL)
        assert (earlier.unreadable, earlier.label) == ((), None), "it is due later"


async def test_vendors_and_bank_accounts_come_by_name(tmp_path: Path) -> None:
    async with books_rig(tmp_path) as it:
        for n, name in enumerate(("zeta", "Beta", "alpha")):
            it.office.rows["Vendor", f"w{n}"] = {"name": name, "balance": 0}
        await it.settle()
        service = CacheService(it.plane, BUSINESS)
        names = [v.name for v in (await service.list_vendors()).value]
        assert names == ["alpha", "Beta", "Bolt & Nut", "zeta"]
        assert [a.name for a in (await service.list_bank_accounts()).value] == ["Checking"]


class TestWrites:
    """`call_api`."""

    async def test_a_write_is_in_the_mirror_at_once(self, it: CompanyRig) -> None:
        await service(it).call_api(LEDGER, "bill.create", data=WRITE, idempotency_key="k-1")
        assert it.company.calls == ["bill.create"]
        sent = it.company.bodies[-1]
        assert sent["requestid"] == "k-1"
        assert sent["body"] == {"Amount": "7.77", "VendorRef": "v1"}
        bill = (await cache(it).get_bill("n1")).value
        assert bill is not None
        assert bill.balance.amount_minor == 777
        (call, *_) = await it.plane.store.list_calls(FIRM)
        assert (call.endpoint, call.units, call.outcome) == ("bill.create", 0, Outcome.OK)

    async def test_a_key_is_made_where_none_is_given(self, it: CompanyRig) -> None:
        for _ in range(2):
            await service(it).call_api(LEDGER, "bill.create", data=WRITE)
        keys = {str(b["requestid"]) for b in it.company.bodies[-2:]}
        assert len(keys) == 2
        assert all(0 < len(key) <= 50 for key in keys)

    async def test_a_float_is_refused_before_the_wire(self, it: CompanyRig) -> None:
        with pytest.raises(BadInput, match="float"):
            await service(it).call_api(LEDGER, "bill.create", data={"body": {"Amount": 7.77}})
        assert it.company.calls == []

    async def test_a_timeout_says_to_repeat_with_the_same_key(self, it: CompanyRig) -> None:
        it.company.fails["bill.create"] = Silence.TIMEOUT
        with pytest.raises(RailRefused) as refused:
            await service(it).call_api(LEDGER, "bill.create", data=WRITE, idempotency_key="k-9")
        assert "'k-9'" in refused.value.what_to_do
        del it.company.fails["bill.create"]
        await service(it).call_api(LEDGER, "bill.create", data=WRITE, idempotency_key="k-9")
        assert it.company.writes == {"k-9": "n1"}
        assert (await cache(it).get_bill("n1")).value is not None

    async def test_a_refused_token_is_renewed_and_the_write_sent_with_the_same_key(
        self, it: CompanyRig
    ) -> None:
        it.company.expired.add("a1")
        await service(it).call_api(LEDGER, "bill.create", data=WRITE, idempotency_key="k-2")
        assert it.company.calls == ["bill.create", "refresh", "bill.create"]
        assert it.company.writes == {"k-2": "n1"}

    async def test_what_is_not_callable_is_refused(self, it: CompanyRig) -> None:
        for name in ("changes", "refresh", "nope"):
            with pytest.raises(BadInput) as refused:
                await service(it).call_api(LEDGER, name)
            assert refused.value.what_to_do == "callable: bill.create, company"
        assert it.company.calls == []
