"""Calendar: bank days and posting windows, against dates that the Federal Reserve published."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.freshness.calendar import (
    BANK_ZONE,
    POSTING_WINDOWS,
    add_bank_days,
    closed_since,
    is_bank_day,
    windows_touched,
)
from tests.core.builders import DAY, HOUR, MINUTE

INSTANTS = st.integers(0, 4 * 365 * 24 * 60).map(
    lambda m: datetime(2024, 1, 1, tzinfo=UTC) + m * MINUTE
)
SPANS = st.timedeltas(timedelta(0), timedelta(days=9))


def local(text: str) -> datetime:
    """A New York time as the instant it is."""
    return datetime.fromisoformat(text).replace(tzinfo=BANK_ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        ("2026-11-25", True),
        ("2026-11-26", False),  # Thanksgiving
        ("2026-11-27", True),  # the stock exchange is half closed, banks are open
        ("2026-11-28", False),  # a Saturday
        ("2026-07-03", True),  # the 4th is a Saturday: not moved
        ("2027-07-05", False),  # the 4th is a Sunday: kept on Monday
        ("2027-12-24", True),  # Christmas is a Saturday
        ("2022-06-20", False),  # Juneteenth was a Sunday
        ("2020-06-19", True),  # not yet a holiday
        ("2026-04-03", True),  # Good Friday: exchanges are closed, banks are open
        ("2026-10-12", False),  # Columbus Day: exchanges are open, banks are closed
    ],
)
def test_bank_days(day: str, open_: bool) -> None:
    assert is_bank_day(date.fromisoformat(day)) is open_


@pytest.mark.parametrize(
    ("start", "end", "touched"),
    [
        ("2026-11-24T20:00", "2026-11-25T01:59", 0),
        ("2026-11-24T19:59", "2026-11-25T01:59", 1),
        ("2026-11-24T20:00", "2026-11-25T02:00", 1),
        ("2026-11-25T02:30", "2026-11-25T02:30", 0),
        ("2026-11-25T10:29", "2026-11-25T10:30", 2),
        ("2026-11-25T10:30", "2026-11-25T10:31", 1),
        ("2026-11-25T00:00", "2026-11-26T00:00", 3),
        ("2026-11-25T20:00", "2026-11-27T01:59", 0),  # over Thanksgiving
        ("2026-11-27T20:00", "2026-11-30T01:59", 0),  # over a weekend
        ("2026-11-27T20:00", "2026-11-30T02:00", 1),
        ("2026-03-06T20:00", "2026-03-09T01:59", 0),  # over the change of the clocks
        ("2026-11-25T12:00", "2026-11-25T11:00", 0),
    ],
)
def test_windows_touched(start: str, end: str, touched: int) -> None:
    assert windows_touched(local(start), local(end)) == touched
    assert closed_since(local(start), local(end)) is (touched == 0)


@given(INSTANTS, SPANS)
def test_windows_against_a_walk_in_steps(start: datetime, length: timedelta) -> None:
    """The naive model: step through (start, end] and collect the windows that are open."""
    start = start.replace(second=0, microsecond=0)
    end = start + length // timedelta(minutes=10) * timedelta(minutes=10)
    start, end = (x - timedelta(minutes=x.minute % 10) for x in (start, end))
    seen = set()
    at = start
    while at < end:
        at += timedelta(minutes=10)
        for moment in (at - timedelta(seconds=1), at):
            clock = moment.astimezone(BANK_ZONE)
            if is_bank_day(clock.date()):
                seen |= {(clock.date(), w) for w in POSTING_WINDOWS if w[0] <= clock.time() < w[1]}
    assert windows_touched(start, end) == len(seen)
    assert closed_since(start, end) is (not seen)


@given(INSTANTS, SPANS, SPANS)
def test_a_longer_time_touches_no_fewer(start: datetime, one: timedelta, more: timedelta) -> None:
    first, both = windows_touched(start, start + one), windows_touched(start, start + one + more)
    second = windows_touched(start + one, start + one + more)
    assert max(first, second) <= both <= first + second


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(1, 15))
def test_bank_days_are_counted_one_by_one(day: date, count: int) -> None:
    end = add_bank_days(day, count)
    between = (day + timedelta(days=n) for n in range(1, (end - day).days + 1))
    assert is_bank_day(end)
    assert sum(is_bank_day(d) for d in between) == count


def test_no_bank_days_and_fewer() -> None:
    saturday = date(2026, 11, 28)
    assert add_bank_days(saturday, 0) == saturday
    with pytest.raises(ValueError, match="forwards"):
        add_bank_days(saturday, -1)


def test_every_week_has_a_closed_night() -> None:
    """A proof by closed banks is possible at all: five nights a week and the weekend."""
    night = local("2026-11-24T20:00")
    assert closed_since(night, night + 6 * HOUR - timedelta(seconds=1))
    assert not closed_since(night, night + DAY)
