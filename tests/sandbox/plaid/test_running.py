"""The free-running mode: what is due happens, and what comes up in between wakes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from rowcol.sandbox.plaid import run_forever
from tests.sandbox.rig import Rig
from tests.waiting import turns


@asynccontextmanager
async def _running(rig: Rig) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(run_forever(rig.emulator, rig.clock))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_pulls_happen_when_the_clock_moves(rig: Rig) -> None:
    item = rig.item()
    async with _running(rig):
        await turns()
        assert item.next_pull_at is not None
        rig.clock.advance_to(item.next_pull_at)
        await turns()
        assert item.last_successful_update_at == rig.now


async def test_a_webhook_that_comes_up_is_sent_at_once(rig: Rig) -> None:
    item = rig.item()
    rig.emulator.agenda.is_frozen = True
    async with _running(rig) as task:
        await turns()
        rig.emulator.notify_sync(item)
        await turns()
        assert rig.inbox.codes() == ["SYNC_UPDATES_AVAILABLE"]
        assert not task.done()
        rig.clock.advance_to(rig.now + timedelta(days=1))
