"""The free-running mode serves any emulator: here the one of QuickBooks Online."""

from __future__ import annotations

import asyncio

from rowcol.sandbox.running import run_forever
from tests.sandbox.qbo.rig import Rig
from tests.waiting import turns


async def test_an_edit_is_announced_at_once_and_a_failure_again_when_it_is_time() -> None:
    rig = Rig()
    rig.inbox.status = 500
    task = asyncio.create_task(run_forever(rig.emulator, rig.clock))
    try:
        await turns()
        rig.vendor()
        await turns()
        assert len(rig.inbox.deliveries) == 1
        rig.wait(seconds=10)
        await turns()
        assert len(rig.inbox.deliveries) == 2
    finally:
        task.cancel()
        await asyncio.wait([task])
