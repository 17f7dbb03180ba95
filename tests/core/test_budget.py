"""Budget: it is never exceeded, and people have their reserve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.budget import PEOPLE_SHARE_PCT, Budget, month_end, month_of
from rowcol.core.money import FREE, Cost


@given(
    limit=st.integers(0, 2_000_000),
    calls=st.lists(st.tuples(st.integers(0, 300_000), st.booleans()), max_size=40),
)
def test_no_sequence_of_calls_exceeds_it(limit: int, calls: list[tuple[int, bool]]) -> None:
    """And what the machine alone spends stays below the reserve."""
    spent = by_machine = 0
    for micros, is_person in calls:
        budget = Budget("k", Cost(limit), Cost(spent))
        if budget.refusal(Cost(micros), is_person=is_person) is None:
            spent += micros
            if not is_person and micros:
                by_machine += micros
                assert spent * 100 <= limit * (100 - PEOPLE_SHARE_PCT)
    assert spent <= limit
    assert by_machine * 100 <= limit * (100 - PEOPLE_SHARE_PCT)


def test_open_intents_count_as_spent() -> None:
    budget = Budget("k", Cost(100), Cost(50), reserved=Cost(50))
    assert "used up" in (budget.refusal(Cost(1), is_person=True) or "")


def test_people_may_spend_the_reserve() -> None:
    budget = Budget("k", Cost(1_000_000), Cost(850_000))
    assert "people" in (budget.refusal(Cost(100_000), is_person=False) or "")
    assert budget.refusal(Cost(100_000), is_person=True) is None


def test_free_calls_are_never_refused() -> None:
    assert Budget("k", Cost(0), Cost(10)).refusal(FREE, is_person=False) is None


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_month_ends_where_the_next_begins(when: datetime) -> None:
    end = month_end(when)
    assert when < end
    assert month_of(end) != month_of(when)
    assert month_of(end - timedelta(microseconds=1)) == month_of(when)
