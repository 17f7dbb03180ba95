"""What a call leaves behind: its failure stays with what failed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from rowcol.adapters.memory import MemoryStore
from rowcol.core.change import Action, OpenCall
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, CallId
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.plan import Fetch
from rowcol.core.rail import Look
from rowcol.engine.aftermath import abandoned, state_after
from rowcol.sandbox.qbo.faults import Fault
from rowcol.services.integration import IntegrationService
from rowcol.simulation.rig import Rig, open_rig
from rowcol.simulation.wiring import FIRM
from tests.contracts.values import connection
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
    assert (after.failures, after.retry_at) == (2, T0)


def test_a_stream_that_is_not_ready_waits_alone() -> None:
    after = state_after(step("rows"), Outcome.NOT_READY, failed(), BEFORE, T0)
    assert (after.failures, after.retry_at, after.stream_retry_at) == (2, T0, LATER)
    done = state_after(step("rows"), Outcome.OK, after, after, T0)
    assert done.stream_retry_at is None


@pytest.mark.parametrize(
    ("outcome", "told_after"),
    [(Outcome.UNREADABLE, 5), (Outcome.TRY_AGAIN, 5), (Outcome.NOT_READY, 30)],
)
def test_a_stream_that_fails_and_fails_is_told(outcome: Outcome, told_after: int) -> None:
    """Had: 77 in a row with health OK and nothing in doctor."""
    state, count = ConnectionState(), 0
    while not state.stream_stuck:
        count += 1
        state = state_after(step("rows"), outcome, replace(state, failures=1), state, T0, "why")
    assert count == told_after
    row = replace(connection("c"), state=state)
    assert row.health is Health.DEGRADED
    assert row.health_reason(T0) == f"changes cannot be read, {count} tries in a row failed: why"
    done = state_after(step("rows"), Outcome.OK, state, state, T0)
    assert replace(row, state=done).health is Health.OK


def test_a_free_failure_is_retried_later() -> None:
    after = state_after(step(), Outcome.TRY_AGAIN, failed(), BEFORE, T0)
    assert (after.failures, after.retry_at, after.paid_failed_at) == (3, LATER, None)


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.RESTART])
def test_success_and_restart_leave_the_state_as_read(outcome: Outcome) -> None:
    assert state_after(step("rows"), outcome, ConnectionState(), BEFORE, T0) == ConnectionState()


def test_calls_that_nobody_ended_are_possibly_billed_unless_they_are_free() -> None:
    calls = (
        OpenCall(CallId("a"), is_counted=True, opened_at=T0),
        OpenCall(CallId("b"), is_counted=False, opened_at=T0),
    )
    lost = replace(view(), open_calls=calls)
    assert [(s.call, s.billed) for s in abandoned(lost, T0)] == [
        ("a", Billed.POSSIBLY),
        ("b", Billed.NO),
    ]


@asynccontextmanager
async def read_books() -> AsyncIterator[tuple[Rig, BusinessId]]:
    """Books that were read whole an hour ago."""
    async with open_rig() as rig:
        company = rig.books.add_company("Harbor")
        business = await rig.add_business("Harbor")
        await rig.connect_books(business, company)
        await rig.advance_to(rig.clock.now() + timedelta(hours=1))
        yield rig, business


async def test_an_answer_names_the_calls_of_every_run_that_was_made_for_it() -> None:
    async with read_books() as (rig, business):
        before = {call.id for call in await rig.plane.store.list_calls(FIRM)}
        await IntegrationService(rig.plane, business, firm=FIRM).call_api(
            "qbo", "query", data={"entity": "Bill"}
        )
        rig.books.faults.next(Fault.ERROR_500, 1)
        asked = await rig.ask_books(business, Purpose.GUARDRAIL)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=3))
        assert asked.answer is not None
        log = [c for c in await rig.plane.store.list_calls(FIRM) if c.id not in before]
        tries = [c for c in reversed(log) if c.endpoint == "cdc"]
        assert [c.outcome for c in tries] == [Outcome.TRY_AGAIN, Outcome.OK]
        assert asked.answer.calls == tuple(c.id for c in tries)
        assert {c.endpoint for c in log} > {"cdc", "query"}, "what others made is not in it"
        (record, *_) = await rig.plane.store.list_decisions(FIRM)
        assert record.calls == asked.answer.calls


class Counting:
    """A store that counts how often the call log is read."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.log_reads = 0

    def __getattr__(self, name: str) -> object:
        self.log_reads += name == "list_calls"
        return getattr(self._store, name)


async def test_the_log_is_read_only_where_an_earlier_run_can_have_called() -> None:
    store = Counting()
    async with open_rig(store=store) as rig:  # type: ignore[arg-type]
        company = rig.books.add_company("Harbor")
        business = await rig.add_business("Harbor")
        await rig.connect_books(business, company)
        await rig.advance_to(rig.clock.now() + timedelta(hours=1))
        store.log_reads = 0
        await rig.ask_books(business, Purpose.GUARDRAIL)
        assert store.log_reads == 0
        await rig.advance_to(rig.clock.now() + timedelta(hours=1))
        rig.books.faults.next(Fault.ERROR_500, 1)
        await rig.ask_books(business, Purpose.GUARDRAIL)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=3))
        assert store.log_reads == 1
        rig.books.faults.outage(rig.clock.now(), rig.clock.now() + timedelta(days=20))
        await rig.advance_to(rig.clock.now() + timedelta(days=20))
        assert store.log_reads == 1, "nobody asked"


async def test_who_gives_up_on_a_rail_that_fails_hears_that() -> None:
    async with read_books() as (rig, business):
        rig.books.faults.next(Fault.ERROR_500, 1)
        asked = await rig.ask_books(business, Purpose.GUARDRAIL)
        assert asked.open is not None
        left = await rig.plane.bookkeeper.give_up(FIRM, business, asked.open)
        assert left.action is Action.HOLD
        assert "fails just now" in (left.label or "")
        assert "serve" not in (left.label or "")
        rig.clock.advance_to(rig.clock.now() + timedelta(days=2))
        later = await rig.plane.bookkeeper.give_up(FIRM, business, asked.open)
        assert "rowcol serve" in (later.label or ""), "for two days nobody worked"
