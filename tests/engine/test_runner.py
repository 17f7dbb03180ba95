"""The runner: works on what is due, stops gracefully, pauses what fails, and never holds more than it may."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from rowcol.core.change import Lease
from rowcol.core.ids import BusinessId, ConnectionId, RemoteId
from rowcol.core.need import Purpose
from rowcol.core.records import Business
from rowcol.engine.ambient import Ambient
from rowcol.engine.reconcile import RUN_MAX
from rowcol.engine.runner import LEASE_S, STOP_MAX, Runner
from rowcol.engine.upkeep import Upkeep
from rowcol.ports import FullStore
from rowcol.rails.registry import RAILS
from rowcol.services.cache import CacheService
from rowcol.services.plane import OpenPlane
from tests.rig import BUSINESS, CONNECTION, FIRM, Rig, rig
from tests.waiting import HANG_S, until


def runner(it: Rig, reconciler: object, store: object = None, **more: int) -> Runner:
    plane: OpenPlane = it.plane
    return Runner(
        store or plane.store,  # type: ignore[arg-type]
        reconciler,  # type: ignore[arg-type]
        Upkeep(plane.store, it.clock, None),
        Ambient(it.clock, plane.rng, plane.doorbell, plane.preferences),
        owner="test",
        **more,
    )


class Slow:
    """A reconciler that takes until it is let go."""

    def __init__(self, it: Rig) -> None:
        self.it = it
        self.started: list[Lease] = []
        self.go = asyncio.Event()

    async def reconcile(self, lease: Lease) -> None:
        self.started.append(lease)
        await self.go.wait()
        await self.it.plane.store.release(lease, self.it.clock.now() + timedelta(hours=1))


async def asleep(it: Rig) -> None:
    """Until the runner has done all that it can do now."""
    await until(lambda: it.clock.n_asleep)


async def test_it_works_when_rung(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        plane = it.plane
        plane.runner.start()
        await until(lambda: "balances" in it.bank.calls)
        it.clock.advance(timedelta(minutes=2))
        answer = await asyncio.wait_for(
            CacheService(plane, BUSINESS).get_balance(Purpose.RITUAL), HANG_S
        )
        assert answer.value.totals[0].amount_minor == it.bank.live_minor
        await plane.runner.stop()


async def test_for_one_business_nothing_of_another_is_touched(tmp_path: Path) -> None:
    """Its own logins only, and nothing that is old goes: that is for a service to do."""
    async with rig(tmp_path) as it:
        store = it.plane.store
        other = Business(BusinessId("business-2"), FIRM, "Other", "b-2", it.clock.now())
        await store.add_business(FIRM, other)
        view = await store.read_view(FIRM, CONNECTION)
        assert view is not None
        login = replace(
            view.connection,
            id=ConnectionId("con-2"),
            business=other.id,
            remote_id=RemoteId("item-2"),
            created_at=it.clock.now() - timedelta(days=1),
        )
        await store.add_connection(FIRM, login, it.plane.vault.seal("token"))
        seen = Seen(store)
        slow = Slow(it)
        slow.go.set()
        made = Runner(
            seen,  # type: ignore[arg-type]
            slow,  # type: ignore[arg-type]
            Upkeep(seen, it.clock, timedelta(days=1)),  # type: ignore[arg-type]
            Ambient(it.clock, it.plane.rng, it.plane.doorbell, it.plane.preferences),
            owner="test",
        )
        own = await store.read_business(FIRM, BUSINESS)
        made.start(only=own)
        await until(lambda: slow.started)
        await asleep(it)
        await made.stop()
        assert [lease.subject for lease in slow.started] == [CONNECTION]
        assert await store.next_due_at() == login.created_at, "the other is still due"
        assert ("abandon_calls" in seen.used, "prune" in seen.used) == (True, False)


class Seen:
    """A store that knows what was asked of it."""

    def __init__(self, store: FullStore) -> None:
        self._store = store
        self.used: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.used.append(name)
        return getattr(self._store, name)


async def test_stop_waits_for_what_runs_and_takes_nothing_new(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        slow = Slow(it)
        made = runner(it, slow)
        made.start()
        await until(lambda: slow.started)
        stopping = asyncio.create_task(made.stop())
        await asyncio.sleep(0.02)  # noqa: TID251 - lets it begin to stop
        assert not stopping.done()
        slow.go.set()
        await asyncio.wait_for(stopping, HANG_S)
        assert len(slow.started) == 1


async def test_a_run_that_fails_is_paused_by_its_own_lease(tmp_path: Path) -> None:
    class Broken:
        runs = 0

        async def reconcile(self, lease: Lease) -> None:
            self.runs += 1
            raise RuntimeError("a bug")

    async with rig(tmp_path) as it:
        broken = Broken()
        made = runner(it, broken)
        assert await made.drain() == 1
        assert await made.drain() == 0
        it.clock.advance(timedelta(seconds=LEASE_S + 1))
        assert await made.drain() == 1
        assert broken.runs == 2


async def test_leases_of_long_runs_are_renewed(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        slow = Slow(it)
        made = runner(it, slow)
        made.start()
        await until(lambda: slow.started)
        await asleep(it)
        for _ in range(6):
            it.clock.advance(timedelta(seconds=6))
            await asleep(it)
        assert await it.plane.store.claim("thief", it.clock.now(), LEASE_S, 1) == ()
        assert len(slow.started) == 1, "it took its own again"
        slow.go.set()
        await made.stop()


def test_what_is_left_of_a_run_fits_into_stopping() -> None:
    endpoints = [each for rail in RAILS.values() for each in rail.spec.endpoints.values()]
    slowest_s = max(each.timeout_s for each in endpoints)
    renewal_s = (
        65  # two renewals before a call, and the document that says where they are asked for
    )
    assert RUN_MAX + timedelta(seconds=renewal_s + slowest_s) < STOP_MAX


class Elsewhere:
    """A store whose clock is behind ours: what ended by ours is still another's there."""

    def __init__(self, it: Rig) -> None:
        self._it = it
        self.claims = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._it.plane.store, name)

    async def claim(self, *args: object) -> tuple[Lease, ...]:
        self.claims += 1
        return ()

    async def next_due_at(self, *args: object) -> datetime:
        return self._it.clock.now() - timedelta(seconds=20)


async def test_what_the_database_s_clock_still_keeps_is_not_asked_for_over_and_over(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path) as it:
        store = Elsewhere(it)
        made = runner(it, Slow(it), store=store)
        made.start()
        await until(lambda: store.claims)
        await asyncio.sleep(0.1)  # noqa: TID251 - the runner would turn hundreds of times
        assert store.claims == 1
        await asleep(it)
        it.clock.advance(timedelta(seconds=1))
        await until(lambda: store.claims == 2)
        assert await made.drain() == 0
        await made.stop()
