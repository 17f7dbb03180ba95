"""Edits: as many as the workload says, in working hours, the same for the same seed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rowcol.simulation.ledger.edits import CLOSES_S, DEEDS, OPENS_S, edits_of
from rowcol.simulation.workload import FIRST_DAY, spec

CALENDAR = spec().calendar
UNTIL = FIRST_DAY + timedelta(weeks=4)


def test_the_mean_is_the_workloads() -> None:
    found = edits_of(18, CALENDAR, FIRST_DAY, UNTIL, 100, 1)
    assert len(found) / 100 / 28 == pytest.approx(18, rel=0.05)
    assert {edit.deed for edit in found} == set(DEEDS)
    assert {edit.company for edit in found} == set(range(100))


def test_they_are_in_order_and_in_working_hours() -> None:
    found = edits_of(18, CALENDAR, FIRST_DAY, UNTIL, 5, 2)
    assert [e.at for e in found] == sorted(e.at for e in found)
    for edit in found:
        day: date = CALENDAR.day_of(edit.at)
        seconds = (edit.at - CALENDAR.moment(day, 0)).total_seconds()
        assert OPENS_S <= seconds <= CLOSES_S


def test_equal_seeds_give_equal_edits() -> None:
    first = edits_of(18, CALENDAR, FIRST_DAY, UNTIL, 3, 7)
    assert first == edits_of(18, CALENDAR, FIRST_DAY, UNTIL, 3, 7)
    assert first != edits_of(18, CALENDAR, FIRST_DAY, UNTIL, 3, 8)
