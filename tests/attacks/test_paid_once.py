"""One confirmation is paid once, whatever ends the process that pays, and the person hears what it may have cost.

| a confirmed live look, and then                  | live calls: had | has | the need's cost said: had | has   |
|--------------------------------------------------|-----------------|-----|---------------------------|-------|
| a kill before the answer, found 20 s later       | 2               | 1   | $0.10 of $0.20            | $0.10 |
| the same, found by upkeep 11 minutes later       | 1               | 1   | $0                        | $0.10 |
| a disk that is full for the commit and after it  | 1               | 1   | $0                        | $0.10 |
| a lease that passed to another meanwhile         | 1               | 1   | $0                        | $0.10 |
| a paused holder that wakes and would send        | 1 more          | 0   |                           |       |
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rowcol.adapters.sql import open_sqlite
from rowcol.core.change import Action, Change, Committed
from rowcol.core.ids import FirmId
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Billed
from rowcol.core.rail import Look
from rowcol.core.refusal import Busy
from rowcol.engine.answer import Answer
from rowcol.engine.gateway import Cause
from rowcol.services.cache import CacheService
from rowcol.services.integration import IntegrationService
from tests.crash import office as offices
from tests.crash.bank import open_bank
from tests.crash.nursery import open_nursery
from tests.crash.office import TOKEN, Desk, Office, pause
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS, CONNECTION, FIRM, Rig, rig

LATER = timedelta(seconds=20)
UPKEEP = timedelta(minutes=11)
BALANCE = "/accounts/balance/get"


class Killed(RuntimeError):
    """Stands for the end of the process: nothing of the run is committed any more."""


def force(it: Rig) -> asyncio.Task[Answer]:
    service = IntegrationService(it.plane, BUSINESS)
    return asyncio.create_task(service.refresh_plaid_balance(force=True))


async def asked(it: Rig) -> None:
    """Until the question is stored."""
    while not (await it.plane.store.read_view(FIRM, CONNECTION)).needs:  # type: ignore[union-attr]
        await pause(0.001)


async def said(it: Rig, asking: asyncio.Task[Answer]) -> Answer:
    """The answer, on time or from whoever works later."""
    for _ in range(60):
        if asking.done():
            break
        await it.advance(seconds=1)
        await pause(0.01)
    return await asking


def tried_once(it: Rig, answer: Answer) -> None:
    assert it.bank.calls.count("live") == 1
    assert answer.cost.micros == LIVE_MICROS
    assert "may have been billed" in (answer.label or "")


async def booked(it: Rig) -> list[tuple[int, str | None]]:
    calls = await it.plane.store.list_calls(FIRM)
    return [(c.cost.micros, c.billed) for c in calls if c.price.micros]


async def killed(it: Rig, ask: Callable[[Rig], asyncio.Task[Answer]]) -> asyncio.Task[Answer]:
    """Asked, and the process that pays for it dies before the answer is stored."""
    await it.settle()

    def die(name: str) -> None:
        if name == "live":
            raise Killed

    it.bank.on_call = die
    asking = ask(it)
    await asked(it)
    await it.settle()
    assert it.bank.calls.count("live") == 1
    it.bank.on_call = None
    return asking


@pytest.mark.parametrize("away", [LATER, timedelta(seconds=100)])
async def test_a_killed_look_is_not_paid_again(tmp_path: Path, away: timedelta) -> None:
    async with rig(tmp_path) as it:
        asking = await killed(it, force)
        it.clock.advance(away)
        await it.settle()
        tried_once(it, await said(it, asking))
        assert await booked(it) == [(LIVE_MICROS, Billed.POSSIBLY)]


async def test_upkeep_does_not_hide_that_it_was_paid_for(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        asking = await killed(it, force)
        it.clock.advance(UPKEEP)
        now = it.clock.now()
        assert await it.plane.store.abandon_calls(now - timedelta(minutes=5), now) == 1
        await it.settle()
        await said(it, asking)
        assert it.bank.calls.count("live") == 1
        (record, *_) = [r for r in await it.plane.store.list_decisions(FIRM) if r.need]
        assert "may have been billed" in record.decision.reason
        assert record.cost.micros == LIVE_MICROS


async def test_a_guardrail_is_held_and_not_paid_again_by_itself(tmp_path: Path) -> None:
    def guard(it: Rig) -> asyncio.Task[Answer]:
        soon = it.clock.now()
        cache = CacheService(it.plane, BUSINESS)
        return asyncio.create_task(cache.get_balance(Purpose.GUARDRAIL, deadline=soon))

    async with rig(tmp_path) as it:
        asking = await killed(it, guard)
        it.clock.advance(LATER)
        await it.settle()
        answer = await said(it, asking)
        assert answer.action is Action.HOLD
        tried_once(it, answer)


async def test_whoever_confirms_again_gets_another(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        asking = await killed(it, force)
        it.clock.advance(LATER)
        await it.settle()
        await said(it, asking)
        again = await said(it, force(it))
        assert it.bank.calls.count("live") == 2
        assert again.label is None
        assert again.cost.micros == LIVE_MICROS
        assert again.value.totals[0].amount_minor == it.bank.live_minor


class Full:
    """A store whose disk takes no commit while `is_full`."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.is_full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, firm: FirmId, change: Change) -> Committed:
        if self.is_full:
            raise Busy("the disk is full", "make room")
        done: Committed = await self._store.commit(firm, change)
        return done


