"""Rate limits: no window ever holds more than its limit, whatever arrives."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.clock import DEFAULT_START_AT as NOW
from rowcol.sandbox.qbo import Switches
from rowcol.sandbox.qbo.limits import LIMITS, RateLimits


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


def test_all_calls_of_an_app_together() -> None:
    """800 a minute. Alone, for 10 a second and 500 a minute are always reached before."""
    limits = RateLimits(Switches())
    limits.table = tuple(limit for limit in LIMITS if limit.name == "combined")
    times = [NOW + timedelta(seconds=0.07 * n) for n in range(801)]
    refusals = [limits.admit("1", "a", "read", at) for at in times]
    assert refusals == [None] * 800 + ["combined"]
    assert limits.admit("1", "another app", "read", times[-1]) is None
    assert limits.admit("2", "a", "read", times[-1]) is None
    assert limits.admit("1", "a", "read", NOW + timedelta(minutes=1)) is None


def test_batches_of_all_apps_of_a_company() -> None:
    """120 a minute, though each app has 40 of its own."""
    limits = RateLimits(Switches())
    times = [NOW + timedelta(seconds=0.11 * n) for n in range(40)]
    for app in ("a", "b", "c"):
        assert {limits.admit("1", app, "batch", at) for at in times} == {None}
    later = times[-1] + timedelta(seconds=1)
    assert limits.admit("1", "a", "batch", later) == "batch_app"
    assert limits.admit("1", "d", "batch", later) == "batch"
    assert limits.admit("2", "d", "batch", later) is None
    assert limits.admit("1", "d", "read", later) is None
    assert limits.admit("1", "d", "batch", NOW + timedelta(minutes=1, seconds=1)) is None
