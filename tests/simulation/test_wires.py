"""Wires: an app in this process answers as over HTTP, breaks as a connection breaks; webhooks reach the inbox."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse
from starlette.routing import Route

from rowcol.core.app import App
from rowcol.core.ids import AppId
from rowcol.core.wire import NoAnswer, Request, Response, Silence
from rowcol.sandbox.clock import ManualClock
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wires import AsgiApp, AsgiTransport, CountingSender, InboxSender, Message


async def echo(asked: Asked) -> JSONResponse:
    body = (await asked.body()).decode()
    return JSONResponse({"body": body, "secret": asked.headers["x-secret"]}, status_code=201)


REQUEST = Request("POST", "/echo", {"X-Secret": "s"}, b"hello", 5.0)


def over(app: AsgiApp) -> AsgiTransport:
    return AsgiTransport({"http://emulator": app}, ManualClock())


async def test_a_request_and_its_answer() -> None:
    app = Starlette(routes=[Route("/echo", echo, methods=["POST"])])
    answer = await over(app).send("http://emulator", REQUEST)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (201, b'{"body":"hello","secret":"s"}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.sent_at == answer.received_at == ManualClock().now()


async def raises(_scope: Message, _receive: object, _send: object) -> None:
    raise ConnectionResetError


async def breaks_off(_scope: Message, _receive: object, send: object) -> None:
    assert callable(send)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


@pytest.mark.parametrize("app", [raises, breaks_off])
async def test_an_app_that_breaks_is_silence(app: AsgiApp) -> None:
    answer = await over(app).send("http://emulator", REQUEST)
    assert isinstance(answer, NoAnswer)
    assert answer.silence is Silence.BROKEN


async def test_webhooks_are_judged_by_the_inbox() -> None:
    app = App(AppId("demo"), "plaid", "emulated", "http://emulator", {})
    inbox = InboxSender({"/webhooks": app})
    sent = CountingSender(inbox)
    assert await sent.send("http://s/webhooks", b"{}", {}) is None
    async with open_rig() as rig:
        inbox.plane = rig.plane
        forged = {"Plaid-Verification": "forged"}
        assert await sent.send("http://s/webhooks", b"{}", forged) == 401
        assert await sent.send("http://s/elsewhere", b"{}", forged) is None
    assert sent.n_sent == 3
