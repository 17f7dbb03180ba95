"""Unbroken: work that the cancellation of whoever asked for it does not cut: between a rail's answer and the store.

A host's time-out around a read must not lose a token that the rail has just changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from rowcol.core.secret import origin_of

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Unbroken:
    """Runs each piece of work in a task of its own. Closing the plane waits for them."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[Any], str] = {}

    async def run(self, work: Coroutine[Any, Any, T], key: str = "") -> T:
        """Its result. A caller that is cancelled goes at once; the work goes on to its end."""
        task = asyncio.create_task(work, name=f"unbroken {key}")
        self._running[task] = key
        task.add_done_callback(self._running.pop)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.add_done_callback(_tell)
            raise
        return task.result()

    async def join(self, key: str) -> bool:
        """Wait for what runs under this key. Whether anything did."""
        running = {task for task, its in self._running.items() if its == key}
        if running:
            await asyncio.wait(running)
        return bool(running)

    async def finish(self, at_most: timedelta) -> None:
        """Wait for all of it, then cut what is left."""
        running = set(self._running)
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=at_most.total_seconds())
        for task in late:
            log.error("unbroken.cut", task=task.get_name())
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _tell(task: asyncio.Task[Any]) -> None:
    """Nobody else hears of it any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("unbroken.failed", task=task.get_name(), error=origin_of(error))
