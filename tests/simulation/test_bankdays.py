"""Bank days: the Federal Reserve's calendar, and local wall time as UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from rowcol.simulation.bankdays import (
    Calendar,
    bank_day_from,
    bank_day_until,
    bank_days,
    is_bank_day,
    window_of,
)

NEW_YORK = Calendar("America/New_York", (window_of("02:00-10:30"),))


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2026, 5, 22), True),
        (date(2026, 5, 23), False),
        (date(2026, 5, 25), False),  # Memorial Day
        (date(2026, 7, 3), True),  # the 4th is a Saturday
        (date(2027, 7, 5), False),  # the 4th is a Sunday
    ],
)
def test_bank_days(day: date, is_open: bool) -> None:
    assert is_bank_day(day) is is_open


def test_neighbours_of_a_long_weekend() -> None:
    assert bank_day_from(date(2026, 5, 23)) == date(2026, 5, 26)
    assert bank_day_until(date(2026, 5, 25)) == date(2026, 5, 22)
    assert bank_days(date(2026, 5, 22), date(2026, 5, 27)) == [date(2026, 5, 22), date(2026, 5, 26)]


def test_wall_time_knows_summer() -> None:
    assert NEW_YORK.moment(date(2026, 1, 5), time(9)) == datetime(2026, 1, 5, 14, tzinfo=UTC)
    assert NEW_YORK.moment(date(2026, 7, 6), time(9)) == datetime(2026, 7, 6, 13, tzinfo=UTC)
    assert NEW_YORK.day_of(datetime(2026, 7, 6, 3, tzinfo=UTC)) == date(2026, 7, 5)


def test_a_share_of_a_window() -> None:
    (window,) = NEW_YORK.windows
    assert NEW_YORK.within(window, 0.0) == 2 * 3600
    assert NEW_YORK.within(window, 0.999_999) < 10 * 3600 + 1800
