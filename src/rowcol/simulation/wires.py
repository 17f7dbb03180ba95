"""Wires: how service and emulator reach each other without a socket, and a count of what went over them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from rowcol.core.app import App
from rowcol.core.wire import NoAnswer, RawDelivery, Request, Response, Silence
from rowcol.engine.inbox import Reception
from rowcol.ports import Clock
from rowcol.sandbox.delivery import WebhookSender
from rowcol.services.plane import OpenPlane

Message = MutableMapping[str, Any]
AsgiApp = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
STATUSES: Final[Mapping[Reception, int]] = {
    Reception.ACCEPTED: 200,
    Reception.DUPLICATE: 200,
    Reception.REJECTED: 401,
    Reception.TOO_LARGE: 413,
    Reception.BUSY: 503,
}


class AsgiTransport:
    """The transport to rails that are ASGI apps in this process, by their address."""

    def __init__(self, apps: Mapping[str, AsgiApp], clock: Clock) -> None:
        self._apps = apps
        self._clock = clock

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        """One request. An app that breaks off or raises is a broken connection."""
        app, sent_at = self._apps.get(base_url), self._clock.now()
        if app is None:
            return NoAnswer(Silence.NOT_SENT, sent_at, self._clock.now())
        exchange = _Exchange(request, urlsplit(base_url).netloc)
        try:
            await app(exchange.scope, exchange.receive, exchange.send)
        except Exception:  # noqa: BLE001 - whatever broke over there, here it is silence
            return NoAnswer(Silence.BROKEN, sent_at, self._clock.now())
        if not exchange.is_whole:
            return NoAnswer(Silence.BROKEN, sent_at, self._clock.now())
        return Response(
            exchange.status, exchange.headers, bytes(exchange.body), sent_at, self._clock.now()
        )


class _Exchange:
    """One request and its answer in ASGI's words."""

    def __init__(self, request: Request, host: str) -> None:
        headers = {"host": host, **request.headers}
        path, _, query = request.path.partition("?")
        self.scope: Message = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 0),
            "server": ("emulator", 80),
        }
        self._message: Message = {"type": "http.request", "body": request.body, "more_body": False}
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.is_whole = False

    async def receive(self) -> Message:
        message, self._message = self._message, {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode().lower(): value.decode() for name, value in message["headers"]
            }
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            self.is_whole = not message.get("more_body", False)


class InboxSender:
    """Webhooks straight into the inbox of a plane that opens later. `apps`: by the path they are delivered to."""

    def __init__(self, apps: Mapping[str, App]) -> None:
        self._apps = apps
        self.plane: OpenPlane | None = None

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        """The status that the webhook route would answer; None before the plane is open."""
        app = self._apps.get(urlsplit(url).path)
        if self.plane is None or app is None:
            return None
        lower = {name.lower(): value for name, value in headers.items()}
        raw = RawDelivery(lower, body, self.plane.clock.now())
        return STATUSES[(await self.plane.inbox.receive(app, raw)).reception]


class CountingSender:
    """Counts what another sender sent, so that a driver knows when there may be something to do."""

    def __init__(self, inner: WebhookSender) -> None:
        self._inner = inner
        self.n_sent = 0

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        """Count, then send."""
        self.n_sent += 1
        return await self._inner.send(url, body, headers)


class NowhereSender:
    """Webhooks that nobody listens to."""

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        """No answer."""
        del url, body, headers
        return None
