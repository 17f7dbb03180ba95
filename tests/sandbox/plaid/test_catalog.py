"""Institutions: pulls keep their rate, their jitter and their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.dice import Dice
from rowcol.sandbox.plaid.catalog import INSTITUTIONS, REAL_INSTITUTIONS, Institution
from tests.sandbox.rig import SeedBits

START_AT = datetime(2026, 3, 1, tzinfo=UTC)
DICE = Dice(SeedBits(5))


@pytest.mark.parametrize("per_day", [1, 2, 2.5, 4, 40])
def test_pulls_keep_their_rate(per_day: float) -> None:
    bank = Institution("ins_x", "X", per_day)
    at, n_pulls = START_AT, 0
    while (at := bank.next_pull_at("item", at, DICE)) < START_AT + timedelta(days=100):
        n_pulls += 1
    assert abs(n_pulls - 100 * per_day) <= 2


@given(seconds=st.integers(0, 10**7))
def test_the_next_pull_is_later_and_is_the_same_until_it_comes(seconds: int) -> None:
    bank = INSTITUTIONS["ins_56"]
    after = START_AT + timedelta(seconds=seconds)
    at = bank.next_pull_at("item", after, DICE)
    assert after < at <= after + timedelta(hours=6, minutes=80)
    assert bank.next_pull_at("item", at - timedelta(seconds=1), DICE) == at


def test_the_real_ones_are_as_the_workload_has_them() -> None:
    rates = [bank.refreshes_per_day for bank in REAL_INSTITUTIONS]
    assert len(rates) == 15
    assert (min(rates), max(rates)) == (1, 4)
    assert mean(rates) == pytest.approx(2.1, abs=0.05)
