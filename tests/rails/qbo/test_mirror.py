"""Mirror: kept rows become bills, parties and accounts, with every cent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.books import Kind, LedgerAccount, OpenItem, Party, Record
from rowcol.core.ids import RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.money import Money
from rowcol.core.rail import Row
from rowcol.rails.qbo.mirror import row_of, rows_of
from rowcol.rails.qbo.records import Unreadable
from tests.rails.qbo import kit


def kept(row: Row, *, is_deleted: bool = False) -> MirrorRow:
    body = None if row.body is None else msgspec.json.encode(row.body)
    return MirrorRow(
        row.entity, row.remote_id, row.remote_version, row.remote_at, row.due_on, is_deleted, body
    )


DOLLARS = kit.state(facts={"home_currency": "USD"})
"""A company that keeps its books in dollars, as its preferences said."""


def record(entity: str, **fields: Any) -> Record | None:
    return kit.RAIL.record(kept(row_of(entity, kit.row(1, **fields))), DOLLARS)


def recorded(name: str, entity: str) -> list[Any]:
    """What the rail reads in an exchange's page, kept, and read again."""
    exchange = kit.exchange(name)
    read = kit.reading(kit.RAIL.read(exchange.look, exchange.response, kit.state()))
    return [kit.RAIL.record(kept(row), DOLLARS) for row in read.rows if row.entity == entity]


def test_a_recorded_bill() -> None:
    part_paid, bare = recorded("query.bill.page", "Bill")
    assert part_paid == OpenItem(
        kind=Kind.PAYABLE,
        remote_id=RemoteId("bill_id"),
        remote_version="1",
        number="HT-1182",
        party=RemoteId("vendor_id"),
        party_name="Harbor Tool Rental",
        issued_on=date(2026, 11, 10),
        due_on=date(2026, 12, 10),
        total=Money(44_050, "USD"),
        balance=Money(24_050, "USD"),
        memo="Scaffold, two weeks",
        changed_at=part_paid.changed_at,
    )
    assert part_paid.changed_at.isoformat() == "2026-11-24T17:15:02+00:00"
    assert (bare.number, bare.memo, bare.balance) == ("", "", Money(60_000, "USD"))


def test_recorded_names_and_accounts() -> None:
    assert all(isinstance(r, Party) for r in recorded("query.vendor.page", "Vendor"))
    assert all(isinstance(r, Party) for r in recorded("query.customer.page", "Customer"))
    assert any(
        isinstance(r, LedgerAccount) and r.is_bank
        for r in recorded("query.account.page", "Account")
    )
    assert {r.kind for r in recorded("query.invoice.page", "Invoice")} == {Kind.RECEIVABLE}
    assert {r.balance.currency for r in recorded("query.bill.multicurrency", "Bill")} != {"USD"}


def test_an_inactive_vendor_stays() -> None:
    found = record("Vendor", DisplayName="Corner Fuel", Active=False, Balance=Decimal("0.07"))
    assert found == Party("Vendor", RemoteId("1"), "Corner Fuel", Money(7, "USD"), is_active=False)


def test_what_is_owed_is_below_zero_in_an_account() -> None:
    found = record(
        "Account", Name="A/P", AccountType="Accounts Payable", CurrentBalance=Decimal("-2202.67")
    )
    assert isinstance(found, LedgerAccount)
    assert (found.name, found.balance, found.is_bank) == ("A/P", Money(-220_267, "USD"), False)


def test_a_voided_bill_is_told_from_one_of_nothing() -> None:
    voided = record("Bill", TotalAmt=0, Balance=0, PrivateNote="Voided - twice")
    empty = record("Bill", TotalAmt=0, Balance=0, PrivateNote=None)
    assert isinstance(voided, OpenItem)
    assert isinstance(empty, OpenItem)
    assert (voided.is_voided, empty.is_voided) == (True, False)


