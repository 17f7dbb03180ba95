"""Runner: the only part that sleeps. It leases what is due, reconciles it with bounded concurrency, and stops gracefully."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta

import structlog

from rowcol.core.change import Lease, SubjectKind
from rowcol.core.records import Business
from rowcol.core.refusal import Refusal
from rowcol.engine.ambient import Ambient
from rowcol.engine.reconcile import Reconciler
from rowcol.engine.topics import DUE
from rowcol.engine.upkeep import Upkeep
from rowcol.ports import PlaneStore

LEASE_S = 15
RENEW_EVERY = timedelta(seconds=5)
POLL_MAX = timedelta(seconds=1)
"""How long something that another process made due can wait unseen."""
STOP_MAX = timedelta(seconds=210)
"""What is left of a run fits in, so that what was paid for is stored by who paid for it: it begins its last step within
`RUN_MAX`, which reads where (5 s) and renews the token at most twice before the slowest call that a rail declares (120 s)."""

log = structlog.get_logger(__name__)


class Runner:
    """Reconciles due subjects. Any number of them may share a store: leases exclude, fences guard."""

    def __init__(
        self,
        store: PlaneStore,
        reconciler: Reconciler,
        upkeep: Upkeep,
        ambient: Ambient,
        *,
        owner: str,
        concurrency: int = 8,
    ) -> None:
        self._store = store
        self._reconciler = reconciler
        self._upkeep = upkeep
        self._clock = ambient.clock
        self._doorbell = ambient.doorbell
        self._owner = owner
        self._concurrency = concurrency
        self._running: dict[asyncio.Task[None], Lease] = {}
        self._is_stopping = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._only: Business | None = None
        self._renewed_at = self._clock.now()

    def start(self, *, only: Business | None = None) -> None:
        """Run until `stop`. `only`: the logins of this business and no others, whatever is due there; and nothing is
        pruned. So a command answers its own question without taking over a firm's work."""
        self._only = only
        self._loop = asyncio.create_task(self._run(), name="runner")

    async def stop(self) -> None:
        """Take nothing new, finish what runs (`STOP_MAX` at most), then hand back the rest."""
        self._is_stopping.set()
        self._doorbell.ring(DUE)
        if self._loop is not None:
            await self._loop
        give_up_at = self._clock.now() + STOP_MAX
        while self._running and self._clock.now() < give_up_at:
            await asyncio.wait(self._running, timeout=RENEW_EVERY.total_seconds())
            await self._renew()
        for task, lease in list(self._running.items()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._store.release(lease, None)

    async def drain(self) -> int:
        """Reconcile until nothing is due at the clock's present moment; how many runs that took."""
        runs = 0
        while True:
            # Cheaper than a claim that finds nothing.
            due_at = await self._store.next_due_at(self._only)
            now = self._clock.now()
            if due_at is not None and due_at <= now:
                runs += await self._claim(now)
            if not self._running:
                return runs
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _run(self) -> None:
        bell = self._doorbell.listen(DUE)
        try:
            while not self._is_stopping.is_set():
                wait_until = await self._turn()
                await bell.wait(min(wait_until, self._clock.now() + POLL_MAX))
        finally:
            bell.close()

    async def _turn(self) -> datetime:
        """Claim what is due; return when to look again if nobody rings."""
        took, looked_at = 0, self._clock.now()
        try:
            # Calls of processes that died are settled here too: where no service runs, nobody else would.
            await self._upkeep.run_due(prunes=self._only is None)
            if self._running and self._clock.now() - self._renewed_at >= RENEW_EVERY:
                await self._renew()  # before claiming, so that our own are not claimed again
            if len(self._running) < self._concurrency:
                took = await self._claim(looked_at)
            due_at = await self._store.next_due_at(self._only)
        except Refusal as error:
            log.error("runner.store_failed", reason=error.message)  # noqa: TRY400 - no mistake of ours
            due_at = None
        except Exception:
            log.exception("runner.store_failed")
            due_at = None
        now = self._clock.now()
        if due_at is None or len(self._running) >= self._concurrency:
            return now + POLL_MAX
        if not took and due_at <= looked_at:  # its lease ended by our clock, not by the database's
            return now + POLL_MAX
        return max(due_at, now)

    async def _claim(self, now: datetime) -> int:
        free = self._concurrency - len(self._running)
        if free <= 0:
            return 0
        leases = await self._store.claim(self._owner, now, LEASE_S, free, self._only)
        for lease in leases:
            task = asyncio.create_task(self._guarded(lease), name=f"reconcile {lease.subject}")
            self._running[task] = lease
            task.add_done_callback(self._ended)
        return len(leases)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._doorbell.ring(DUE)

    async def _guarded(self, lease: Lease) -> None:
        """A run that fails keeps its lease until it expires: a pause, so that a broken subject cannot spin."""
        if lease.kind is not SubjectKind.CONNECTION:
            await self._store.release(lease, None)
            return
        try:
            await self._reconciler.reconcile(lease)
        except Exception:
            log.exception("reconcile.failed", subject=lease.subject, firm=lease.firm)

    async def _renew(self) -> None:
        self._renewed_at = self._clock.now()
        try:
            await self._store.renew(tuple(self._running.values()), self._clock.now(), LEASE_S)
        except Exception:
            log.exception("runner.renew_failed")
