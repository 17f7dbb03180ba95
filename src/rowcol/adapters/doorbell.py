"""Doorbell: wake-ups within one process. A ring that nobody hears is lost, and that is fine."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from datetime import datetime

from rowcol.ports import Bell, Clock


class LocalBell:
    """One listener."""

    def __init__(self, clock: Clock, ears: set[LocalBell]) -> None:
        self._clock = clock
        self._ears = ears
        self._rung = asyncio.Event()

    def hear(self) -> None:
        """Remember one ring."""
        self._rung.set()

    async def wait(self, until: datetime) -> None:
        """Return when the topic was rung since the last `wait` returned, or at `until`."""
        if not self._rung.is_set() and until > self._clock.now():
            rung = asyncio.ensure_future(self._rung.wait())
            slept = asyncio.ensure_future(self._clock.sleep_until(until))
            try:
                await asyncio.wait((rung, slept), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (rung, slept):
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
        self._rung.clear()

    def close(self) -> None:
        """Stop listening."""
        self._ears.discard(self)


class LocalDoorbell:
    """Rings within this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._topics: defaultdict[str, set[LocalBell]] = defaultdict(set)

    def ring(self, topic: str) -> None:
        """Wake everybody who listens to the topic."""
        for bell in self._topics.get(topic, ()):
            bell.hear()

    def listen(self, topic: str) -> Bell:
        """A bell that hears every ring of the topic from now on."""
        ears = self._topics[topic]
        bell = LocalBell(self._clock, ears)
        ears.add(bell)
        return bell
