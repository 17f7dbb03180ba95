"""Reconcile: looks for free, pays last, commits what it learned, and says when to look again."""

import asyncio
from datetime import timedelta
from pathlib import Path

from rowcol.adapters.sql import open_sqlite
from rowcol.adapters.vault import FernetVault, new_key
from rowcol.core.change import Action, Change, Committed, ConnectionView
from rowcol.core.evidence import Health
from rowcol.core.ids import FirmId
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.rail import Look
from rowcol.core.refusal import Busy
from rowcol.core.wire import Silence
from rowcol.engine.answer import Answer
from rowcol.engine.gateway import Cause, Sent
from rowcol.ports import FullStore
from rowcol.services.cache import CacheService
from rowcol.services.integration import IntegrationService
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS, CONNECTION, FIRM, Rig, rig
from tests.waiting import pass_time

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
        await pass_time(it.clock, *asked, at_most=4 * HOUR, settle=it.settle)
        answers = [each.result() for each in asked]
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


async def test_our_own_limit_is_waited_for_instead_of_paid_around(tmp_path: Path) -> None:
    """A free look that our quota puts off by seconds is no reason to pay."""
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(hours=1))
        it.bank.seen_until = it.clock.now() - timedelta(minutes=5)
        view = await it.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        cause = Cause(Trigger.PERSON, "a test uses the limit up")
        while isinstance(
            sent := await it.plane.gateway.fetch(
                FIRM, view.connection, Look("status"), cause, view.token
            ),
            Sent,
        ):
            await it.plane.gateway.settle(sent, Outcome.OK)
        answer = await it.finish(ask(it, Purpose.GUARDRAIL), HOUR)
        assert "live" not in it.bank.calls
        assert (answer.action, answer.cost.micros) == (Action.SERVE, 0)


async def test_a_forced_look_up_at_a_dead_rail_ends(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(hours=1))
        it.bank.fails = {"status": Silence.NOT_SENT, "live": Silence.NOT_SENT}
        it.bank.calls.clear()
        service = IntegrationService(it.plane, BUSINESS)
        answer = await it.finish(
            asyncio.create_task(service.refresh_plaid_balance(force=True)), HOUR
        )
        assert it.bank.calls == ["status", "live"]
        assert answer.label is not None
        assert answer.cost.micros == 0


async def test_a_removed_login_is_left_alone(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.bank.health = Health.RETIRED
        await it.advance(hours=25)
        it.bank.calls.clear()
        for _ in range(5):
            await it.advance(hours=24)
        assert it.bank.calls == []
        assert await it.settle() == 0


async def test_a_secret_that_no_key_opens_is_said_to_the_reader(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(hours=1))
        await it.plane.store.store_token(
            FIRM, CONNECTION, (await _view(it)).token, FernetVault([new_key()]).seal("x")
        )
        answer = await it.finish(ask(it, Purpose.GUARDRAIL), 4 * HOUR)
        assert answer.action is Action.HOLD
        assert "not configured" in answer.reason


async def test_a_store_that_is_busy_for_a_moment_loses_no_paid_answer(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "x.db")
    async with rig(tmp_path, store=BusyOnce(store)) as it:  # type: ignore[arg-type]
        await it.settle()
        it.clock.advance(timedelta(minutes=5))
        answer = await it.finish(ask(it, Purpose.RITUAL), 4 * HOUR)
        assert it.bank.calls.count("live") == 1
        assert answer.value.totals[0].amount_minor == it.bank.live_minor
    await store.close()


class BusyOnce:
    """A store whose every commit is refused once."""

    def __init__(self, store: FullStore) -> None:
        self._store = store
        self._refused: set[str] = set()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, firm: FirmId, change: Change) -> Committed:
        key = repr(change)
        if key not in self._refused:
            self._refused.add(key)
            raise Busy("the file is locked")
        return await self._store.commit(firm, change)


async def _view(it: Rig) -> ConnectionView:
    view = await it.plane.store.read_view(FIRM, CONNECTION)
    assert view is not None
    return view
