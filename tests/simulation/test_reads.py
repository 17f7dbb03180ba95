"""Reads: every purpose in its place, whatever weekday the weeks start on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rowcol.core.need import Purpose
from rowcol.simulation.reads import Mix, reads_of
from rowcol.simulation.workload import spec

ONLY_RITUALS = Mix(1.0, 0.0, 0.0, 0.0, 0.0)


def test_rituals_are_weekly_at_a_slot_of_the_business() -> None:
    calendar = spec().calendar
    reads = reads_of(ONLY_RITUALS, calendar, [(1,)], date(2026, 7, 6), 3, seed=1)
    assert [read.purpose for read in reads] == [Purpose.RITUAL] * 3
    hours = {read.at.astimezone(calendar.zone).hour for read in reads}
    assert len({read.at.astimezone(calendar.zone).weekday() for read in reads}) == 1
    assert len(hours) == 1  # spread over the half hour before the slot


@pytest.mark.parametrize("first", [date(2026, 6, 1) + timedelta(days=n) for n in range(7)])
def test_weeks_may_start_on_any_day(first: date) -> None:
    calendar = spec().calendar
    weekdays = [(0,), (1, 3), (2,)]
    reads = reads_of(spec().mix, calendar, weekdays, first, 2, seed=2)
    end = calendar.moment(first + timedelta(weeks=2), 0)
    assert all(calendar.moment(first, 0) <= read.at < end for read in reads)
    assert [read.at for read in reads] == sorted(read.at for read in reads)
    for read in reads:
        if read.purpose is Purpose.GUARDRAIL:
            assert read.at.astimezone(calendar.zone).weekday() in weekdays[read.client]


def test_nobody_asks_about_nobody() -> None:
    assert reads_of(spec().mix, spec().calendar, [], date(2026, 6, 1), 4, seed=1) == ()
