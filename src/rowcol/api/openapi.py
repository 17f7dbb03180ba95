"""OpenAPI: the document of every route, the plain ones included, with examples, security and problems."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from rowcol.api.callback import CALLBACK
from rowcol.api.examples import ANSWERS, REQUESTS
from rowcol.api.operations import ROLES, WEBHOOK
from rowcol.api.problem import MEDIA_TYPE

ABOUT = """What an accounting firm knows of its clients' cash, with proof of its age.

Every request but webhooks, consent callbacks and health needs `Authorization: Bearer <token>`; the token fixes the firm. Roles: viewer, advisor,
operator, admin; each operation names its least one. Errors are problem+json (RFC 9457) with `code`, `detail` and `what_to_do`.

Writes may be sent again: a business is identified by `external_id`, a login by the rail's own id, a token by its label,
and settings are replaced whole. So `Idempotency-Key` is accepted and not needed, but for `POST .../calls`: there it goes to the rail. Lists take `after` and `limit` and
answer `next`. Amounts are in minor units, costs in micro-dollars, times in UTC.
"""
PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `detail` and `what_to_do` are for people.",
    "required": ["type", "title", "status", "code", "detail", "what_to_do"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:rowcol:problem:not_found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "what_to_do": {"type": "string"},
        "reference": {
            "type": "string",
            "description": "With 500: what the operator's log knows it by.",
        },
        "price_micros": {"type": "integer", "description": "With `price_unconfirmed`."},
        "entity": {"type": "string", "description": "With `row_unreadable`: of which kind it is."},
        "id": {"type": "string", "description": "With `row_unreadable`: the books' own id of it."},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "With bad_input."},
    },
}
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Accepted; writes are idempotent by what they name.",
    "schema": {"type": "string", "maxLength": 255},
}
_STATUS = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string"}, "reason": {"type": "string"}},
}


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document; made once and kept on the app."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=ABOUT, routes=app.routes
        )
        made["paths"] |= _plain_paths()
        parts = made.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = PROBLEM
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, methods in made["paths"].items():
            for method, operation in methods.items():
                _finish(operation, f"{method.upper()} {path}")
        app.openapi_schema = made
    return app.openapi_schema


def _finish(operation: dict[str, Any], key: str) -> None:
    role = ROLES[key]
    answers = operation["responses"]
    answers.pop("422", None)
    problem = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    answers["default"] = {"description": "A problem", **problem}
    if role is None:
        operation["security"] = []
    else:
        operation["security"] = [{"token": []}]
        operation["x-least-role"] = role.value
        operation["description"] = (
            f"{operation.get('description', '')}\n\nLeast role: {role.value}."
        )
    if key.startswith("POST /v1/"):
        _take_key(operation.setdefault("parameters", []))
    if key in REQUESTS:
        content = operation["requestBody"]["content"]
        next(iter(content.values()))["example"] = REQUESTS[key]
    if key == "GET /metrics":
        answers["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    for status, answer in answers.items():
        if status != "default" and key in ANSWERS:
            for kind in answer.get("content", {}).values():
                kind["example"] = ANSWERS[key]


def _take_key(given: list[dict[str, Any]]) -> None:
    """The header that every write accepts, unless the operation says itself what it does with it."""
    if not any(parameter["name"] == IDEMPOTENCY["name"] for parameter in given):
        given.append(IDEMPOTENCY)


def _plain_paths() -> dict[str, Any]:
    return {
        WEBHOOK: {"post": _webhook()},
        CALLBACK: {"get": _callback()},
        "/readyz": {
            "get": {
                "summary": "Is it keeping up",
                "operationId": "readyz",
                "description": "503 while the store does not answer or work has been due for five minutes.",
                "responses": {
                    "200": _answer("Ready", _STATUS),
                    "503": _answer("Not ready", _STATUS),
                },
            }
        },
        "/openapi.json": {
            "get": {
                "summary": "This document",
                "operationId": "openapi",
                "responses": {"200": _answer("OpenAPI 3.1", {"type": "object"})},
            }
        },
    }


def _webhook() -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in ("rail", "app")
    ]
    return {
        "summary": "Take a rail's webhook in",
        "operationId": "webhook",
        "description": (
            "For rails only: the raw bytes must carry the rail's signature. 200 once they are on disk, also for a copy; "
            "401 forged or too old; 400 not readable; 413 over 1 MiB; 503 with Retry-After when busy."
        ),
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        "responses": {"200": _answer("Stored", _STATUS)},
    }


def _callback() -> dict[str, Any]:
    page = {"content": {"text/html": {"schema": {"type": "string"}}}}
    return {
        "summary": "Where a rail sends a person back to",
        "operationId": "callback",
        "description": (
            "For browsers only: the secret `state` in the address, good for one use, says which consent it ends. "
            "400: nothing was connected, and why. The page never repeats what the address brought."
        ),
        "parameters": [
            {"name": "rail", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "state", "in": "query", "required": True, "schema": {"type": "string"}},
        ],
        "responses": {
            "200": {"description": "Connected", **page},
            "400": {"description": "Not connected", **page},
        },
    }


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}
