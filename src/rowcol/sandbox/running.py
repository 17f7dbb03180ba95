"""The free-running mode of any emulator: what is due happens when the clock says so, as `rowcol sandbox` needs it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Literal, Protocol

from rowcol.ports import Clock


class Emulator(Protocol):
    """What events happen by themselves in."""

    stirred: asyncio.Event

    def next_event_at(self) -> datetime | None:
        """None when nothing will happen by itself."""

    async def run_due(self, now: datetime) -> int:
        """How many events happened."""


async def run_forever(emulator: Emulator, clock: Clock) -> None:
    """Until cancelled."""
    while True:
        await emulator.run_due(clock.now())
        await _wait_for_event(emulator, clock)


async def _wait_for_event(emulator: Emulator, clock: Clock) -> None:
    """Return when the next event is due, or something new was planned before it."""
    emulator.stirred.clear()
    at = emulator.next_event_at()
    waits = [asyncio.ensure_future(emulator.stirred.wait())]
    if at is not None:
        waits.append(asyncio.ensure_future(_sleep_until(clock, at)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _sleep_until(clock: Clock, at: datetime) -> Literal[True]:
    await clock.sleep_until(at)
    return True
