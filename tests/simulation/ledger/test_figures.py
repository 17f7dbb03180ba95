"""Figures: what the raw events say, worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isnan

from hypothesis import given
from hypothesis import strategies as st

from rowcol.simulation.ledger.figures import Asked, Edited, Events, Read, figures_of, peak

T0 = datetime(2026, 5, 4, tzinfo=UTC)
H = timedelta(hours=1)


def cdc(at: datetime, company: int = 0, *, units: int = 1, is_ok: bool = True) -> Asked:
    return Asked(at, company, "cdc", 200 if is_ok else 429, units if is_ok else 0, 16, is_ok)


def events(edits: list[Edited], requests: list[Asked], reads: list[Read]) -> Events:
    return Events(2, T0, T0 + timedelta(days=1), tuple(edits), tuple(requests), tuple(reads))


def test_a_decision_is_stale_when_a_change_came_after_the_last_look() -> None:
    edits = [Edited(T0 + 2 * H, 0, "enter bill"), Edited(T0 + 5 * H, 0, "pay bill")]
    requests = [cdc(T0 + 3 * H), cdc(T0 + 6 * H, is_ok=False), cdc(T0 + 4 * H, company=1)]
    reads = [
        Read(T0 + 1 * H, 0, "RITUAL", is_served=True, is_behind=False),  # nothing had changed yet
        Read(
            T0 + 4 * H, 0, "RITUAL", is_served=True, is_behind=False
        ),  # the look at 3 h brought it
        Read(T0 + 7 * H, 0, "GUARDRAIL", is_served=True, is_behind=False),  # the look at 6 h failed
        Read(T0 + 8 * H, 0, "GUARDRAIL", is_served=False, is_behind=False),  # nobody decided on it
        Read(T0 + 9 * H, 1, "RITUAL", is_served=True, is_behind=False),  # another company
        Read(T0 + 30 * H, 0, "RITUAL", is_served=True, is_behind=False),  # after the end
    ]
    found = figures_of(events(edits, requests, reads))
    assert (found.decision_reads, found.stale_decision_reads) == (4, 1)
    assert found.stale_decision_reads_pct == 25.0
    assert (found.metered_calls, found.metered_calls_per_company_day) == (2, 1.0)
    assert found.metered_calls_per_company_day_if_per_entity == 16
    assert (found.decision_reads_held, found.decision_reads_behind) == (1, 0)
    assert found.metered_calls_per_month == 61


def test_only_the_measured_time_is_counted_but_peaks_are_over_all() -> None:
    before = [cdc(T0 - H + timedelta(seconds=n)) for n in range(5)]
    found = figures_of(events([], [*before, cdc(T0 + H, company=1)], []))
    assert found.metered_calls == 1
    assert isnan(found.stale_decision_reads_pct), "no decision, no share"
    assert (found.peak_per_minute_per_company, found.peak_per_minute_portfolio) == (5, 5)


@given(st.lists(st.integers(0, 600), max_size=60))
def test_a_peak_is_the_fullest_minute(seconds: list[int]) -> None:
    moments = [T0 + timedelta(seconds=s) for s in seconds]
    for span_s in (1, 60):
        by_hand = max((sum(0 <= o - s < span_s for o in seconds) for s in seconds), default=0)
        assert peak(moments, timedelta(seconds=span_s)) == by_hand
