"""Clock: the machine's time. The only place that reads it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

DRIFT_MAX_S = 1.0
"""What the wall clock may lag behind in one sleep: more is a clock that was set back."""


class SystemClock:
    """The machine's wall clock, in aware UTC."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, when: datetime) -> None:
        """Sleep until `when`; no longer than it was away, though the wall clock was set back meanwhile."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + (when - self.now()).total_seconds()
        while (left_s := (when - self.now()).total_seconds()) > 0:
            over_s = loop.time() - end_s
            if over_s >= 0 and left_s > DRIFT_MAX_S:
                return
            await asyncio.sleep(min(left_s, 60.0, left_s if over_s >= 0 else -over_s))
