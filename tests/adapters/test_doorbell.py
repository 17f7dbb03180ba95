"""Wake-ups: heard by everybody who listens, remembered once, never a fact."""

import asyncio
from datetime import UTC, datetime, timedelta

from rowcol.adapters.clock import SystemClock
from rowcol.adapters.doorbell import LocalDoorbell
from tests.waiting import HANG_S

FAR = datetime(2100, 1, 1, tzinfo=UTC)


async def test_a_ring_wakes_every_listener() -> None:
    doorbell = LocalDoorbell(SystemClock())
    bells = [doorbell.listen("due") for _ in range(3)]
    waits = [asyncio.create_task(bell.wait(FAR)) for bell in bells]
    await asyncio.sleep(0)  # noqa: TID251 - lets the listeners start
    doorbell.ring("due")
    await asyncio.wait_for(asyncio.gather(*waits), HANG_S)
    assert all(wait.done() for wait in waits)


async def test_a_ring_before_the_wait_is_remembered_once() -> None:
    clock = SystemClock()
    doorbell = LocalDoorbell(clock)
    bell = doorbell.listen("due")
    doorbell.ring("due")
    doorbell.ring("due")
    await asyncio.wait_for(bell.wait(FAR), HANG_S)
    soon = clock.now() + timedelta(milliseconds=30)
    await bell.wait(soon)
    assert clock.now() >= soon


async def test_other_topics_and_closed_bells_hear_nothing() -> None:
    clock = SystemClock()
    doorbell = LocalDoorbell(clock)
    bell, closed = doorbell.listen("due"), doorbell.listen("answers")
    closed.close()
    doorbell.ring("answers")
    soon = clock.now() + timedelta(milliseconds=30)
    await asyncio.gather(bell.wait(soon), closed.wait(soon))
    assert clock.now() >= soon
