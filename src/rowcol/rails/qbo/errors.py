"""Errors: Intuit's codes, each with the one outcome that it is to us, whatever HTTP status it comes with below 500.

A fault is JSON with `Fault`, JSON with lower-case `fault` (from the gateway), XML though JSON was asked for,
or a token answer's `error`. It may stand inside an answer whose status says success, and there at any place: a page, one
group of changes, one item of a batch. Without a code the status decides. At 5xx no code is believed but a throttle's:
in outages good connections were answered 500 with 3100 (python-quickbooks#106). Only codes and names of fields are kept, never
Intuit's texts: they quote what was sent. Source: section 7 of the fact sheet, looked up 2026-11-25.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rowcol.core.connection import ConnectionState
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Look
from rowcol.core.wire import Response
from rowcol.rails.qbo import facts
from rowcol.rails.qbo.spec import ENDPOINTS

OUTCOMES: dict[str, tuple[Outcome, str]] = {
    "3200": (Outcome.TOKEN_EXPIRED, "the access token is not accepted"),
    "3100": (Outcome.NEEDS_PERSON, "the app is not authorised for this company; connect it again"),
    "3201": (Outcome.NEEDS_PERSON, "the user is not authorised for this company; connect it again"),
    "120": (
        Outcome.NEEDS_PERSON,
        "who connected it is no administrator of the company any more; connect it again",
    ),
    "3001": (Outcome.RATE_LIMITED, "too many calls"),
    "610": (Outcome.NOT_FOUND, "it is not there, or refers to something inactive"),
    "5010": (Outcome.CONFLICT, "it was changed meanwhile"),
    "6140": (Outcome.BAD_REQUEST, "the document number is used already"),
    "6240": (Outcome.BAD_REQUEST, "the name is used already"),
    "2020": (Outcome.BAD_REQUEST, "a field is missing"),
    "2030": (Outcome.BAD_REQUEST, "an id that is none"),
    "2170": (Outcome.BAD_REQUEST, "a word that the field does not know"),
    "2500": (Outcome.BAD_REQUEST, "it refers to something that is not there"),
    "6000": (Outcome.BAD_REQUEST, "a business rule forbids it"),
    "6070": (Outcome.BAD_REQUEST, "the amounts do not add up"),
    "6190": (Outcome.BAD_REQUEST, "the company's subscription ended: it can be read only"),
    "6210": (Outcome.BAD_REQUEST, "the period is closed in the books"),
    "6540": (Outcome.BAD_REQUEST, "it was deposited and cannot be changed"),
    "600": (Outcome.BAD_REQUEST, "the request id was used for something else"),
    "1040": (Outcome.BAD_REQUEST, "the batch is too big"),
    "4000": (Outcome.BAD_REQUEST, "the statement cannot be parsed"),
    "4001": (Outcome.BAD_REQUEST, "the statement is not valid"),
    "500": (Outcome.BAD_REQUEST, "the operation is not supported"),
    "10100": (Outcome.BAD_REQUEST, "the report is too large: ask for a shorter period"),
    "invalid_grant": (Outcome.NEEDS_PERSON, "the consent ended or was used already; connect again"),
    "invalid_client": (Outcome.BAD_CREDENTIALS, "the app's client id or secret is wrong"),
    "unauthorized_client": (Outcome.BAD_CREDENTIALS, "the app's keys may not do this"),
    "invalid_request": (Outcome.BAD_REQUEST, "the token request is wrong"),
    "unsupported_grant_type": (Outcome.BAD_REQUEST, "the token request is wrong"),
}
"""Codes and what they are; leading zeros are not written."""
DUPLICATES = {"6140": ("DocNumber",), "6240": ("DisplayName", "Name")}
"""What of the body is used already."""
AGAIN = "read it again and repeat with its SyncToken and a new idempotency key"
THROTTLED, SYSTEM_CODE = "3001", 10_000
"""Codes from the second on are failures on Intuit's side, but for those in the table and for a 4xx that says `ValidationFault`."""
WITHOUT_CODE: dict[int, tuple[Outcome, str]] = {
    401: (Outcome.TOKEN_EXPIRED, "the access token is not accepted"),
    403: (Outcome.NEEDS_PERSON, "the consent does not reach this far; connect it again"),
    404: (
        Outcome.NEEDS_PERSON,
        "no such company here, or the other environment's; connect it again",
    ),
    429: (Outcome.RATE_LIMITED, "too many calls"),
}
WITHOUT_CODE_OAUTH: dict[int, tuple[Outcome, str]] = {
    401: OUTCOMES["invalid_client"],
    403: (Outcome.BAD_CREDENTIALS, "the app's keys may not do this"),
    429: (Outcome.RATE_LIMITED, "too many calls"),
}
TOO_LONG = (413, 414)
"""A request that was longer than somebody on the way takes, whoever says so."""
NEW = timedelta(minutes=5)
"""So long after its renewal a token is not refused for its age."""
REFUSED_NEW_MAX, REFUSED_FOR = 3, timedelta(minutes=2)
"""So many new tokens in a row, for so long, are not refused by mistake."""
PAUSE, PAUSE_AGAIN, PAUSE_MAX = timedelta(seconds=60), timedelta(minutes=3), timedelta(hours=1)
"""How long a throttled company is left alone; the first is Intuit's own advice where no Retry-After came."""

