"""Reconcile: looks for free, pays last, commits what it learned, and says when to look again."""

import asyncio
from datetime import timedelta
from pathlib import Path

from rowcol.core.change import Action
from rowcol.core.evidence import Health
from rowcol.core.need import Purpose
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.wire import Silence
from rowcol.engine.answer import Answer
from rowcol.services.cache import CacheService
from rowcol.services.integration import IntegrationService
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS, CONNECTION, FIRM, Rig, rig

HOUR = timedelta(hours=1)


def ask(it: Rig, purpose: Purpose) -> asyncio.Task[Answer]:
    return asyncio.create_task(CacheService(it.plane, BUSINESS).get_balance(purpose))


async def test_a_new_login_is_looked_at_for_free(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        assert it.bank.calls == ["status", "balances"]
        view = await it.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        assert view.accounts[0].latest is not None
        assert view.accounts[0].latest.true_at == it.bank.seen_until
        assert await it.settle() == 0


async def test_a_ritual_on_old_evidence_pays_once_and_says_why(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        answer = await it.finish(ask(it, Purpose.RITUAL), 4 * HOUR)
        assert it.bank.calls.count("live") == 1
        assert answer.action is Action.SERVE
        assert answer.value.totals[0].amount_minor == it.bank.live_minor
        assert answer.cost.micros == LIVE_MICROS
        (paid, *_) = [c for c in await it.plane.store.list_calls(FIRM) if c.price.micros]
        assert paid.billed is Billed.YES
        assert "$0.10" in paid.reason


async def test_fresh_evidence_serves_without_a_call(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.bank.seen_until = it.clock.now() - timedelta(minutes=30)
        await it.settle()
        it.bank.calls.clear()
        answer = await CacheService(it.plane, BUSINESS).get_balance(Purpose.GUARDRAIL)
        assert it.bank.calls == []
        assert (answer.action, answer.label) == (Action.SERVE, None)


async def test_a_look_that_finds_a_newer_pull_saves_the_paid_call(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(hours=1))
        it.bank.seen_until = it.clock.now() - timedelta(minutes=5)
        it.bank.cached_minor = 777
        answer = await it.finish(ask(it, Purpose.RITUAL), HOUR)
        assert "live" not in it.bank.calls
        assert answer.value.totals[0].amount_minor == 777
        assert answer.cost.micros == 0


async def test_fifty_readers_of_one_stale_business_make_one_paid_call(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(minutes=5))
        it.bank.calls.clear()
        asked = [ask(it, Purpose.RITUAL) for _ in range(50)]
        answers = [await it.finish(task, 4 * HOUR) for task in asked]
        assert it.bank.calls.count("live") == 1
        assert it.bank.calls.count("status") == 1
        assert {a.value.totals[0].amount_minor for a in answers} == {it.bank.live_minor}
        assert sum(a.cost.micros for a in answers) == LIVE_MICROS


async def test_a_timeout_on_a_paid_call_is_possibly_billed_and_never_repeated(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.bank.fails["live"] = Silence.TIMEOUT
        answer = await it.finish(ask(it, Purpose.GUARDRAIL), 4 * HOUR)
        assert it.bank.calls.count("live") == 1
        assert answer.action is Action.HOLD
        (paid, *_) = [c for c in await it.plane.store.list_calls(FIRM) if c.price.micros]
        assert (paid.billed, paid.cost.micros) == (Billed.POSSIBLY, LIVE_MICROS)


async def test_a_broken_login_is_not_paid_for(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.bank.health = Health.NEEDS_RECONNECT
        it.clock.advance(timedelta(hours=2))
        answer = await it.finish(ask(it, Purpose.GUARDRAIL), 4 * HOUR)
        assert "live" not in it.bank.calls
        assert answer.action is Action.HOLD


async def test_a_repair_is_found_without_a_delivery(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.bank.health = Health.NEEDS_RECONNECT
        await it.advance(hours=25)
        view = await it.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        assert view.connection.state.health is Health.NEEDS_RECONNECT
        it.bank.health = Health.OK
        await it.advance(hours=7)
        view = await it.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        assert view.connection.state.health is Health.OK


async def test_a_free_call_that_fails_is_retried_later_and_later(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.bank.fails["status"] = Outcome.TRY_AGAIN
        await it.settle()
        for _ in range(120):
            await it.advance(minutes=1)
        assert 4 <= it.bank.calls.count("status") <= 9
        del it.bank.fails["status"]
        await it.advance(hours=3)
        assert "balances" in it.bank.calls


async def test_used_up_quotas_mean_later_not_never(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        service = IntegrationService(it.plane, BUSINESS)
        for _ in range(8):
            task = asyncio.create_task(service.refresh_plaid_balance(force=True))
            await it.finish(task, HOUR)
            it.clock.advance(timedelta(seconds=1))
        assert it.bank.calls.count("live") <= 5


async def test_a_paused_login_is_not_called_and_answers_all_the_same(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        await it.plane.store.set_paused(FIRM, CONNECTION, is_paused=True)
        it.bank.calls.clear()
        it.clock.advance(timedelta(hours=2))
        answer = await it.finish(ask(it, Purpose.GUARDRAIL), 5 * HOUR)
        assert it.bank.calls == []
        assert answer.action is Action.HOLD


async def test_a_used_up_budget_holds_instead_of_paying(tmp_path: Path) -> None:
    async with rig(tmp_path, budget_usd_month=0) as it:
        await it.settle()
        it.clock.advance(timedelta(hours=2))
        answer = await it.finish(ask(it, Purpose.GUARDRAIL), 4 * HOUR)
        assert "live" not in it.bank.calls
        assert answer.action is Action.HOLD
        assert "budget" in answer.reason


async def test_a_lease_lost_to_another_changes_no_state(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(hours=25))
        (lease,) = await it.plane.store.claim("a", it.clock.now(), 15, 1)
        it.clock.advance(timedelta(minutes=1))
        (other,) = await it.plane.store.claim("b", it.clock.now(), 15, 1)
        assert other.fence > lease.fence
        it.bank.seen_until = it.clock.now()
        await it.plane.runner._reconciler.reconcile(lease)
        view = await it.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        assert view.connection.state.seen_until != it.bank.seen_until
        calls = await it.plane.store.list_calls(FIRM)
        assert all(call.settled_at is not None for call in calls)
