"""Shapes: exact numbers, bank days, and the keys that only some banks give."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.plaid.gate import json_response
from rowcol.sandbox.plaid.shapes import account_shape, bank_date, number
from tests.sandbox.rig import Rig


@given(minor=st.integers(-(10**15), 10**15), digits=st.integers(0, 4))
def test_numbers_are_exact_on_the_wire(minor: int, digits: int) -> None:
    raw = json_response({"n": number(minor, digits)}).body
    assert Decimal(bytes(raw).decode()[5:-1]) == Decimal(minor).scaleb(-digits)


def test_days_are_the_banks() -> None:
    assert bank_date(datetime(2026, 1, 6, 3, tzinfo=UTC)) == date(2026, 1, 5)
    assert number(None) is None


def test_persistent_ids_at_some_banks_only(rig: Rig) -> None:
    for bank, has_it in (("ins_56", True), ("ins_109509", False)):
        item = rig.item(rig.account(bank), bank=bank)
        [account] = item.accounts.values()
        shape = account_shape(item, account, account.cached)
        assert ("persistent_account_id" in shape) is has_it
        assert "last_updated_datetime" not in shape["balances"]
