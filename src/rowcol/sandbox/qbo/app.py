"""The HTTP face: one ASGI app that serves all of Intuit's hosts, and the control API."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rowcol.sandbox.qbo import gate
from rowcol.sandbox.qbo.control import control_routes
from rowcol.sandbox.qbo.emulator import QboEmulator
from rowcol.sandbox.qbo.oauth import Authority
from rowcol.sandbox.qbo.wire import read_request, send_answer


def qbo_app(emulator: QboEmulator) -> Starlette:
    """Serve this emulator. The app starts nothing: whoever owns the clock lets events happen."""

    async def not_found(_request: Request, _error: Exception) -> Response:
        return JSONResponse({"error": "not found"}, 404)

    app = Starlette(routes=control_routes(emulator), exception_handlers={404: not_found})
    app.middleware_stack = Front(app.build_middleware_stack(), emulator)
    return app


class Front:
    """Outermost: it holds the server's own `send`, so that an answer can be a broken connection."""

    def __init__(self, inner: ASGIApp, emulator: QboEmulator) -> None:
        self._inner = inner
        self._emulator = emulator
        self._authority = Authority(emulator)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_control"):
            await self._inner(scope, receive, send)
            return
        asked = await read_request(scope, receive)
        if asked.path.startswith(gate.PREFIX):
            await send_answer(await gate.pass_through(self._emulator, asked), send)
            return
        answer = await self._authority.answer(asked)
        if answer is None:
            await self._inner(scope, receive, send)
            return
        await send_answer(answer, send)
