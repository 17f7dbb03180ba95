"""Aftermath: what a call, or a call that nobody ended, leaves behind. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from rowcol.core.change import ConnectionView, Settlement
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import CLOCK_SKEW_MAX
from rowcol.core.ids import CallId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome, retry_at
from rowcol.core.plan import Fetch
from rowcol.core.rail import RailSpec
from rowcol.core.records import Call

STUCK, SLOW = 5, 30
"""So many failures of a stream in a row are told to people. One that has nothing yet is asked a day long before."""


def inputs_of(view: ConnectionView) -> dict[str, object]:
    """What a decision was made from, as data that `explain` can show."""
    state = view.connection.state
    return {
        "seen_until": state.seen_until,
        "looked_at": state.looked_at,
        "health": state.health,
        "pulls_known": len(state.pulls),
    }


def state_after(
    step: Fetch,
    outcome: Outcome,
    state: ConnectionState,
    before: ConnectionState,
    now: datetime,
    detail: str = "",
) -> ConnectionState:
    """The state after a call, with its failure kept to what failed.

    A paid failure is no reason to stop looking for free (nor to pay again: `Work` marks that); a stream that is not
    ready keeps nothing else waiting.
    """
    if outcome is Outcome.OK:
        is_stream = bool(step.look.stream)
        if not is_stream:
            return state
        return replace(state, stream_failures=0, stream_retry_at=None, stream_stuck="")
    if step.is_paid:
        state = replace(state, retry_at=before.retry_at)
    elif step.look.stream and outcome is not Outcome.RESTART:
        failures = before.stream_failures + 1
        again_at = retry_at(outcome, failures, now)
        is_stuck = failures >= (SLOW if outcome is Outcome.NOT_READY else STUCK)
        why = f"changes cannot be read, {failures} tries in a row failed: {detail or outcome.value}"
        state = replace(
            state,
            retry_at=before.retry_at,
            stream_failures=failures,
            stream_retry_at=again_at,
            stream_stuck=why if is_stuck else "",
        )
    else:
        return state
    return replace(state, failures=before.failures)


def abandoned(view: ConnectionView, now: datetime) -> tuple[Settlement, ...]:
    """Settlements of calls that an earlier holder of the lease left open: it died between the wire and the commit."""
    return tuple(call.abandoned(now) for call in view.open_calls)


def is_reading(call: Call, connection: Connection, spec: RailSpec) -> bool:
    """Whether a line of the call log is a look of this connection's, made by reconcile: no person's own call, no token's."""
    endpoint = spec.endpoints.get(call.endpoint)
    if call.connection != connection.id or endpoint is None:
        return False
    is_persons = call.trigger is Trigger.PERSON and call.purpose is None
    return not (is_persons or endpoint.is_told or endpoint.is_write)


def made_since(at: datetime, calls: Iterable[Call], now: datetime) -> tuple[CallId, ...]:
    """Those of the log, newest first, that were opened since; oldest first. Of a clock that ran ahead none were."""
    ids = [call.id for call in calls if at <= call.opened_at <= now + CLOCK_SKEW_MAX]
    return tuple(reversed(ids))
