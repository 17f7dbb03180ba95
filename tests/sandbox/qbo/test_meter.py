"""The meter: months, days and realms add up; peaks are sliding."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.clock import DEFAULT_START_AT as NOW
from rowcol.sandbox.qbo.meter import Meter, Served


def test_counts_and_peaks() -> None:
    meter = Meter(limit_per_month=4)
    for n, realm in enumerate(("1", "1", "2", "2")):
        at = NOW + timedelta(seconds=40 * n)
        meter.record(Served(at, realm, "read", ("Bill",), 200, 1, "app"))
    assert meter.month(NOW) == 4
    assert meter.is_blocked(NOW)
    assert not meter.is_blocked(NOW + timedelta(days=31))
    assert dict(meter.by_realm) == {"1": 2, "2": 2}
    assert meter.day("1", NOW) == 2
    assert (meter.peak_per_minute("1"), meter.peak_per_minute_portfolio()) == (2, 2)
    assert meter.peak_per_second("1") == 1
    assert meter.report(NOW)["this_month"] == 4


def test_what_costs_nothing_is_still_seen() -> None:
    meter = Meter()
    meter.record(Served(NOW, "1", "create", ("Bill",), 200, 0, "app"))
    assert (meter.month(NOW), len(meter.requests)) == (0, 1)


def brute_peak(times: list[float], window_s: float) -> int:
    return max((sum(at - window_s < one <= at for one in times) for at in times), default=0)


@given(st.lists(st.tuples(st.floats(0, 40), st.sampled_from("12")), max_size=60))
def test_running_peaks_are_exact_though_requests_are_forgotten(
    steps: list[tuple[float, str]],
) -> None:
    meter, at, times = Meter(kept_max=5), NOW, defaultdict[str, list[float]](list)
    for n, (gap_s, realm) in enumerate(steps, start=1):
        at += timedelta(seconds=gap_s)
        times[realm].append(at.timestamp())
        times["all"].append(at.timestamp())
        meter.record(Served(at, realm, "read", ("Bill",), 200, 1, "app"))
        assert min(n, 2) <= len(meter.requests) <= 5
        assert meter.requests[-1].at == at
    assert meter.report(at)["n_requests"] == len(steps) == sum(meter.by_realm.values())
    assert meter.peak_per_minute_portfolio() == brute_peak(times["all"], 60)
    for realm in "12":
        assert meter.peak_per_minute(realm) == brute_peak(times.get(realm, []), 60)
        assert meter.peak_per_second(realm) == brute_peak(times.get(realm, []), 1)
    assert meter.report(at)["peaks"].keys() == times.keys() - {"all"}


def test_everything_is_kept_unless_told_otherwise() -> None:
    meter = Meter()
    for _ in range(20_000):
        meter.record(Served(NOW, "1", "read", (), 200, 1, "app"))
    assert len(meter.requests) == 20_000
