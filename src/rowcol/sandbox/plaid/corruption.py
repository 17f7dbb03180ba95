"""Spoilt answers: an ASGI layer around everything, that damages what the emulator said on its way to the client.

The request was processed, and billed if it was to be, before anything here happens. What is damaged, and how often, is
loaded into `Faults.corruptions`; the kinds:

| kind | what the client gets |
|---|---|
| unknown_fields | every object has a key nobody knows |
| unknown_enums | types, subtypes and statuses have values nobody knows |
| missing_keys | load-bearing keys are absent |
| wrong_types | numbers are texts, texts are numbers, flags are texts |
| nan | amounts are `NaN`, which is not JSON |
| duplicate_keys | keys occur twice, first with another value |
| truncated | half of the body, correctly framed |
| html | status 200 and a page |
| huge | the right answer with 10 MB of padding |
| slow_drip | the right answer at 8 bytes a quarter second (wall time) |
| reset | the connection breaks without an answer |
| status_500, status_502, status_503 | Plaid's own error, a proxy's page, maintenance |
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.faults import Corruption, Faults

_ENCODE: Final = msgspec.json.Encoder(decimal_format="number").encode
_AMOUNT: Final = re.compile(rb'"(current|available|amount)":(-?[0-9.]+|null)')
_PAGE: Final = b"<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>"
_HUGE_BYTES: Final = 10 * 1024 * 1024
_DRIP_BYTES: Final = 8
_DRIP_PAUSE_S: Final = 0.25
_ENUM_KEYS: Final = frozenset(
    {
        "payment_channel",
        "refresh_interval",
        "status",
        "subtype",
        "transactions_update_status",
        "type",
        "update_type",
    }
)
_LOAD_BEARING_KEYS: Final = frozenset(
    {"access_token", "balances", "has_more", "institution_id", "item", "key", "link_token"}
)


class SpoiltAnswers:
    """Outermost layer: it holds the server's own `send`, so that it can break the connection."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_control"):
            await self._app(scope, receive, send)
            return
        kind = self._faults.corruptions.take(scope["path"])
        if kind is None:
            await self._app(scope, receive, send)
            return
        body = bytearray()
        status = 200

        async def hold_back(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, hold_back)
        await _answer_badly(kind, status, bytes(body), send)


async def _answer_badly(kind: Corruption, status: int, body: bytes, send: Send) -> None:
    if kind is Corruption.RESET:
        _break_connection(send)
    elif kind is Corruption.SLOW_DRIP:
        await _drip(status, body, send)
    elif kind in _REPLACED:
        new_status, new_body, content_type = _REPLACED[kind]
        await _send(send, new_status, new_body, content_type)
    elif kind is Corruption.HUGE:
        padding = b'{"padding":"' + b"x" * _HUGE_BYTES + b'",'
        await _send(send, status, padding + body[1:])
    else:
        await _send(send, status, _DAMAGE[kind](body))


async def _send(
    send: Send, status: int, body: bytes, content_type: bytes = b"application/json"
) -> None:
    await send(_start(status, len(body), content_type))
    await send({"type": "http.response.body", "body": body})


async def _drip(status: int, body: bytes, send: Send) -> None:
    await send(_start(status, len(body), b"application/json"))
    for at in range(0, len(body), _DRIP_BYTES):
        piece = body[at : at + _DRIP_BYTES]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await _pause_s(_DRIP_PAUSE_S)
    await send({"type": "http.response.body", "body": b""})


async def _pause_s(seconds: float) -> None:
    """Wall time: a socket times out in real seconds, whatever the virtual clock says."""
    try:
        await asyncio.wait_for(asyncio.Event().wait(), seconds)
    except TimeoutError:
        return


def _start(status: int, n_bytes: int, content_type: bytes) -> Message:
    headers = [(b"content-type", content_type), (b"content-length", str(n_bytes).encode())]
    return {"type": "http.response.start", "status": status, "headers": headers}


def _break_connection(send: Send) -> None:
    """Abort uvicorn's transport; without one (in process) the caller meets the exception itself."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the emulator broke the connection")
    transport.abort()


def _each_object(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return change({key: _each_object(inner, change) for key, inner in value.items()})
    if isinstance(value, list):
        return [_each_object(inner, change) for inner in value]
    return value


def _rewritten(
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> Callable[[bytes], bytes]:
    def rewrite(body: bytes) -> bytes:
        return _ENCODE(_each_object(json.loads(body, parse_float=Decimal), change))

    return rewrite


def _add_unknown(shape: dict[str, Any]) -> dict[str, Any]:
    return shape | {"zz_unknown": {"version": 2, "items": [None, 1.5]}}


def _change_enums(shape: dict[str, Any]) -> dict[str, Any]:
    return {
        key: "brand_new_value" if key in _ENUM_KEYS and isinstance(value, str) else value
        for key, value in shape.items()
    }


def _drop_keys(shape: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shape.items() if key not in _LOAD_BEARING_KEYS}


def _swap_types(shape: dict[str, Any]) -> dict[str, Any]:
    return {key: _swapped(value) for key, value in shape.items() if key != "request_id"}


def _swapped(value: Any) -> Any:
    if isinstance(value, bool | Decimal | int):
        return f"about {value}"
    return 7 if isinstance(value, str) else value


def _with_nan(body: bytes) -> bytes:
    damaged, n = _AMOUNT.subn(rb'"\1":NaN', body)
    return damaged if n else b'{"zz_unknown":NaN,' + body[1:]


def _with_duplicates(body: bytes) -> bytes:
    return b'{"request_id":"first",' + _AMOUNT.sub(rb'"\1":0,"\1":\2', body)[1:]


_DAMAGE: Final[dict[Corruption, Callable[[bytes], bytes]]] = {
    Corruption.UNKNOWN_FIELDS: _rewritten(_add_unknown),
    Corruption.UNKNOWN_ENUMS: _rewritten(_change_enums),
    Corruption.MISSING_KEYS: _rewritten(_drop_keys),
    Corruption.WRONG_TYPES: _rewritten(_swap_types),
    Corruption.NAN: _with_nan,
    Corruption.DUPLICATE_KEYS: _with_duplicates,
    Corruption.TRUNCATED: lambda body: body[: len(body) // 2],
}
_REPLACED: Final[dict[Corruption, tuple[int, bytes, bytes]]] = {
    Corruption.HTML: (200, _PAGE, b"text/html"),
    Corruption.STATUS_500: (
        500,
        _ENCODE(PlaidError("INTERNAL_SERVER_ERROR").envelope("0" * 15)),
        b"application/json",
    ),
    Corruption.STATUS_502: (502, _PAGE, b"text/html"),
    Corruption.STATUS_503: (
        503,
        _ENCODE(PlaidError("PLANNED_MAINTENANCE").envelope("0" * 15)),
        b"application/json",
    ),
}