def test_a_tombstone_tells_what_was_there() -> None:
    found = kit.RAIL.record(kept(row_of("Bill", kit.row(1)), is_deleted=True), DOLLARS)
    assert isinstance(found, OpenItem)
    assert found.is_deleted
    assert kit.RAIL.record(kept(row_of("Bill", kit.gone(1)), is_deleted=True), DOLLARS) is None
    assert record("Transfer", Amount=5) is None


_MINOR = st.integers(-(10**15), 10**15)


@given(_MINOR, _MINOR | st.none(), st.sampled_from(["USD", "JPY", "KWD"]))
def test_money_comes_back_as_it_was(
    amount_minor: int, open_minor: int | None, currency: str
) -> None:
    """`open_minor` None: nothing was paid yet."""
    total = Money(amount_minor, currency)
    balance = total if open_minor is None else Money(open_minor, currency)
    amounts = {"TotalAmt": total.decimal(), "Balance": balance.decimal()}
    found = record("Bill", **amounts, CurrencyRef={"value": currency})
    assert isinstance(found, OpenItem)
    assert (found.total, found.balance) == (total, balance)


def test_zeros_at_the_end_are_no_parts_of_a_cent() -> None:
    found = record("Bill", TotalAmt=Decimal("12.5" + "0" * 100), Balance=Decimal("12.50"))
    assert isinstance(found, OpenItem)
    assert found.total == found.balance == Money(1250, "USD")


@pytest.mark.parametrize(
    "amount",
    [
        Decimal("0.001"),
        Decimal("1e30"),
        Decimal("1e999999"),
        Decimal("1." + "0" * 40 + "1"),
        Decimal("1." + "0" * 200 + "1"),
        "x",
        "NaN",
        True,
    ],
)
def test_no_part_of_a_cent_is_made_up(amount: object) -> None:
    body = msgspec.json.encode({**kit.row(1), "TotalAmt": amount})
    row = MirrorRow("Bill", RemoteId("1"), "0", None, None, is_deleted=False, body=body)
    with pytest.raises(ValueError):  # noqa: PT011 - whose it is does not matter
        kit.RAIL.record(row, DOLLARS)


@given(st.binary(), st.sampled_from(["Bill", "Vendor", "Account", "Invoice", "Deposit"]))
def test_any_kept_bytes_are_a_record_or_a_value_error(body: bytes, entity: str) -> None:
    row = MirrorRow(entity, RemoteId("1"), "0", None, None, is_deleted=False, body=body)
    try:
        kit.RAIL.record(row, DOLLARS)
    except ValueError:
        assert entity != "Deposit"


def test_groups_that_are_no_lists_are_no_rows() -> None:
    assert rows_of({"Item": 5, "startPosition": 1}) == ()
    wrongs: list[dict[str, Any]] = [
        {"Bill": {}},
        {"Bill": [1]},
        {"Bill": [{}]},
    ]
    for wrong in wrongs:
        with pytest.raises(Unreadable):
            rows_of(wrong)


def test_a_balance_that_moves_without_its_token_is_a_change() -> None:
    rows = kit.reading(
        kit.RAIL.read(
            kit.exchange("cdc.derived_balances").look,
            kit.exchange("cdc.derived_balances").response,
            kit.state(),
        )
    ).rows
    assert {"Vendor", "Account"} <= {row.entity for row in rows if row.remote_version == "0"}


def test_small_rows_are_kept_as_values_large_ones_are_read_anew() -> None:
    """A process keeps what it read last, and no more of it than some megabytes."""
    for memo, is_kept in (("x", True), ("x" * 5_000, False)):
        body = msgspec.json.encode({**kit.row(1), "Balance": 1, "PrivateNote": memo})
        first, again = (
            MirrorRow("Bill", RemoteId("1"), "0", None, None, is_deleted=False, body=bytes(body))
            for _ in range(2)
        )
        found = kit.RAIL.record(first, DOLLARS)
        assert found == kit.RAIL.record(again, DOLLARS)
        assert (found is kit.RAIL.record(again, DOLLARS)) is is_kept
