"""The machine's clock: aware, and it sleeps until, not for."""

from datetime import UTC, timedelta

from rowcol.adapters.clock import SystemClock


async def test_now_is_aware_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


async def test_sleep_until_returns_no_earlier() -> None:
    clock = SystemClock()
    until = clock.now() + timedelta(milliseconds=20)
    await clock.sleep_until(until)
    assert clock.now() >= until


async def test_sleep_until_the_past_returns_at_once() -> None:
    clock = SystemClock()
    await clock.sleep_until(clock.now() - timedelta(days=1))
    assert clock.now().tzinfo is UTC
