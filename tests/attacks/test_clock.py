"""A clock that ran ahead and was set right: nothing stamped after now is fresh, and nothing stays blocked by the jump.

| after a clock that ran 6 hours, or 40 days, ahead is set right      | had                          | has                |
|---------------------------------------------------------------------|------------------------------|--------------------|
| a guardrail on what was seen then                                   | served, "under a minute ago" | looked at anew     |
| the same when the hour that it was stamped with has come            | served as just seen          | looked at anew     |
| a live look that a person confirms                                  | refused for the jump         | made at once       |
| a free look at a login, which a sweep makes                         | after the jump               | within a minute    |
| a limit that was used up then                                       | closed for the jump          | for one window     |
| a lease, an open question, a link session of then                   | held for the jump            | taken up at once   |
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from rowcol.adapters.clock import SystemClock
from rowcol.api.health import Readiness
from rowcol.api.metrics import Counts, exposition
from rowcol.core.change import Action
from rowcol.core.clock_back import UNKNOWN_AT
from rowcol.core.need import Purpose, question_of
from rowcol.core.outcome import Outcome
from rowcol.core.quota import Quota, reserve
from rowcol.engine.answer import Answer
from rowcol.engine.resolve import Open
from rowcol.engine.upkeep import EVERY, Upkeep
from rowcol.services.cache import CacheService
from rowcol.services.integration import IntegrationService
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS, CONNECTION, FIRM, Rig, rig
from tests.waiting import HANG_S

JUMPS = [timedelta(minutes=7), timedelta(hours=6), timedelta(days=40)]
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def force(it: Rig) -> asyncio.Task[Answer]:
    service = IntegrationService(it.plane, BUSINESS)
    return asyncio.create_task(service.refresh_plaid_balance(force=True))


def guard(it: Rig, patience: timedelta = timedelta(0)) -> asyncio.Task[Answer]:
    cache = CacheService(it.plane, BUSINESS)
    deadline = it.clock.now() + patience
    return asyncio.create_task(cache.get_balance(Purpose.GUARDRAIL, deadline=deadline))


async def upkept(it: Rig) -> None:
    """What every process does within a second of a jump, and the next one when it starts."""
    await Upkeep(it.plane.store, it.clock, None).run_due()
    it.clock.advance(timedelta(seconds=1))


async def ran_ahead(it: Rig, jump: timedelta) -> None:
    """Looked at and paid for by a clock that was ahead; then set right."""
    await it.settle()
    it.clock.advance(jump)
    await it.finish(force(it), 4 * HOUR)
    it.clock.advance(-jump)
    it.bank.calls.clear()


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("is_upkept", [True, False])
async def test_a_guardrail_takes_nothing_for_fresh(
    tmp_path: Path, jump: timedelta, is_upkept: bool
) -> None:
    async with rig(tmp_path) as it:
        await ran_ahead(it, jump)
        it.clock.advance(5 * HOUR)  # what was seen is five hours old
        it.bank.live_minor = 999
        if is_upkept:
            await upkept(it)
        if jump > 5 * HOUR:
            question = question_of(Purpose.GUARDRAIL, it.clock.now(), deadline=it.clock.now())
            found, _ = await it.plane.answerer.peek(FIRM, BUSINESS, question)
            assert found.action is not Action.SERVE
            assert "under a minute" not in found.reason
        answer = await it.finish(guard(it), 4 * HOUR)
        assert answer.value.totals[0].amount_minor == 999
        assert it.bank.calls.count("live") == 1


@pytest.mark.parametrize("jump", JUMPS)
async def test_nor_when_the_time_that_it_was_stamped_with_has_come(
    tmp_path: Path, jump: timedelta
) -> None:
    async with rig(tmp_path) as it:
        await ran_ahead(it, jump)
        await upkept(it)
        it.clock.advance(jump)
        it.bank.live_minor = 999
        answer = await it.finish(guard(it), 4 * HOUR)
        assert answer.value.totals[0].amount_minor == 999
        assert it.bank.calls.count("live") == 1


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_live_look_is_not_blocked(tmp_path: Path, jump: timedelta) -> None:
    async with rig(tmp_path) as it:
        await ran_ahead(it, jump)
        it.clock.advance(20 * MINUTE)
        await upkept(it)
        for number in (201, 202, 203):
            it.bank.live_minor = number
            answer = await it.finish(force(it), 4 * HOUR)
            assert answer.value.totals[0].amount_minor == number
            assert answer.as_of is not None
            assert it.clock.now() - MINUTE <= answer.as_of <= it.clock.now()
            it.clock.advance(20 * MINUTE)


@pytest.mark.parametrize("jump", JUMPS[1:])
async def test_a_failure_of_then_blocks_nothing(tmp_path: Path, jump: timedelta) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(jump)
        it.bank.fails["live"] = it.bank.fails["status"] = Outcome.TRY_AGAIN
        await it.finish(force(it), 4 * HOUR)
        it.bank.fails.clear()
        it.clock.advance(-jump)
        it.bank.calls.clear()
        await upkept(it)
        answer = await it.finish(force(it), 4 * HOUR)
        assert answer.label is None
        assert "live" in it.bank.calls


@pytest.mark.parametrize("jump", JUMPS)
async def test_the_login_is_looked_at_again_by_itself(tmp_path: Path, jump: timedelta) -> None:
    async with rig(tmp_path) as it:
        await ran_ahead(it, jump)
        await upkept(it)
        for _ in range(3):  # for a window our own limits may be closed
            await it.advance(minutes=1)
        assert it.bank.calls.count("status") == 1
        view = await it.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        looked_at = view.connection.state.looked_at
        assert looked_at is not None
        assert looked_at <= it.clock.now()
        (account,) = view.accounts
        assert account.latest is not None
        assert account.latest.true_at == it.bank.seen_until, "what the bank itself dates holds"
        assert account.latest_live is not None
        assert account.latest_live.true_at == UNKNOWN_AT


@pytest.mark.parametrize("jump", JUMPS[1:])
async def test_a_lease_and_a_question_of_then_wait_for_nothing(
    tmp_path: Path, jump: timedelta
) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(jump)
        now, store = it.clock.now(), it.plane.store
        asked = await it.plane.answerer.ask(
            FIRM, BUSINESS, question_of(Purpose.GUARDRAIL, now, deadline=now)
        )
        assert isinstance(asked, Open)
        assert await store.claim_one(FIRM, CONNECTION, "dead", now, 15)
        it.clock.advance(-jump)
        await upkept(it)
        await it.settle()
        answer = await it.plane.answerer.collect(FIRM, BUSINESS, asked)
        assert answer is not None
        assert not isinstance(answer, Open)
        assert answer.action is Action.SERVE
        assert it.bank.calls.count("live") == 1


@pytest.mark.parametrize(("admitted", "period_s"), [(1, 60), (2, 60), (10, 60), (600, 3600)])
def test_a_limit_is_closed_for_one_window_at_most(admitted: int, period_s: int) -> None:
    """Had: a key stamped 40 days ahead was closed for 40 days."""
    quota, now_us = Quota("key", admitted, period_s * 1_000_000), 10**15
    tat_us, opens_us = reserve(quota, now_us + 40 * 86_400 * 10**6, now_us)
    assert opens_us is not None
    assert 0 < opens_us - now_us <= quota.period_us
    full_us = now_us
    for _ in range(quota.burst):
        full_us, refused = reserve(quota, full_us, now_us)
        assert refused is None
    assert tat_us <= full_us, "no more is admitted than to a key that was just used up"
    assert tat_us == full_us


async def test_upkeep_of_the_same_process_notices_at_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        upkeep, day = Upkeep(it.plane.store, it.clock, None), timedelta(days=1)
        it.clock.advance(day)
        await upkeep.run_due()
        await it.finish(force(it), HOUR)
        it.clock.advance(-day)
        await upkeep.run_due()
        view = await it.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        assert [a.latest_live and a.latest_live.true_at for a in view.accounts] == [UNKNOWN_AT]
        it.clock.advance(EVERY)
        await upkeep.run_due()


async def test_readyz_and_a_metric_say_so(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        assert (await Readiness(it.plane).health()).reason == ""
        it.clock.advance(timedelta(seconds=-1))
        assert (await Readiness(it.plane).health()).reason == "", "two processes are that far apart"
        it.clock.advance(timedelta(hours=-6))
        health = await Readiness(it.plane).health()
        assert (health.status, "21601 s ahead" in health.reason) == ("ok", True)
        text = (await exposition(it.plane, Counts())).decode()
        assert "rowcol_clock_back_seconds 21601.0" in text


class SetBack(SystemClock):
    """The machine's clock, set back by six hours after it was read a few times."""

    def __init__(self) -> None:
        self.reads = 0

    @override
    def now(self) -> datetime:
        self.reads += 1
        return super().now() - (timedelta(hours=6) if self.reads > 3 else timedelta(0))


async def test_nobody_sleeps_for_the_jump() -> None:
    """Had: whoever slept a moment when the clock was set back slept on for six hours."""
    clock = SetBack()
    until = clock.now() + timedelta(milliseconds=50)
    await asyncio.wait_for(clock.sleep_until(until), HANG_S)


async def test_a_call_of_the_future_is_no_decision_s(tmp_path: Path) -> None:
    """Had: each question of a login told the calls that were made while the clock was ahead as its own, and their cost."""
    async with rig(tmp_path) as it:
        await ran_ahead(it, 6 * HOUR)
        late, calls = it.clock.now() + HOUR, await it.plane.store.list_calls(FIRM)
        then = {call.id for call in calls if call.opened_at > late}
        assert then
        known = {record.id for record in await it.plane.store.list_decisions(FIRM)}
        await it.finish(guard(it), 4 * HOUR)
        told = [r for r in await it.plane.store.list_decisions(FIRM) if r.id not in known]
        assert told
        assert not then.intersection(id_ for record in told for id_ in record.calls)
        assert sum(record.cost.micros for record in told) <= LIVE_MICROS
