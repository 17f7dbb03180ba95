"""Heartbeat: a lease that lasts as long as the process that holds it, and `LEASE_S` beyond its death.

| the holder              | its lease                           | what it still can do                                    |
|-------------------------|-------------------------------------|---------------------------------------------------------|
| works                   | renewed every third of `LEASE_S`    | all                                                     |
| was killed              | ends within `LEASE_S`               | nothing; the call that it left open was possibly done   |
| was paused (SIGSTOP)    | ends within `LEASE_S`               | nothing once another took it: the fence refuses its calls and its state; what a call brought is kept |
| cannot reach the store  | ends within `LEASE_S`               | the same                                                |
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import structlog

from rowcol.core.secret import origin_of
from rowcol.engine.runner import LEASE_S, RENEW_EVERY

log = structlog.get_logger(__name__)

__all__ = ["LEASE_S", "kept_alive"]


@contextlib.asynccontextmanager
async def kept_alive(
    renew: Callable[[], Awaitable[object]], every: timedelta = RENEW_EVERY
) -> AsyncIterator[None]:
    """Renew until the block ends. What takes less than a third of a lease writes nothing."""
    ended = asyncio.Event()

    async def beat() -> None:
        # By the event loop's own time: a wall clock that is set back must not stop it.
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), every.total_seconds())
                return
            try:
                await renew()
            except Exception as error:  # noqa: BLE001 - the next beat may work
                log.error("heartbeat.failed", error=origin_of(error))

    beating = asyncio.create_task(beat(), name="heartbeat")
    try:
        yield
    finally:
        ended.set()
        await beating
