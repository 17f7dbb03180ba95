"""Addresses: where a rail's tokens are given, as its own document tells: read once a day in a process, before such a call.

| the document was      | then                                                          |
|-----------------------|---------------------------------------------------------------|
| read less than a day ago | what it told holds                                         |
| not read, or not good    | what it told last holds, else the rail's spec; read again after an hour |
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from rowcol.core.ids import AppId
from rowcol.ports import Clock

KEPT = timedelta(hours=24)
AGAIN_AFTER = timedelta(hours=1)


class Addresses:
    """What was told, by app, in memory: it is free to read, and the same for every process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[AppId, Mapping[str, str]] = {}
        self._due_at: dict[AppId, datetime] = {}
        self._reading: dict[AppId, asyncio.Lock] = {}

    async def of(
        self, app: AppId, read: Callable[[], Awaitable[Mapping[str, str] | None]]
    ) -> Mapping[str, str]:
        """Whole addresses by endpoint; empty while the spec's hold. However many ask, one of them reads."""
        async with self._reading.setdefault(app, asyncio.Lock()):
            due_at = self._due_at.get(app)
            if due_at is None or self._clock.now() >= due_at:
                told = await read()
                if told is not None:
                    self._told[app] = told
                self._due_at[app] = self._clock.now() + (AGAIN_AFTER if told is None else KEPT)
            return self._told.get(app, {})
