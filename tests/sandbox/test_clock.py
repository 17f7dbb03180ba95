"""Virtual time: it moves only by `advance_to`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rowcol.sandbox.clock import ManualClock
from tests.waiting import turns

START_AT = datetime(2026, 3, 1, tzinfo=UTC)


async def test_sleepers_wake_in_order_of_their_times() -> None:
    clock = ManualClock(START_AT)
    woken: list[int] = []

    async def sleeper(hours: int) -> None:
        await clock.sleep_until(START_AT + timedelta(hours=hours))
        woken.append(hours)

    tasks = [asyncio.create_task(sleeper(hours)) for hours in (3, 1, 2)]
    await turns()
    assert clock.next_wake_at() == START_AT + timedelta(hours=1)
    assert clock.n_asleep == 3
    clock.advance_to(START_AT + timedelta(hours=2))
    await turns()
    assert woken == [1, 2]
    clock.advance_to(START_AT + timedelta(hours=3))
    await asyncio.gather(*tasks)
    assert woken == [1, 2, 3]
    assert clock.next_wake_at() is None


async def test_the_past_does_not_wait() -> None:
    clock = ManualClock(START_AT)
    await clock.sleep_until(START_AT)
    await clock.sleep_until(START_AT - timedelta(days=1))
    assert clock.now() == START_AT


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = ManualClock(START_AT)
    task = asyncio.create_task(clock.sleep_until(START_AT + timedelta(hours=1)))
    await turns()
    task.cancel()
    await asyncio.wait([task])
    assert clock.n_asleep == 0
    assert clock.next_wake_at() is None
    clock.advance_to(START_AT + timedelta(hours=2))


def test_never_backwards_and_never_without_a_zone() -> None:
    clock = ManualClock(START_AT)
    clock.advance_to(START_AT - timedelta(days=1))
    assert clock.now() == START_AT
    with pytest.raises(ValueError, match="no time zone"):
        clock.advance_to(datetime(2026, 3, 2))  # noqa: DTZ001
