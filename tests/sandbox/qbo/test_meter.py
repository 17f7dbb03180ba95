"""The meter: months, days and realms add up; peaks are sliding."""

from __future__ import annotations

from datetime import timedelta

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
