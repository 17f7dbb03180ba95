"""Hot: the front of the app. Webhooks and display reads from memory never enter the framework; all else passes through."""

from __future__ import annotations

from collections import OrderedDict

from starlette.types import ASGIApp, Receive, Scope, Send

from rowcol.api import shapes
from rowcol.api.auth import Tokens
from rowcol.api.metrics import Counts
from rowcol.api.reads import encoded
from rowcol.api.webhooks import Webhooks
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.need import Purpose
from rowcol.engine.answer import Answer
from rowcol.services.hot import KEPT_MAX
from rowcol.services.plane import OpenPlane

_BEFORE = "/v1/businesses/"
_AFTER = "/balance"
_DISPLAY = (b"", b"purpose=display")
_DISPLAYED = Purpose.DISPLAY.value


class Front:
    """Decides by the path alone, before anything is parsed."""

    def __init__(self, app: ASGIApp, plane: OpenPlane, tokens: Tokens, counts: Counts) -> None:
        self._app = app
        self._plane = plane
        self._tokens = tokens
        self._counts = counts
        self._webhooks = Webhooks(plane, counts)
        self._encoded: OrderedDict[tuple[FirmId, BusinessId], tuple[Answer, Start, Body]] = (
            OrderedDict()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        root: str = scope.get("root_path", "")
        if root and path.startswith(root):
            path = path[len(root) :]
        if path.startswith("/webhooks/"):
            await self._webhooks(scope, receive, send, path)
            return
        if path.startswith(_BEFORE) and path.endswith(_AFTER):
            messages = self._kept(scope, path[len(_BEFORE) : -len(_AFTER)])
            if messages is not None:
                await send(messages[0])
                await send(messages[1])
                return
        await self._app(scope, receive, send)

    def _kept(self, scope: Scope, business_id: str) -> tuple[Start, Body] | None:
        """The two messages of an answer kept in memory; None: ask properly."""
        if scope["method"] != "GET" or scope["query_string"] not in _DISPLAY:
            return None
        now = self._plane.clock.now()
        principal = self._tokens.kept(scope["headers"], now)
        if principal is None:
            return None
        firm, business = principal.firm, BusinessId(business_id)
        kept = self._plane.hot.get(firm, business, now)
        if kept is None:
            return None
        answer = kept.answer
        self._plane.decisions.repeat(firm, business, answer.records)
        self._counts.answers[_DISPLAYED, answer.action.value] += 1
        made = self._encoded.get((firm, business))
        if made is None or made[0] is not answer:
            made = (answer, *_messages(encoded(shapes.balance_of(answer))))
            self._encoded[firm, business] = made
            if len(self._encoded) > KEPT_MAX:
                self._encoded.popitem(last=False)
        return made[1], made[2]


Start = dict[str, object]
Body = dict[str, object]


def _messages(body: bytes) -> tuple[Start, Body]:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return (
        {"type": "http.response.start", "status": 200, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