_ONE_CALL = frozenset(
    {
        *(Outcome.NOT_FOUND, Outcome.CONFLICT, Outcome.BAD_REQUEST),
        *(Outcome.NOT_SENT, Outcome.NO_ANSWER, Outcome.UNREADABLE, Outcome.TRY_AGAIN),
    }
)
_OF_CALLERS = frozenset(
    name for name, endpoint in ENDPOINTS.items() if endpoint.is_callable or endpoint.is_write
)
_BODY_MAX = 65_536
SHOWN_MAX = 100
_INSIDE = re.compile(rb'"[Ff]ault"\s*:(?!\s*null)')
"""The name of a part that is a fault, and no text: there its quotes would be escaped. Envelopes of success may have a null one."""
_XML_CODE = re.compile(rb"<(?:Error)\b[^>]{0,200}?\bcode=[\"'](\d{1,6})[\"']")
_IN_MESSAGE = re.compile(r"errorCode=(\d{1,6})")
_CODE = re.compile(r"\d{1,6}")
_ELEMENT = re.compile(
    r"[A-Za-z]\w{0,29}(?:\[\d{1,4}\])?(?:\.[A-Za-z]\w{0,29}(?:\[\d{1,4}\])?){0,4}", re.ASCII
)
"""The name of a field, such as `Line[0].AccountRef`; no token or sentence is one."""
_WORD = re.compile(r"[a-z_]{1,40}")
_REQUEST_ID = re.compile(r"[\w.-]{1,80}")


@dataclass(frozen=True, slots=True)
class Fault:
    """An error body taken apart. `code` is "" where none was found; `is_page`: HTML, so some proxy's.

    `element`: the field that it is about, "" where it names none.
    """

    code: str = ""
    is_validation: bool = False
    is_page: bool = False
    element: str = ""


def is_refused(response: Response) -> bool:
    """Whether an answer refuses what was asked for, or a part of it: by its status, or by a fault inside a success.

    Every reader of an answer asks this first."""
    return not 200 <= response.status < 300 or _INSIDE.search(response.body) is not None


def fault_of(body: bytes) -> Fault:
    """What an error body says, whatever its form."""
    head = body if _INSIDE.search(body) else body[:_BODY_MAX].lstrip()
    if head.startswith(b"<"):
        found = _XML_CODE.search(head)
        code = _plain(found.group(1).decode()) if found else ""
        return Fault(code, b'"ValidationFault"' in head, is_page=found is None)
    try:
        said = json.loads(head) if head else None
    except (ValueError, RecursionError):
        return Fault(is_page=True)
    if not isinstance(said, Mapping):
        return Fault()
    word = said.get("error")
    if isinstance(word, str):
        return Fault(word if _WORD.fullmatch(word) else "")
    try:
        fault = _fault_in(said)
    except RecursionError:
        return Fault(is_page=True)
    return _fault(fault) if isinstance(fault, Mapping) else Fault()


def _fault_in(said: object) -> object:
    """The first fault in an answer, however deep; None where there is none."""
    if isinstance(said, Mapping):
        if fault := said.get("Fault") or said.get("fault"):
            return fault
        said = list(said.values())
    found = map(_fault_in, said) if isinstance(said, list) else ()
    return next(filter(None, found), None)


def _fault(fault: Mapping[str, object]) -> Fault:
    errors = fault.get("Error") or fault.get("error")
    first = errors[0] if isinstance(errors, list) and errors else {}
    kind = fault.get("type")
    is_validation = isinstance(kind, str) and kind.lower() == "validationfault"
    if not isinstance(first, Mapping):
        return Fault(is_validation=is_validation)
    code, element = first.get("code"), first.get("element")
    if not (isinstance(element, str) and _ELEMENT.fullmatch(element)):
        element = ""
    if isinstance(code, str) and _CODE.fullmatch(code):
        return Fault(_plain(code), is_validation, element=element)
    found = _IN_MESSAGE.search(str(first.get("Message") or first.get("message") or "")[:500])
    return Fault(_plain(found.group(1)) if found else "", is_validation, element=element)


def _plain(code: str) -> str:
    return code.lstrip("0") or "0"


def remote_request_id(response: Response) -> str:
    """Intuit's id of the call, for its support; recorded with `-` and with `_`."""
    for name, value in response.headers.items():
        if name.lower().replace("-", "_") == "intuit_tid":
            return value if _REQUEST_ID.fullmatch(value) else ""
    return ""


