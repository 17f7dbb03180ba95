"""Webhooks: the ladder, the weather, the 90 % rule, and a signature for each attempt."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.knobs import turn
from tests.sandbox.rig import Rig


def _iats(rig: Rig) -> list[float]:
    """Seconds from the start of the world to each signature."""
    start_s = Rig().now.timestamp()
    options: Any = {"verify_signature": False}
    return [
        jwt.decode(headers["Plaid-Verification"], options=options)["iat"] - start_s
        for _, _, headers in rig.inbox.deliveries
    ]


@pytest.mark.parametrize(
    ("delays_s", "expected"),
    [
        (Switches().retry_delays_s, [0, 30, 150, 630, 2550, 10230, 40950]),
        ((60, 86_400), [0, 60]),
        ((), [0]),
    ],
)
async def test_the_ladder_ends_within_a_day(delays_s: tuple[int, ...], expected: list[int]) -> None:
    rig = Rig(Switches(retry_delays_s=delays_s))
    rig.inbox.status = 503
    item = rig.item()
    rig.emulator.agenda.is_frozen = True
    rig.emulator.notify_sync(item)
    await rig.advance(days=3)
    assert _iats(rig) == expected
    outcomes = rig.emulator.outbox.n_outcomes
    assert outcomes == {"delivered": 0, "retry": len(expected) - 1, "failed": 1, "lost": 0}


async def test_silence_is_retried_and_success_is_not(rig: Rig) -> None:
    rig.inbox.status = None
    rig.emulator.notify_sync(rig.item())
    await rig.advance(seconds=10)
    rig.inbox.status = 200
    await rig.advance(hours=1)
    assert _iats(rig) == [0, 30]


@pytest.mark.parametrize(("share", "n_sent"), [(0.9, 10), (1.0, 16)])
async def test_an_endpoint_that_refuses_is_not_retried(share: float, n_sent: int) -> None:
    rig = Rig(Switches(suppression_share=share, suppression_sample_min=10))
    rig.inbox.status = 400
    item = rig.item()
    rig.emulator.agenda.is_frozen = True
    for _ in range(8):
        rig.emulator.notify_sync(item)
    await rig.advance(seconds=100)
    assert len(rig.inbox.deliveries) == n_sent
    await rig.advance(hours=1)
    assert (len(rig.inbox.deliveries) > n_sent) is (share == 1.0)


async def test_lost_doubled_and_delayed(rig: Rig) -> None:
    item = rig.item()
    rig.emulator.agenda.is_frozen = True
    turn(rig.emulator, "webhooks", {"lost_share": 1})
    rig.emulator.notify_sync(item)
    turn(rig.emulator, "webhooks", {"duplicated_share": 1})
    rig.emulator.notify_sync(item)
    turn(rig.emulator, "webhooks", {"delay_fixed_s": 86_400})
    rig.emulator.notify_sync(item)
    await rig.advance(hours=1)
    assert _iats(rig) == [0, 0]
    await rig.advance(days=1)
    assert _iats(rig) == [0, 0, 86_400]
    assert rig.emulator.outbox.n_outcomes["lost"] == 1
    assert item.last_webhook is not None


async def test_reordered_and_delayed_around_a_median(rig: Rig) -> None:
    item = rig.item()
    rig.emulator.agenda.is_frozen = True
    turn(rig.emulator, "webhooks", {"delay_median_s": 120, "reordered_share": 0.5})
    for _ in range(200):
        rig.emulator.notify_sync(item)
    await rig.advance(seconds=1)
    assert len(rig.inbox.deliveries) < 20
    await rig.advance(hours=2)
    assert len(rig.inbox.deliveries) == 200
    numbers = [attempt.number for attempt in rig.emulator.outbox.attempts]
    assert numbers != sorted(numbers)


async def test_a_delivery_carries_the_same_bytes_and_a_fresh_signature(rig: Rig) -> None:
    rig.inbox.status = 500
    rig.emulator.notify_sync(rig.item())
    await rig.advance(minutes=1)
    (_, first, one), (_, second, two) = rig.inbox.deliveries
    assert first == second
    assert one["Plaid-Verification"] != two["Plaid-Verification"]
    assert rig.emulator.outbox.next_due_at() is not None


async def test_flush_takes_what_is_not_due(rig: Rig) -> None:
    turn(rig.emulator, "webhooks", {"delay_fixed_s": 600})
    rig.emulator.notify_sync(rig.item())
    assert await rig.emulator.flush() == 1
    assert len(rig.inbox.deliveries) == 1
    assert rig.emulator.outbox.report()["pending"] == 0
