"""Upkeep: what has to be done now and then, whoever does it: settle calls whose process died, drop what is too old,
take back what a clock that ran ahead stamped."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from rowcol.core.clock_back import is_after, is_kept
from rowcol.core.retention import horizon
from rowcol.ports import Clock, PlaneStore

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=1)
PRUNE_EVERY = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=5)
"""Longer than the slowest call may take: whoever opened it is gone."""


class Upkeep:
    """Does what is due when asked. `retention` None keeps everything."""

    def __init__(self, store: PlaneStore, clock: Clock, retention: timedelta | None) -> None:
        self._store = store
        self._clock = clock
        self._retention = retention
        self._next_at: datetime | None = None
        self._prune_at: datetime | None = None

    async def run_due(self, *, prunes: bool = True) -> None:
        """Cheap when nothing is due. `prunes` False leaves what is too old to a service: nobody waits for it to go."""
        now = self._clock.now()
        if self._next_at is not None and is_kept(self._next_at, now, EVERY):
            return
        self._next_at = now + EVERY
        ahead_at = await self._store.newest_stamp()
        if ahead_at is not None and is_after(ahead_at, now):
            log.warning("clock.went_back", by_s=round((ahead_at - now).total_seconds()))
            await self._store.forget_after(now)
        await self._store.abandon_calls(now - ABANDONED_AFTER, now)
        if self._retention is None or not prunes:
            return
        if self._prune_at is None or not is_kept(self._prune_at, now, PRUNE_EVERY):
            gone = await self._store.prune(horizon(now, self._retention))
            self._prune_at = now + (PRUNE_EVERY if gone == 0 else EVERY)
