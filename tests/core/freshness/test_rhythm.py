"""Rhythm: what is learned from past pulls, and when nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.freshness.rhythm import DAYS_MAX, JITTER, SHARE_MIN, next_pull
from tests.core.builders import DAY, HOUR, MINUTE, NOW, minutes_before, rhythms

PULLS = rhythms() | st.lists(minutes_before(50_000), max_size=60)


def daily(hours_from_now: float, days: Sequence[int] = range(1, 15)) -> list[datetime]:
    """Pulls at one time of day, so many hours after now's, on past days."""
    return [NOW - day * DAY + hours_from_now * HOUR for day in days]


def test_a_usual_pull_is_expected_at_its_usual_time() -> None:
    expected = next_pull(daily(2), NOW, NOW + 3 * HOUR)
    assert expected is not None
    assert expected.at == NOW + 2 * HOUR + JITTER
    assert expected.share == 1


def test_a_pull_after_the_deadline_is_not() -> None:
    assert next_pull(daily(2), NOW, NOW + 2 * HOUR - MINUTE) is None


def test_not_later_than_the_deadline() -> None:
    expected = next_pull(daily(2), NOW, NOW + 2 * HOUR)
    assert expected is not None
    assert expected.at == NOW + 2 * HOUR


@pytest.mark.parametrize(("days", "known"), [(5, False), (6, True)])
def test_at_least_five_days_are_known(days: int, known: bool) -> None:
    """The first pull opens the record; the days after it count."""
    pulls = daily(2, range(1, days + 1))
    assert (next_pull(pulls, NOW, NOW + 3 * HOUR) is not None) is known


@pytest.mark.parametrize(("hits", "expected"), [(range(1, 11), True), (range(1, 10), False)])
def test_half_of_the_days_are_enough(hits: range, expected: bool) -> None:
    """On the other days the pull comes at another time."""
    others = daily(-5, range(1, 21))
    found = next_pull([*daily(2, hits), *others], NOW, NOW + 3 * HOUR)
    assert (found is not None) is expected


def test_only_the_last_four_weeks_count() -> None:
    old = daily(2, range(DAYS_MAX + 1, 90))
    assert next_pull([*old, *daily(-5, range(1, 90))], NOW, NOW + 3 * HOUR) is None


def test_an_interruption_is_not_held_against_the_rail() -> None:
    """A login that was broken for twelve days keeps the rhythm that it had, and has again."""
    days = [*range(1, 8), *range(20, 27)]
    expected = next_pull(daily(2, days), NOW, NOW + 3 * HOUR)
    assert expected is not None
    assert expected.share == 1


def test_a_rail_that_is_silent_is_not_expected_to_speak() -> None:
    assert next_pull(daily(2, range(5, 28)), NOW, NOW + 3 * HOUR) is None


def test_a_rail_that_is_always_slow_is_not_interrupted() -> None:
    assert next_pull(daily(2, range(1, 28, 4)), NOW, NOW + 3 * HOUR) is None


def test_over_more_than_a_day_one_a_day_is_certain() -> None:
    expected = next_pull(daily(-1, range(28)), NOW, NOW + 3 * DAY)
    assert expected is not None
    assert expected.share == 1
    assert expected.at == NOW + 23 * HOUR + JITTER


@pytest.mark.parametrize("deadline", [NOW, NOW - HOUR])
def test_no_time_left(deadline: datetime) -> None:
    assert next_pull(daily(2), NOW, deadline) is None


@given(PULLS, st.integers(1, 5000), st.randoms(use_true_random=False))
def test_order_and_copies_do_not_matter(pulls: list[datetime], minutes: int, dice: object) -> None:
    deadline = NOW + minutes * MINUTE
    shuffled = [*pulls, *pulls[::2]]
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert next_pull(shuffled, NOW, deadline) == next_pull(pulls, NOW, deadline)


@given(PULLS, st.integers(1, 5000))
def test_what_is_expected_lies_in_time(pulls: list[datetime], minutes: int) -> None:
    expected = next_pull(pulls, NOW, NOW + minutes * MINUTE)
    if expected is not None:
        assert NOW < expected.at <= NOW + minutes * MINUTE
        assert SHARE_MIN <= expected.share <= 1


@given(rhythms(), st.integers(1, 1440), st.integers(1, 50))
def test_a_burst_tells_no_more_than_its_first_pull(
    pulls: list[datetime], minutes: int, burst: int
) -> None:
    """Copies within a minute after each pull, as a rail that tries again makes them."""
    bursts = [p + n * (MINUTE / 60) for p in pulls for n in range(burst) if p < NOW - MINUTE]
    calm = [p for p in pulls if p < NOW - MINUTE]
    deadline = NOW + minutes * MINUTE
    assert next_pull(bursts, NOW, deadline) == next_pull(calm, NOW, deadline)


@given(PULLS, st.lists(st.integers(1, 600), max_size=5), st.integers(1, 1440))
def test_pulls_to_come_are_not_known(pulls: list[datetime], later: list[int], minutes: int) -> None:
    known = next_pull(pulls, NOW, NOW + minutes * MINUTE)
    assert (
        next_pull([*pulls, *(NOW + m * MINUTE for m in later)], NOW, NOW + minutes * MINUTE)
        == known
    )
