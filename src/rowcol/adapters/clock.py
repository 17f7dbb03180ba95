"""Clock: the machine's time. The only place that reads it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """The machine's wall clock, in aware UTC."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, when: datetime) -> None:
        """Sleep until `when`, again if the wall clock was set back meanwhile."""
        while (left_s := (when - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left_s, 60.0))
