"""Rate limits: no window ever holds more than its limit, whatever arrives."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.clock import DEFAULT_START_AT as NOW
from rowcol.sandbox.qbo import Switches
from rowcol.sandbox.qbo.limits import RateLimits


@given(st.lists(st.floats(0, 0.5), max_size=200))
def test_no_second_holds_more_than_ten(gaps_s: list[float]) -> None:
    limits = RateLimits(Switches())
    at = NOW
    admitted: list[float] = []
    for gap_s in gaps_s:
        at += timedelta(seconds=gap_s)
        if limits.admit("1", "app", "read", at) is None:
            admitted.append(at.timestamp())
        assert sum(one > at.timestamp() - 1 for one in admitted) <= 10


def test_batches_and_minutes() -> None:
    limits = RateLimits(Switches(reports_limit=3))
    times = [NOW + timedelta(seconds=0.11 * n) for n in range(600)]
    assert sum(limits.admit("1", "a", "batch", at) is None for at in times[:60]) == 40
    assert sum(limits.admit("2", "a", "report", at) is None for at in times[:60]) == 3
    assert sum(limits.admit("3", "a", "read", at) is None for at in times[:540]) == 500


def test_other_apps_take_room_and_counting_only_is_a_switch() -> None:
    limits = RateLimits(Switches())
    limits.foreign_per_minute["1"] = 499
    assert limits.admit("1", "a", "read", NOW) is None
    assert limits.admit("1", "a", "read", NOW) == "per_minute"
    lenient = RateLimits(Switches(enforce_limits=False))
    assert all(lenient.admit("1", "a", "read", NOW) is None for _ in range(20))
    assert lenient.n_refused == 10
