"""Waiting: real threads get the time that they need before the fake clock goes on, however slow the host.

The store answers in threads. A test that moved the clock every few real milliseconds would, on a busy host, let minutes
pass before what it asks has begun to wait. So time is moved only when nothing but a later time can help. What has no
threads (the emulators) is given turns of the loop, which are counted, not timed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from tests.fakes import FakeClock

HANG_S = 60.0
"""What takes this long in real time hangs. Nothing is measured by it: a slow host needs a second or two."""
CALM_TURNS = 5
"""How many turns in a row all have to be asleep: whom a ring wakes counts as asleep for up to four turns of the loop."""
LOOP_TURNS = 100
"""More than any event of an emulator takes from its cause to its last effect."""
MINUTE = timedelta(minutes=1)

Settle = Callable[[], Awaitable[object]]


async def _nothing() -> None:
    return


async def until(condition: Callable[[], object], settle: Settle = _nothing) -> None:
    """Return when the condition holds."""
    try:
        async with asyncio.timeout(HANG_S):
            while not condition():
                await asyncio.sleep(0.001)  # noqa: TID251 - the store's threads answer in real time
                await settle()
    except TimeoutError as error:
        raise AssertionError(f"it did not happen within {HANG_S:.0f} s of real time") from error


async def until_stuck(
    clock: FakeClock, *asked: asyncio.Future[Any], settle: Settle = _nothing
) -> None:
    """Return when each of them is done or sleeps: whatever happens next needs a later time, or the test's own hand.

    `settle` works on what is due. All that sleeps on this clock has to be among the asked: the clock does not know for
    whom one of them sleeps (a bell's wait has a task of its own), so a stranger would count for one that still works.
    """
    calm = 0

    def is_stuck() -> bool:
        nonlocal calm
        running = sum(not each.done() for each in asked)
        calm = calm + 1 if clock.n_asleep >= running else 0
        return not running or calm > CALM_TURNS

    await until(is_stuck, settle)
    running = sum(not each.done() for each in asked)
    assert clock.n_asleep <= running, "somebody sleeps on this clock who was not named"


async def pass_time(
    clock: FakeClock,
    *asked: asyncio.Future[Any],
    at_most: timedelta,
    step: timedelta = MINUTE,
    settle: Settle = _nothing,
) -> None:
    """Return when they are done, moving on by a step whenever all that is not done sleeps."""
    end = clock.now() + at_most
    while True:
        await until_stuck(clock, *asked, settle=settle)
        if all(each.done() for each in asked):
            return
        assert clock.now() < end, f"no answer within {at_most}"
        clock.advance(step)


async def turns(times: int = LOOP_TURNS) -> None:
    """Turns of the loop: enough for what has no threads to do all that it can do now."""
    for _ in range(times):
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, no wait
