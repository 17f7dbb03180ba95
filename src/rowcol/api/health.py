"""Health: is it up, is it keeping up, and its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from starlette.responses import Response

from rowcol.api.gate import Asking
from rowcol.api.metrics import OVERDUE_MAX, exposition, overdue
from rowcol.core.secret import origin_of
from rowcol.services.plane import OpenPlane

UNSTORED = "a new token is not stored yet, and would be lost if this process ended"
NAMED_MAX = 5
METRICS_TYPE = "text/plain; version=1.0.0; charset=utf-8"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """`reason` says in a sentence why it is not ready, or what is wrong though it is."""

    status: str
    reason: str = ""


async def healthz() -> Health:
    """The process answers."""
    return Health("ok")


async def readiness(plane: OpenPlane) -> Health:
    """Whether the store answers and no work has been due for five minutes."""
    try:
        late = await overdue(plane)
    except Exception as error:  # noqa: BLE001 - logged without locals
        log.error("readyz.store_failed", error=origin_of(error))
        return Health("unavailable", "the store does not answer")
    if late >= OVERDUE_MAX:
        return Health("unavailable", f"work has been due for {late.total_seconds():.0f} s")
    if subjects := plane.renewer.unstored.subjects:
        return Health("ok", f"{UNSTORED}: {', '.join(subjects[:NAMED_MAX])}")
    return Health("ok")


async def metrics(asking: Asking) -> Response:
    """Counters of this process in the Prometheus text format."""
    return Response(await exposition(asking.plane, asking.counts), media_type=METRICS_TYPE)
