"""Sweep: spread over a fifth of the interval, shorter after a gap and while something is broken."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.rail import RailSpec
from rowcol.core.sweep import GAP_REMEMBERED, SWEEP_BROKEN, SWEEP_DOWN, sweep_at, sweep_reason
from tests.core.builders import DAY, HOUR, NOW

SPEC = RailSpec("simple", {}, {}, {}, (), sweep_every=7 * DAY, sweep_gapped=DAY)


@given(st.floats(0, 1, exclude_max=True), st.sampled_from(Health), st.integers(0, 3))
def test_sweeps_are_spread_over_a_fifth(spread: float, health: Health, gaps: int) -> None:
    state = ConnectionState(looked_at=NOW, health=health, webhook_gaps=gaps)
    latest = sweep_at(SPEC, state, NOW - DAY, 0.0)
    assert NOW < latest <= NOW + SPEC.sweep_every
    assert latest - (latest - NOW) / 5 <= sweep_at(SPEC, state, NOW - DAY, spread) <= latest


def test_what_was_never_looked_at_is_due_from_the_start() -> None:
    assert sweep_at(SPEC, ConnectionState(), NOW - DAY, 0.9) == NOW - DAY
    assert sweep_reason(ConnectionState(), NOW) == "the first look at this login"


def test_a_gap_shortens_the_interval_for_some_days() -> None:
    gapped = ConnectionState(looked_at=NOW, webhook_gap_at=NOW - HOUR)
    assert sweep_at(SPEC, gapped, NOW, 0.0) == NOW + SPEC.sweep_gapped
    over = ConnectionState(looked_at=NOW, webhook_gap_at=NOW - GAP_REMEMBERED)
    assert sweep_at(SPEC, over, NOW, 0.0) == NOW + SPEC.sweep_every


def test_what_is_broken_is_looked_at_sooner() -> None:
    for health, interval in (
        (Health.NEEDS_RECONNECT, SWEEP_BROKEN),
        (Health.INSTITUTION_DOWN, SWEEP_DOWN),
    ):
        state = ConnectionState(looked_at=NOW, health=health)
        assert sweep_at(SPEC, state, NOW, 0.0) == NOW + interval


def test_the_reason_names_how_long_nobody_asked() -> None:
    state = ConnectionState(looked_at=NOW - timedelta(hours=30))
    assert "30 h" in sweep_reason(state, NOW)
