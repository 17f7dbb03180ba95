"""Sweep: when a connection is looked at though nobody asked, so that a lost delivery costs time and never truth."""

from __future__ import annotations

from datetime import datetime, timedelta

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.rail import RailSpec

GAP_REMEMBERED = timedelta(days=3)
"""How long a sweep that found something unannounced shortens the interval."""
SWEEP_BROKEN = timedelta(hours=6)
"""The interval while a person has to repair it: the rail may never tell that they did."""
SWEEP_DOWN = timedelta(hours=1)
"""The interval while the bank is down."""


def sweep_at(
    spec: RailSpec, state: ConnectionState, created_at: datetime, spread: float
) -> datetime:
    """When a look is due, spread over the last fifth of the interval; `spread` in [0, 1) is the connection's own."""
    if state.looked_at is None:
        return created_at
    return state.looked_at + _interval(spec, state) * (1 - spread / 5)


def _interval(spec: RailSpec, state: ConnectionState) -> timedelta:
    if state.health is Health.NEEDS_RECONNECT:
        return SWEEP_BROKEN
    if state.health is Health.INSTITUTION_DOWN:
        return SWEEP_DOWN
    return spec.sweep_gapped if is_gapped(state) else spec.sweep_every


def is_gapped(state: ConnectionState) -> bool:
    """Whether a look found lately what no delivery had announced."""
    gap_at = state.webhook_gap_at
    return gap_at is not None and (state.looked_at or gap_at) - gap_at < GAP_REMEMBERED


def sweep_reason(state: ConnectionState, now: datetime) -> str:
    """Why, for the call log."""
    if state.looked_at is None:
        return "the first look at this login"
    hours = (now - state.looked_at).total_seconds() / 3600
    if hours < 1:
        return "the bank was looked at anew; reading what it brought"
    return f"nothing was asked for {hours:.0f} h; looking so that a lost delivery is found"
