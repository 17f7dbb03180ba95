"""Books: values that no rail's record can be mistaken for, exact in money and hidden nowhere."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.books import BILL, VENDOR, Kind, LedgerAccount, OpenItem, Party
from rowcol.core.ids import RemoteId
from rowcol.core.money import Money


def bill(minor: int = 490) -> OpenItem:
    money = Money(minor, "USD")
    return OpenItem(
        Kind.PAYABLE, RemoteId("b1"), "3", "N-1", RemoteId("v1"), "Bolt", None, None, money, money,
        "", None,
    )  # fmt: skip


def test_what_is_not_said_is_not_assumed() -> None:
    """An item is open and there unless the books say otherwise."""
    assert (bill().is_voided, bill().is_deleted) == (False, False)
    assert Party(VENDOR, RemoteId("v"), "", Money(0, "USD"), is_active=True).is_deleted is False


@given(st.integers(-(10**15), 10**15))
def test_money_stays_exact(minor: int) -> None:
    assert bill(minor).balance.amount_minor == minor


@given(st.integers(-(10**15), 10**15))
def test_nothing_of_a_deleted_item_is_open(minor: int) -> None:
    gone = msgspec.structs.replace(bill(minor), is_deleted=True)
    assert (gone.balance, gone.total) == (Money(0, "USD"), Money(minor, "USD"))
    assert gone == msgspec.structs.replace(bill(minor), is_deleted=True)


def test_a_record_is_a_value() -> None:
    assert bill() == bill()
    assert hash(bill()) == hash(bill())
    with pytest.raises(AttributeError):
        bill().memo = "x"  # type: ignore[misc]


def test_entities_are_the_field_s_own_words() -> None:
    assert (BILL, VENDOR) == ("Bill", "Vendor")
    account = LedgerAccount(
        RemoteId("a"), "Checking", "Bank", "Checking", Money(1, "USD"), is_active=True, is_bank=True
    )
    assert account.is_bank
