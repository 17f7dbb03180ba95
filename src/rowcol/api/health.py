"""Health: is it up, is it keeping up, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from starlette.responses import Response

from rowcol.api.gate import Asking
from rowcol.api.metrics import OVERDUE_MAX, clock_back, exposition, overdue
from rowcol.services.plane import OpenPlane

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


async def readiness(plane: OpenPlane) -> Health:
    """Whether the store answers and no work has been due for five minutes."""
    try:
        late, back = await overdue(plane), await clock_back(plane)
    except Exception:
        log.exception("readyz.store_failed")
        return Health("unavailable", "the store does not answer")
    if late >= OVERDUE_MAX:
        return Health("unavailable", f"work has been due for {late.total_seconds():.0f} s")
    if back:
        return Health("ok", f"a clock ran {back.total_seconds():.0f} s ahead of now: see doctor")
    return Health("ok")


async def metrics(asking: Asking) -> Response:
    """Counters of this process in the Prometheus text format."""
    return Response(await exposition(asking.plane, asking.counts), media_type=METRICS_TYPE)
