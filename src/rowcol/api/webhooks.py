"""Webhooks: raw bytes in, 200 only after they are on disk. As little as possible stands between."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rowcol.api import problem
from rowcol.api.metrics import Counts
from rowcol.core.app import App
from rowcol.core.secret import origin_of
from rowcol.core.seldom import Seldom
from rowcol.core.wire import MAX_DELIVERY_BYTES, RawDelivery
from rowcol.engine.inbox import Received, Reception
from rowcol.services.plane import OpenPlane

RETRY_AFTER_S = 2

log = structlog.get_logger(__name__)


def _made(
    status: int, code: str, *more: tuple[bytes, bytes]
) -> tuple[dict[str, object], dict[str, object]]:
    """The two messages of a constant answer."""
    if status == 200:
        body, kind = b'{"status":"ok"}', b"application/json"
    else:
        members = problem.body_of(status, code, code.replace("_", " "))
        body, kind = bytes(problem.response_of(members).body), problem.MEDIA_TYPE.encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *more]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


_OK = _made(200, "ok")
TOO_LARGE = _made(413, "content_too_large", (b"connection", b"close"))
ANSWERS = {
    Reception.ACCEPTED.value: _OK,
    Reception.DUPLICATE.value: _OK,
    Reception.REJECTED.value: _made(401, "unauthorized"),
    Reception.TOO_LARGE.value: TOO_LARGE,
    Reception.BUSY.value: _made(503, "busy", (b"retry-after", str(RETRY_AFTER_S).encode())),
}
UNKNOWN = _made(404, "not_found")
WRONG_METHOD = _made(405, "method_not_allowed", (b"allow", b"POST"))
FAILED = _made(500, "internal")


class Webhooks:
    """The ASGI function behind `/webhooks/{rail}/{app}`."""

    def __init__(self, plane: OpenPlane, counts: Counts) -> None:
        self._plane = plane
        self._counts = counts
        self._seldom = Seldom()
        self._apps = {
            f"/webhooks/{app.rail}/{app.name or app.id}": app for app in plane.apps.values()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Answer one request. `path`: without the mount point."""
        start, body = await self._answer(scope, receive, path)
        await send(start)
        await send(body)

    async def respond(self, request: Request) -> Response:
        """The same as a Starlette endpoint, for hosts that mount our router."""
        rail, app = request.path_params["rail"], request.path_params["app"]
        start, body = await self._answer(request.scope, request.receive, f"/webhooks/{rail}/{app}")
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Response(body["body"], start["status"], headers)

    async def _answer(self, scope: Scope, receive: Receive, path: str) -> tuple[Any, Any]:
        app = self._apps.get(path)
        if app is None:
            return UNKNOWN
        if scope["method"] != "POST":
            return WRONG_METHOD
        raw = await _body(receive)
        if raw is None:
            return TOO_LARGE
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        delivery = RawDelivery(headers, raw, self._plane.clock.now())
        try:
            received = await self._plane.inbox.receive(app, delivery)
        except Exception as error:  # noqa: BLE001 - logged without locals
            log.error("webhook.failed", rail=app.rail, app=app.id, error=origin_of(error))
            return FAILED
        reception = received.reception.value
        self._counts.deliveries[app.rail, app.id, reception] += 1
        if received.reason:
            self._tell(app, received, delivery.received_at)
        return ANSWERS[reception]

    def _tell(self, app: App, received: Received, now: datetime) -> None:
        """A flood of forgeries is no flood of lines."""
        times = self._seldom.times((app.id, received.reception), now.timestamp())
        if not times:
            return
        log.info(
            "webhook.not_taken",
            rail=app.rail,
            app=app.id,
            reception=received.reception.value,
            reason=received.reason,
            times=times,
        )


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or None once it passes 1 MiB or the sender leaves."""
    message = await receive()
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return first if len(first) <= MAX_DELIVERY_BYTES else None
    body = bytearray(first)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_DELIVERY_BYTES:
            return None
    return bytes(body)
