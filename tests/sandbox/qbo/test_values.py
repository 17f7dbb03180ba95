"""Values: exact numbers, and times that can be read back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.qbo.values import CompanyClock, NotANumber, decode, encode, number, tidy


@given(st.decimals(-(10**9), 10**9, places=2))
def test_money_round_trips(amount: Decimal) -> None:
    assert Decimal(decode(encode({"a": amount}))["a"]) == amount


def test_numbers_are_exact_or_refused() -> None:
    assert number("1.10") == number(Decimal("1.1"))
    for bad in (1.1, True, "x", None):
        with pytest.raises(NotANumber):
            number(bad)
    with pytest.raises(NotANumber):
        number("1", takes_text=False)


def test_what_is_empty_is_not_kept() -> None:
    assert tidy({"a": None, "b": "", "c": [], "d": {"Amount": 1, "e": None}}) == {
        "c": [],
        "d": {"Amount": Decimal(1)},
    }


@given(st.integers(0, 4_000_000_000))
def test_a_stamp_reads_back(stamp: int) -> None:
    clock = CompanyClock(ManualClock(), "America/Los_Angeles", timedelta(0))
    assert clock.parse(clock.text(stamp)) == stamp
