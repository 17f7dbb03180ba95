"""What a call leaves behind: its failure stays with what failed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rowcol.core.change import OpenCall
from rowcol.core.connection import ConnectionState
from rowcol.core.ids import CallId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.plan import Fetch
from rowcol.core.rail import Look
from rowcol.engine.aftermath import abandoned, state_after
from tests.engine.test_merge import view
from tests.fakes import T0

LATER = T0 + timedelta(minutes=1)
BEFORE = ConnectionState(failures=2, retry_at=T0)


def step(stream: str = "", *, is_paid: bool = False) -> Fetch:
    return Fetch(Look("x", stream=stream), Trigger.SWEEP, "because", None, None, is_paid)


def failed() -> ConnectionState:
    return replace(BEFORE, failures=3, retry_at=LATER)


def test_a_paid_failure_does_not_stop_free_looks() -> None:
    after = state_after(step(is_paid=True), Outcome.TRY_AGAIN, failed(), BEFORE, T0)
    assert (after.failures, after.retry_at, after.paid_failed_at) == (2, T0, T0)


def test_a_stream_that_is_not_ready_waits_alone() -> None:
    after = state_after(step("rows"), Outcome.NOT_READY, failed(), BEFORE, T0)
    assert (after.failures, after.retry_at, after.stream_retry_at) == (2, T0, LATER)
    done = state_after(step("rows"), Outcome.OK, after, after, T0)
    assert done.stream_retry_at is None


def test_a_free_failure_is_retried_later() -> None:
    after = state_after(step(), Outcome.TRY_AGAIN, failed(), BEFORE, T0)
    assert (after.failures, after.retry_at, after.paid_failed_at) == (3, LATER, None)


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.RESTART])
def test_success_and_restart_leave_the_state_as_read(outcome: Outcome) -> None:
    assert state_after(step("rows"), outcome, ConnectionState(), BEFORE, T0) == ConnectionState()


def test_calls_that_nobody_ended_are_possibly_billed_unless_they_are_free() -> None:
    calls = (OpenCall(CallId("a"), is_counted=True), OpenCall(CallId("b"), is_counted=False))
    lost = replace(view(), open_calls=calls)
    assert [(s.call, s.billed) for s in abandoned(lost, T0)] == [
        ("a", Billed.POSSIBLY),
        ("b", Billed.NO),
    ]
