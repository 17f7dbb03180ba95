"""Picture: what a policy may know of books. Standings of cash are in `test_plan`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Coverage, Health, Source
from rowcol.core.picture import Picture, standing_of
from rowcol.core.rail import Rail, Role
from tests.core.builders import DAY, HOUR, MINUTE, NOW, account, observation

NO_RAIL = cast("Rail", None)
"""Books ask no rail what a standing is."""


def books(state: ConnectionState, *ages: timedelta) -> Picture:
    coverages = tuple(
        Coverage(f"scope-{n}", NOW - age, Source.CACHED) for n, age in enumerate(ages)
    )
    return Picture(state, (), (), NOW - DAY, 0.0, 0, role=Role.BOOKS, coverages=coverages)


READ = ConnectionState(looked_at=NOW - MINUTE, delivered_at=NOW - HOUR)


def test_books_are_as_old_as_their_oldest_coverage() -> None:
    known = standing_of(books(READ, MINUTE, HOUR, 2 * MINUTE), NO_RAIL, NOW)
    assert (known.as_of, known.read_at) == (NOW - HOUR, NOW - MINUTE)


def test_a_look_without_a_coverage_is_no_reading() -> None:
    known = standing_of(books(READ), NO_RAIL, NOW)
    assert (known.as_of, known.read_at) == (None, NOW - MINUTE)


def test_accounts_say_nothing_about_books() -> None:
    picture = replace(books(READ), accounts=(account("a", observation("a")),))
    assert standing_of(picture, NO_RAIL, NOW).as_of is None


def test_hints_refusals_and_health_are_passed_on() -> None:
    hinted = READ.marked("Bill", "a delivery")
    assert standing_of(books(hinted, MINUTE), NO_RAIL, NOW).is_hinted
    assert not standing_of(books(READ, MINUTE), NO_RAIL, NOW).is_hinted
    refused = replace(books(READ, MINUTE), paid_refusal="the month is used up")
    assert standing_of(refused, NO_RAIL, NOW).cannot_pay == "the month is used up"
    broken = READ.with_health(Health.NEEDS_RECONNECT, "consent ended", NOW)
    assert standing_of(books(broken, MINUTE), NO_RAIL, NOW).health_reason == "consent ended"
    repaired = broken.with_health(Health.OK, "stale words", NOW)
    assert standing_of(books(repaired, MINUTE), NO_RAIL, NOW).health_reason == ""
