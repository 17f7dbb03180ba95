"""Books that cannot be read: waited for, labelled or held, and never hammered on. What works is in `test_books`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from rowcol.adapters.sql import open_sqlite
from rowcol.core.change import Action, Change, Committed
from rowcol.core.evidence import Health
from rowcol.core.ids import FirmId, NeedId
from rowcol.core.need import Need, Purpose, question_of
from rowcol.core.outcome import RULES, Outcome
from rowcol.core.pause import switch_of_rail
from rowcol.core.refusal import Busy
from rowcol.core.wire import Silence
from rowcol.ports import FullStore
from rowcol.services.cache import CacheService
from tests.company_rig import CompanyRig, company_rig
from tests.engine.test_books import HOUR, MINUTE, ask, finish, it, metered, read
from tests.fake_books import LEDGER
from tests.fake_company import APP, Paged
from tests.rig import BUSINESS, FIRM
from tests.waiting import until, until_stuck

__all__ = ["it"]


@pytest.mark.parametrize(
    "failure",
    [
        o
        for o in Outcome
        if o not in (Outcome.OK, Outcome.RESTART, Outcome.NO_ANSWER, Outcome.NOT_SENT)
    ]
    + [Silence.TIMEOUT, Silence.NOT_SENT],
)
@pytest.mark.parametrize("endpoint", ["changes", "list"])
async def test_a_failure_is_answered_once_and_never_loops(
    tmp_path: Path, failure: Outcome | Silence, endpoint: str
) -> None:
    """A guardrail holds, a display is labelled; and the machine does not hammer on."""
    async with company_rig(tmp_path) as it:
        if endpoint == "changes":
            await it.settle()
            it.clock.advance(25 * HOUR)
        it.company.calls.clear()
        it.company.fails[endpoint] = failure
        await it.settle()
        asked = ask(it, Purpose.GUARDRAIL) if endpoint == "changes" else None
        if asked is not None:
            held = await finish(it, asked, 4 * HOUR)
            assert len(metered(it)) <= 10
            assert held.action is Action.HOLD
            shown = await finish(it, ask(it, Purpose.DISPLAY), 2 * MINUTE)
            if failure is not Outcome.GONE:
                assert shown.action is Action.SERVE
                assert shown.label is not None
        it.company.calls.clear()
        for _ in range(60):
            it.clock.advance(MINUTE)
            await it.settle()
        assert len(metered(it)) <= 7


async def test_a_failing_listing_that_is_a_stream_does_not_loop(tmp_path: Path) -> None:
    async with company_rig(tmp_path, rail=Paged("books")) as it:
        it.company.fails["list"] = Outcome.TRY_AGAIN
        await it.settle()
        assert metered(it) == ["list"]
        it.clock.advance(timedelta(seconds=70))
        await it.settle()
        assert metered(it) == ["list"] * 2
        del it.company.fails["list"]
        for _ in range(5):
            it.clock.advance(MINUTE)
            await it.settle()
        assert (await it.view()).coverages


async def test_a_failure_of_seconds_is_waited_for(it: CompanyRig) -> None:
    it.clock.advance(HOUR)
    it.company.fails["changes"] = Outcome.TRY_AGAIN
    asked = ask(it)
    await until_stuck(it.clock, asked)
    await it.settle()
    del it.company.fails["changes"]
    answer = await finish(it, asked, 5 * MINUTE)
    assert (answer.action, answer.label) == (Action.SERVE, None)


async def test_never_read_books_hold(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        it.company.fails = {"list": Outcome.TRY_AGAIN}
        await it.settle()
        answer = await finish(
            it, asyncio.create_task(CacheService(it.plane, BUSINESS).list_bills()), 3 * HOUR
        )
        assert (answer.action, answer.as_of, answer.value) == (Action.HOLD, None, ())


async def test_a_broken_company_says_why(it: CompanyRig) -> None:
    it.clock.advance(25 * HOUR)
    it.company.fails["changes"] = Outcome.NEEDS_PERSON
    shown = await read(it, Purpose.DISPLAY)
    assert (await it.view()).connection.state.health is Health.NEEDS_RECONNECT
    assert str(Outcome.NEEDS_PERSON) in (shown.label or "")
    assert shown.as_of is not None


class FullDisk:
    """A store that takes no commit which brings a coverage, and all smaller ones."""

    def __init__(self, store: FullStore) -> None:
        self._store = store
        self.is_full = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, firm: FirmId, change: Change) -> Committed:
        if self.is_full and change.coverages:
            raise Busy("the disk is full")
        return await self._store.commit(firm, change)


async def test_a_cursor_does_not_go_on_without_its_rows(tmp_path: Path) -> None:
    """What could not be stored is read again; else the books would be told complete without it."""
    store = FullDisk(await open_sqlite(tmp_path / "x.db"))
    async with company_rig(tmp_path, store=store) as it:  # type: ignore[arg-type]
        await it.settle()
        it.clock.advance(HOUR)
        it.company.change("b1", 12_345)
        before, store.is_full = (await it.view()).connection.state, True
        asked = ask(it, Purpose.GUARDRAIL)
        await until(lambda: "changes" in it.company.calls, it.settle)
        after = (await it.view()).connection.state
        assert "changes" in it.company.calls
        assert (after.cursor, after.looked_at) == (before.cursor, before.looked_at)
        store.is_full = False
        served = await finish(it, asked, 4 * HOUR)
        assert served.action in (Action.SERVE, Action.HOLD)
        bill = (await CacheService(it.plane, BUSINESS).get_bill("b1", Purpose.GUARDRAIL)).value
        assert bill is not None
        assert bill.balance.amount_minor == 12_345
    await store._store.close()


@pytest.mark.parametrize("why", ["pool", "pause", "person", "failing"])
@pytest.mark.parametrize("purpose", [Purpose.RITUAL, Purpose.GUARDRAIL])
async def test_books_of_minutes_are_served_once_where_no_look_can_be_made(
    tmp_path: Path, why: str, purpose: Purpose
) -> None:
    """And whoever asked takes that answer, rather than ask again for one of its own."""
    async with company_rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(3 * MINUTE)
        it.company.calls.clear()
        match why:
            case "pause":
                await it.plane.store.set_switch(switch_of_rail(LEDGER), "operator")
            case "pool":
                it.plane.gateway._apps = {APP.id: replace(APP, pool_limit=1)}
            case "person":
                it.company.fails["changes"] = Outcome.NEEDS_PERSON
            case _:
                it.company.fails["changes"] = Outcome.TRY_AGAIN
        served = await finish(it, ask(it, purpose), 2 * MINUTE)
        assert (served.action, served.label) == (Action.SERVE, None)
        assert len(it.company.calls) <= 1
        assert len(await it.plane.store.list_decisions(FIRM)) == 1


async def test_a_clock_ahead_of_ours_does_not_read_for_ever(tmp_path: Path) -> None:
    """No look that is made now is made after it was asked, where that lies in the future."""
    async with company_rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(MINUTE)
        it.company.calls.clear()
        it.company.on_call = lambda _: it.clock.advance(timedelta(milliseconds=300))
        asked_at = it.clock.now() + timedelta(seconds=30)
        question = question_of(Purpose.FORCED, asked_at, is_confirmed=True)
        need = Need(NeedId("n"), FIRM, BUSINESS, it.connection, question, it.clock.now())
        await it.plane.store.add_needs(FIRM, [need])
        await it.settle()
        (answered,) = (await it.plane.store.read_answers(FIRM, [need.id])).values()
        assert (answered.decision.action, it.company.calls) == (Action.SERVE, ["changes"])


@pytest.mark.parametrize("outcome", [Outcome.BAD_CREDENTIALS, Outcome.TRY_AGAIN])
async def test_what_an_operator_should_hear_of_is_in_the_log(
    tmp_path: Path, outcome: Outcome
) -> None:
    """Also of a call that nobody waits for, with whose it was."""
    async with company_rig(tmp_path) as it:
        it.company.fails["list"] = outcome
        with capture_logs() as logs:
            await it.settle()
        said = [
            (each["outcome"], each["connection"]) for each in logs if each["event"] == "call.alarm"
        ]
        assert said == ([(outcome.value, it.connection)] if RULES[outcome].is_alarm else [])
