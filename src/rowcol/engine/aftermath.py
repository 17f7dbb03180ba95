"""Aftermath: what a call, or a call that nobody ended, leaves behind. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rowcol.core.change import ConnectionView, Settlement
from rowcol.core.connection import ConnectionState
from rowcol.core.outcome import Outcome, retry_at
from rowcol.core.plan import Fetch


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
    step: Fetch, outcome: Outcome, state: ConnectionState, before: ConnectionState, now: datetime
) -> ConnectionState:
    """The state after a call, with its failure kept to what failed.

    A paid failure is no reason to stop looking for free, it is one not to pay again for these
    needs; a stream that is not ready keeps nothing else waiting.
    """
    if outcome is Outcome.OK:
        is_stream = bool(step.look.stream)
        return replace(state, stream_failures=0, stream_retry_at=None) if is_stream else state
    if step.is_paid:
        state = replace(state, retry_at=before.retry_at, paid_failed_at=now)
    elif step.look.stream and outcome is not Outcome.RESTART:
        failures = before.stream_failures + 1
        again_at = retry_at(outcome, failures, now)
        state = replace(
            state,
            retry_at=before.retry_at,
            stream_failures=failures,
            stream_retry_at=again_at,
        )
    else:
        return state
    return replace(state, failures=before.failures)


def abandoned(view: ConnectionView, now: datetime) -> tuple[Settlement, ...]:
    """Settlements of calls that an earlier holder of the lease left open: it died between the wire and the commit."""
    return tuple(call.abandoned(now) for call in view.open_calls)
