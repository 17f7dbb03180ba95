"""Problem: every error as RFC 9457 `application/problem+json`. No exception's text reaches a client, only a refusal's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rowcol.core.refusal import Busy, Misconfigured, NotYet, Refusal, Unreadable
from rowcol.core.secret import origin_of
from rowcol.core.text import clean
from rowcol.ports import Rng

MEDIA_TYPE = "application/problem+json"
ERRORS_MAX = 20

HTTP_PHRASES = {status.value: status.phrase for status in HTTPStatus}

log = structlog.get_logger(__name__)

CODES = {413: "content_too_large", 422: "bad_input"}
"""Where the phrase is another one in each release of Python: clients hold on to codes."""
WHERE_MAX = 200
ADVICE = {
    400: "send one JSON object, not too deeply nested",
    404: "see /openapi.json for what there is",
    405: "see /openapi.json for the methods of this path",
    413: "send less: webhooks may have 1 MiB, batches of bills 512 KiB, other bodies 64 KiB",
}


def body_of(
    status: int, code: str, detail: str, what_to_do: str = "", more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The members of a problem. `code` is stable, `detail` and `what_to_do` are for people."""
    return {
        "type": f"urn:rowcol:problem:{code}",
        "title": HTTP_PHRASES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": clean(detail),
        "what_to_do": clean(what_to_do),
        **(more or {}),
    }


def response_of(members: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A problem as an answer."""
    return Response(
        msgspec.json.encode(members),
        status_code=members["status"],
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def refused(refusal: Refusal) -> Response:
    """An expected refusal. Those that are our own fault say no more than a caller can use."""
    headers: dict[str, str] = {}
    if isinstance(refusal, Busy | NotYet):
        headers["retry-after"] = str(refusal.retry_after_s)
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    if isinstance(refusal, Misconfigured | Unreadable):
        log.error("api.misconfigured", detail=refusal.message, what_to_do=refusal.what_to_do)
        members = body_of(
            500,
            refusal.code,
            "the service is not set up for this",
            "ask its operator: the log says why (api.misconfigured), `rowcol doctor` looks at the settings",
        )
        return response_of(members)
    more = getattr(refusal, "more", None)
    return response_of(
        body_of(refusal.status, refusal.code, refusal.message, refusal.what_to_do, more), headers
    )


def invalid(error: RequestValidationError) -> Response:
    """A request that does not fit: each place with what is wrong there, never what was sent. 400: not by its address."""
    errors = [_place(e) for e in error.errors()[:ERRORS_MAX]]
    detail = "; ".join(f"{e['where']}: {e['message']}" for e in errors)
    is_body = any(e["loc"][:1] == ("body",) for e in error.errors())
    members = body_of(
        422 if is_body else 400, "bad_input", detail, "correct what is listed in `errors`"
    )
    return response_of({**members, "errors": errors})


def plain(error: HTTPException) -> Response:
    """The framework's own refusals: 404, 405, 413."""
    status = error.status_code
    phrase = HTTP_PHRASES.get(status, "Error")
    members = body_of(status, code_of(status), phrase.lower(), ADVICE.get(status, ""))
    return response_of(members, error.headers)


def code_of(status: int) -> str:
    """The code of a refusal that has none but its status."""
    phrase = HTTP_PHRASES.get(status, "Error")
    return CODES.get(status) or phrase.lower().replace(" ", "_").replace("-", "_")


def broken(error: BaseException, rng: Rng, where: str) -> Response:
    """Something that should not happen: the client gets a reference, the log the rest."""
    reference = rng.new_id("err")
    log.error("api.failed", reference=reference, where=where, error=origin_of(error))
    members = body_of(
        500,
        "internal",
        "something went wrong on our side",
        f"give the operator this reference: {reference}",
        {"reference": reference},
    )
    return response_of(members)


def _place(error: Mapping[str, Any]) -> dict[str, str]:
    """The name of an unknown member is the sender's own, so it is cut short."""
    parts: Sequence[object] = error.get("loc", ())
    where = ".".join(str(part) for part in parts) or "request"
    message = str(error.get("msg", "is wrong")).removeprefix("Value error, ")
    return {"where": clean(where[:WHERE_MAX]), "message": message}
