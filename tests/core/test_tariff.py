"""Tariff: the newest price in force, and a price book over the rail's own rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.money import Cost
from rowcol.core.tariff import Per, Price, price_on

ROW = Price(
    "somerail", "balance", Per.CALL, Cost(100_000), date(2026, 1, 1), "list", date(2026, 1, 1)
)


def test_the_newest_row_in_force() -> None:
    later = replace(ROW, cost=Cost(120_000), since=date(2026, 6, 1))
    for rows in ((ROW, later), (later, ROW)):
        assert price_on(rows, "somerail", "balance", date(2026, 5, 31)) == ROW
        assert price_on(rows, "somerail", "balance", date(2026, 6, 1)) == later
        assert price_on(rows, "somerail", "balance", date(2025, 12, 31)) is None


def test_a_price_book_wins_on_the_same_day() -> None:
    own = replace(ROW, cost=Cost(80_000), is_assumed=False)
    assert price_on((ROW, own), "somerail", "balance", ROW.since) == own


def test_other_rails_and_items_do_not_matter() -> None:
    assert price_on((ROW,), "another", "balance", ROW.since) is None
    assert price_on((ROW,), "somerail", "refresh", ROW.since) is None


@given(st.lists(st.integers(0, 400), min_size=1), st.integers(0, 400))
def test_what_is_found_is_in_force(days: list[int], on: int) -> None:
    rows = [replace(ROW, since=ROW.since + timedelta(days=day)) for day in days]
    found = price_on(rows, "somerail", "balance", ROW.since + timedelta(days=on))
    in_force = [day for day in days if day <= on]
    assert (found.since if found else None) == (
        ROW.since + timedelta(days=max(in_force)) if in_force else None
    )
