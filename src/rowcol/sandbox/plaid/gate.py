"""The gate: every Plaid request passes it in the same order, and every answer leaves by it.

body -> credentials -> fields -> token -> rate limits -> forced errors -> latency -> endpoint -> envelope. What a request may
hold is the table in `fields`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from rowcol.sandbox.plaid.calls import Call
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.errors import ERRORS, PlaidError
from rowcol.sandbox.plaid.fields import check_fields
from rowcol.sandbox.plaid.items import Item
from rowcol.sandbox.plaid.shapes import Shape

_CREDENTIALS: Final = {"client_id": "plaid-client-id", "secret": "plaid-secret"}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder()
_LATENCY_P50_S: Final = 3.0
_LATENCY_P95_S: Final = 11.0
_LATENCY_MAX_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path and what answers it."""

    path: str
    answer: Callable[[Call], Shape]
    is_live: bool = False
    """Contacts the bank, so it takes its time."""


async def pass_through(emulator: PlaidEmulator, endpoint: Endpoint, request: Request) -> Response:
    """Answer one request, errors included."""
    emulator.n_requests += 1
    request_id = emulator.dice.ident("request", emulator.n_requests)[:15]
    try:
        call = _admit(emulator, endpoint, await request.body(), request)
        if endpoint.is_live:
            await _take_time(emulator)
            call = _again(call)
        shape = endpoint.answer(call)
    except PlaidError as error:
        headers = None
        if error.http_status == 429 and emulator.switches.sends_retry_after:
            headers = {"Retry-After": "60"}
        return json_response(error.envelope(request_id), error.http_status, headers)
    shape["request_id"] = request_id
    return json_response(shape)


def json_response(
    content: object, status_code: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """JSON with exact decimals."""
    return Response(_ENCODER.encode(content), status_code, headers, "application/json")


def _admit(emulator: PlaidEmulator, endpoint: Endpoint, raw: bytes, request: Request) -> Call:
    _require_json(request)
    body = _parse(raw)
    client_id = _authenticate(emulator, body, request)
    body = check_fields(endpoint.path, body)
    now = emulator.clock.now()
    emulator.catch_up(now)
    token = body.get("access_token")
    item = None if token is None else _item_of(emulator, client_id, token)
    emulator.limits.count(endpoint.path, client_id, item.item_id if item else None, now)
    forced = emulator.faults.forced_errors.take(endpoint.path)
    if forced is not None:
        raise PlaidError(forced if forced in ERRORS else "INTERNAL_SERVER_ERROR")
    if item is not None and item.removed_at is not None:
        raise PlaidError("ITEM_NOT_FOUND")
    return Call(emulator, endpoint.path, body, client_id, now, item, _address(request))


def _address(request: Request) -> str:
    """Scheme and host as the client wrote them; not parsed, as every call passes here."""
    host = request.headers.get("host")
    if host is None:
        name, port = request.scope.get("server") or ("localhost", None)
        host = name if port is None else f"{name}:{port}"
    return f"{request.scope['scheme']}://{host}"


def _require_json(request: Request) -> None:
    """The header is required, and nothing else is read (docs "Invalid Request errors", 7 Mar 2026)."""
    declared = request.headers.get("content-type")
    if declared is None:
        raise PlaidError("INVALID_HEADERS", "the Content-Type header is missing")
    if declared.partition(";")[0].strip().lower() != "application/json":
        raise PlaidError("INVALID_BODY", "content-type must be application/json")


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        body = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PlaidError("INVALID_BODY", "body could not be parsed as JSON") from None
    if not isinstance(body, dict):
        raise PlaidError("INVALID_BODY", "body must be an object")
    return body


def _authenticate(emulator: PlaidEmulator, body: dict[str, Any], request: Request) -> str:
    """Credentials in headers or in the body; both are taken out of the body."""
    given: dict[str, Any] = {}
    for name, header in _CREDENTIALS.items():
        value = body.pop(name, None)
        given[name] = request.headers.get(header) if value is None else value
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise PlaidError("MISSING_FIELDS", ", ".join(missing))
    for name, value in given.items():
        if not isinstance(value, str) or not value:
            text = f"{name} must be a properly formatted, non-empty string"
            raise PlaidError("INVALID_FIELD", text)
    if emulator.clients.get(given["client_id"]) != given["secret"]:
        raise PlaidError("INVALID_API_KEYS")
    client_id: str = given["client_id"]
    return client_id


def _item_of(emulator: PlaidEmulator, client_id: str, token: str) -> Item:
    kind, _, rest = token.partition("-")
    environment, _, identifier = rest.partition("-")
    if kind != "access" or not identifier:
        raise PlaidError(
            "INVALID_ACCESS_TOKEN",
            "provided access token is in an invalid format. expected format: access-<environment>-<identifier>",
        )
    if environment != "sandbox":
        raise PlaidError(
            "INVALID_ACCESS_TOKEN",
            f'provided access token is for the wrong Plaid environment. expected "sandbox", got "{environment}"',
        )
    item = emulator.tokens.item_of(token)
    if item is None or item.wish.client_id != client_id:
        raise PlaidError("INVALID_ACCESS_TOKEN", "could not find matching access token")
    return item


async def _take_time(emulator: PlaidEmulator) -> None:
    if emulator.switches.latency == "none":
        return
    latency_s = emulator.dice.lognormal_s(
        _LATENCY_P50_S, _LATENCY_P95_S, "latency", emulator.n_requests
    )
    due_at = emulator.clock.now() + timedelta(seconds=min(latency_s, _LATENCY_MAX_S))
    await emulator.clock.sleep_until(due_at)


def _again(call: Call) -> Call:
    """The same call after its latency: the bank is read when the answer is made."""
    if call.linked_item is not None and call.linked_item.removed_at is not None:
        raise PlaidError("ITEM_CONCURRENTLY_DELETED")
    return replace(call, now=call.emulator.clock.now())
