"""Lately: whether the same thing was paid for a moment ago, so that a request repeated after a time-out is not paid twice."""

from __future__ import annotations

from datetime import timedelta

from rowcol.core.connection import Connection
from rowcol.core.evidence import CLOCK_SKEW_MAX
from rowcol.services.plane import OpenPlane

JOINED = timedelta(minutes=10)
CALLS_SEEN = 1000


async def is_paid_lately(plane: OpenPlane, login: Connection, endpoint: str) -> bool:
    """Whether it cost something in the last ten minutes, or may yet: also a call that nobody has ended. To be asked
    under the login's lease, so that of two at once the second sees the first."""
    now = plane.clock.now()
    calls = await plane.store.list_calls(login.firm, business=login.business, limit=CALLS_SEEN)
    return any(
        now - JOINED <= call.opened_at <= now + CLOCK_SKEW_MAX
        and (call.cost.micros or (call.settled_at is None and call.price.micros))
        for call in calls
        if (call.connection, call.endpoint) == (login.id, endpoint)
    )
