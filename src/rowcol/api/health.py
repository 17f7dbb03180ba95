"""Health: is it up, is it keeping up, and its numbers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from starlette.responses import Response

from rowcol.api.gate import Asking
from rowcol.api.metrics import OVERDUE_MAX, clock_back, exposition, overdue
from rowcol.core.refusal import Refusal
from rowcol.core.secret import origin_of
from rowcol.engine.unstored import UNSTORED
from rowcol.services.plane import OpenPlane
from rowcol.services.sealing import NOT_OPENED

KEPT = timedelta(seconds=1)
METRICS_TYPE = "text/plain; version=1.0.0; charset=utf-8"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """`reason` says in a sentence why it is not ready, or what should be known though it is."""

    status: str
    reason: str = ""


async def healthz() -> Health:
    """The process answers."""
    return Health("ok")


class Readiness:
    """Whether the store takes what is written, and no work has been due for five minutes. Looked at once a second at most, for
    all who ask: nobody needs a token for it, and each look is flushed to the disk."""

    def __init__(self, plane: OpenPlane) -> None:
        self._plane = plane
        self._looking = asyncio.Lock()
        self._looked_at: datetime | None = None
        self._found = Health("ok")

    async def health(self) -> Health:
        """As of this second."""
        async with self._looking:
            now = self._plane.clock.now()
            if self._looked_at is None or not now - KEPT < self._looked_at <= now:
                self._found, self._looked_at = await self._look(), now
            return self._found

    async def _look(self) -> Health:
        try:
            await self._plane.store.probe()
            late, back = await overdue(self._plane), await clock_back(self._plane)
        except Refusal as error:
            log.error("readyz.store_failed", reason=error.message, what_to_do=error.what_to_do)
            return Health("unavailable", error.message)
        except Exception as error:  # noqa: BLE001 - logged without locals
            log.error("readyz.store_failed", error=origin_of(error))
            return Health("unavailable", "the store does not answer")
        if late >= OVERDUE_MAX:
            return Health("unavailable", f"work has been due for {late.total_seconds():.0f} s")
        return Health("ok", self._known(back))

    def _known(self, back: timedelta) -> str:
        """What should be known though it is ready."""
        if count := len(self._plane.renewer.unstored.subjects):  # whose: only in the log
            return f"{UNSTORED}; waiting: {count}"
        if self._plane.locked:
            return f"{NOT_OPENED}: {self._plane.locked}; see doctor, then restart"
        if back:
            return f"a clock ran {back.total_seconds():.0f} s ahead of now: see doctor"
        return ""


async def metrics(asking: Asking) -> Response:
    """Counters of this process in the Prometheus text format."""
    return Response(await exposition(asking.plane, asking.counts), media_type=METRICS_TYPE)
