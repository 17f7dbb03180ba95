"""Virtual time: a clock that stands still until somebody advances it. The real clock lives in `adapters`."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime
from itertools import count
from typing import Final

from rowcol.ports import Clock

__all__ = ["Clock", "ManualClock"]

DEFAULT_START_AT: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class ManualClock:
    """A clock that moves only by `advance_to`; sleepers wake in the order of their times."""

    def __init__(self, now: datetime = DEFAULT_START_AT) -> None:
        self._now = _aware_utc(now)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._tickets = count()

    def now(self) -> datetime:
        """Aware UTC."""
        return self._now

    def advance_to(self, when: datetime) -> None:
        """Move to `when` and wake every sleeper that is due. Never moves backwards."""
        self._now = max(self._now, _aware_utc(when))
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)

    def next_wake_at(self) -> datetime | None:
        """When the earliest sleeper wants to wake."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    @property
    def n_asleep(self) -> int:
        """How many wait for time to pass."""
        return sum(not sleeper.done() for _, _, sleeper in self._sleepers)

    async def sleep_until(self, when: datetime) -> None:
        """Return when the clock was advanced to `when` or later; at once if it already is."""
        if when <= self._now:
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (when, next(self._tickets), sleeper))
        await sleeper


def _aware_utc(when: datetime) -> datetime:
    if when.tzinfo is None:
        msg = f"{when.isoformat()} has no time zone; the sandbox works in aware UTC"
        raise ValueError(msg)
    return when.astimezone(UTC)