@pytest.fixture
async def full(tmp_path: Path) -> Full:
    return Full(await open_sqlite(tmp_path / "file.sqlite"))


async def test_an_answer_that_no_disk_took_is_not_paid_for_again(
    tmp_path: Path, full: Full
) -> None:
    async with rig(tmp_path, store=full) as it:
        await it.settle()

        def fill(name: str) -> None:
            full.is_full |= name == "live"

        it.bank.on_call = fill
        asking = force(it)
        await asked(it)
        await it.settle()
        full.is_full = False
        it.clock.advance(LATER)
        await it.settle()
        tried_once(it, await said(it, asking))
        assert await booked(it) == [(LIVE_MICROS, Billed.POSSIBLY)]
    await full.close()


async def test_a_lease_that_passed_to_another_meanwhile(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        work: list[Awaitable[Any]] = []

        def pass_on(name: str) -> None:
            if name == "live" and not work:
                it.clock.advance(LATER)
                claim = it.plane.store.claim_one(FIRM, CONNECTION, "next", it.clock.now(), 15)
                work.append(asyncio.ensure_future(claim))

        it.bank.on_call = pass_on
        asking = force(it)
        await asked(it)
        await it.settle()
        assert await work[0] is not None
        it.clock.advance(LATER)
        await it.settle()
        answer = await said(it, asking)
        assert it.bank.calls.count("live") == 1
        assert answer.cost.micros == LIVE_MICROS
        decisions = await it.plane.store.list_decisions(FIRM)
        assert sum(record.cost.micros for record in decisions) == LIVE_MICROS  # had twice as much


async def test_a_holder_that_wakes_too_late_sends_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        store = it.plane.store
        stale = await store.claim_one(FIRM, CONNECTION, "paused", it.clock.now(), 15)
        it.clock.advance(LATER)
        assert await store.claim_one(FIRM, CONNECTION, "next", it.clock.now(), 15)
        view = await store.read_view(FIRM, CONNECTION)
        assert view is not None
        before = list(it.bank.calls)
        cause = Cause(Trigger.PERSON, "woken", Purpose.FORCED, stale)
        sent = await it.plane.gateway.fetch(FIRM, view.connection, Look("live"), cause, view.token)
        assert "took this login over" in getattr(sent, "reason", "")
        assert it.bank.calls == before
        assert await booked(it) == []


@pytest.mark.long
@pytest.mark.serial
async def test_kill_9_during_a_confirmed_look(tmp_path: Path) -> None:
    """Had: 2 live calls billed at the bank, and a need that said $0. Has: 1, and $0.10."""
    with open_bank() as bank, open_nursery() as nursery:
        bank.clock.shift = timedelta(hours=-9)
        bank.login(1, 100_000, [], None)
        office = Office(tmp_path, bank.url)
        (business,) = await office.prepare(bank)
        bank.slow_s[BALANCE] = 4
        desk = Desk(nursery, office, tmp_path / "log")
        desk.launch()
        await desk.up()
        place = f"{desk.url}/v1/businesses/{business}/balance/refresh"
        body = {"force": True, "price_confirmed_micros": 100_000}
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
            asking = asyncio.create_task(client.post(place, json=body, headers=headers))
            while not bank.asked[BALANCE]:
                assert not asking.done(), asking.result().text
                await pause(0.02)
            desk.kill()
            with pytest.raises(httpx2.HTTPError):
                await asking
        bank.slow_s.clear()
        desk.launch()
        await desk.up()
        answered = "SELECT cost_micros, decision FROM rowcol_needs WHERE answered_at_us > 0"
        async with asyncio.timeout(offices.WAIT_S):
            while not (rows := office.rows(answered)):
                await pause(0.2)
        desk.stop()
    ((cost_micros, decision),) = rows
    assert bank.asked[BALANCE] == bank.billed == 1
    assert cost_micros == 100_000
    assert "may have been billed" in decision