def refused(look: Look, response: Response, state: ConnectionState) -> Failure:
    """The failure that an answer is which refuses (`is_refused`)."""
    fault = fault_of(response.body)
    outcome, why = _judged(look, response.status, fault)
    code = fault.code or f"HTTP_{response.status}"
    if outcome is Outcome.TOKEN_EXPIRED:
        outcome, why, state = _token_refused(why, state, response.received_at)
    if code == "6190":
        state = facts.learnt(state, {facts.READ_ONLY: True})
    if fault.element and outcome is Outcome.BAD_REQUEST:
        why = f"{why}: {fault.element}".removeprefix(": ")
    at = response.received_at
    failure = failed(look, outcome, f"{code}: {why}" if why else code, at, state)
    failure = replace(failure, advice=_advice(look, code))
    if outcome is Outcome.RATE_LIMITED:
        until = at + _pause(response, failure.state.failures)
        failure = replace(failure, state=replace(failure.state, retry_at=until))
    return replace(failure, remote_request_id=remote_request_id(response))


def _advice(look: Look, code: str) -> str:
    """What whoever wrote does next. It may quote what they sent, so it is told and not kept."""
    if not ENDPOINTS[look.endpoint].is_write:
        return ""
    if code == "5010":
        return AGAIN
    for field in DUPLICATES.get(code, ()):
        value = (look.body or {}).get(field)
        if isinstance(value, str) and value.isprintable() and 0 < len(value) <= SHOWN_MAX:
            entity = str(look.arguments.get("entity") or "")[:SHOWN_MAX]
            return f"{field} {value!r} is taken: find who has it with `query` ({entity}), or write another"
    return "find who has it with `query`, or write another" if code in DUPLICATES else ""


def _judged(look: Look, status: int, fault: Fault) -> tuple[Outcome, str]:
    """By the code, else by the status. What a write did behind a failure on Intuit's side nobody knows."""
    endpoint = ENDPOINTS[look.endpoint]
    is_system = status >= 500 and fault.code != THROTTLED
    if fault.code.isdigit() and fault.code not in OUTCOMES and int(fault.code) >= SYSTEM_CODE:
        is_system |= not (fault.is_validation and 400 <= status < 500)
    if is_system:
        if endpoint.is_write:
            return Outcome.NO_ANSWER, "Intuit failed; it may have been done"
        return Outcome.TRY_AGAIN, "Intuit failed"
    if fault.code in OUTCOMES:
        return OUTCOMES[fault.code]
    by_status = WITHOUT_CODE_OAUTH if endpoint.host else WITHOUT_CODE
    if look.endpoint == "report.get" and status == 404:
        return Outcome.NOT_FOUND, "no such report"
    if status in by_status and (not fault.is_page or status in (401, 429)):
        return by_status[status]
    is_ours = 400 <= status < 500 and (not fault.is_page or status in TOO_LONG)
    return (Outcome.BAD_REQUEST, "") if is_ours else (Outcome.UNREADABLE, "")


def _token_refused(
    why: str, state: ConnectionState, at: datetime
) -> tuple[Outcome, str, ConnectionState]:
    """Renewed at once; a token that is refused right after its renewal is no matter of its age: a hiccup of Intuit's,
    or the company is out of reach though its consent is not, which only several of them in a row tell. One whose first
    answers were unreadable for a while may have been good and have ended since: it is renewed again."""
    renewed_at = facts.moment(facts.word(state, facts.RENEWED_AT))
    is_new = renewed_at is not None and at - renewed_at < NEW
    token, refused = facts.token(state), facts.Token(facts.TOKEN_REFUSED)
    if token.name == facts.TOKEN_RENEWED and is_new:
        since = token.since or at
        refused = facts.Token(facts.TOKEN_REFUSED, token.refused_new + 1, since)
        if refused.refused_new >= REFUSED_NEW_MAX and at - since >= REFUSED_FOR:
            return Outcome.NEEDS_PERSON, "new access tokens are not accepted either", state
    return Outcome.TOKEN_EXPIRED, why, facts.with_token(state, refused)


def _pause(response: Response, failures: int) -> timedelta:
    """`Retry-After` in seconds where it came; it is undocumented. While it goes on a pause is longer than a person is
    kept waiting for, so that they hear what is known."""
    told = PAUSE
    for name, value in response.headers.items():
        if name.lower() == "retry-after" and value.isascii() and value.isdecimal():
            told = min(timedelta(seconds=int(value[:9])), PAUSE_MAX)
    return told if failures <= 1 else max(told, PAUSE_AGAIN)


def failed(
    look: Look, outcome: Outcome, detail: str, at: datetime, state: ConnectionState
) -> Failure:
    """The failure, with the state after it. An unfinished reading goes on where it was.

    What is wrong with one call that somebody asked for keeps nothing else waiting.
    """
    is_callers = look.endpoint in _OF_CALLERS and not look.is_page
    if is_callers and outcome in _ONE_CALL:
        return Failure(outcome, detail, state)
    return Failure(outcome, detail, state.after(outcome, detail, at))
