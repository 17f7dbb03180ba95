"""The gate: every request to a company passes it in the same order, and every answer leaves by it.

token -> realm -> month -> limits -> faults before the effect -> requestid -> the work -> meter -> faults after it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from rowcol.sandbox.qbo import operations
from rowcol.sandbox.qbo.emulator import QboEmulator
from rowcol.sandbox.qbo.errors import QboError, auth_fault, fault, throttle_json, throttle_xml
from rowcol.sandbox.qbo.faults import AFTER_EFFECT, CODED, Fault
from rowcol.sandbox.qbo.meter import Served
from rowcol.sandbox.qbo.operations import Wish
from rowcol.sandbox.qbo.tokens import ACCOUNTING
from rowcol.sandbox.qbo.values import Json, encode
from rowcol.sandbox.qbo.wire import JSON, Answer, Asked

PREFIX: Final = "/v3/company/"
VERSION: Final = "1988.128"
PAGE: Final = b"<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>"
_PLAIN: Final = {
    Fault.ERROR_502: (502, PAGE, "text/html"),
    Fault.ERROR_504: (504, b"", JSON),
    Fault.HTML_503: (503, PAGE, "text/html"),
}
_THROTTLED: Final = {
    Fault.FORBIDDEN_THROTTLE: (403, "json"),
    Fault.THROTTLE_JSON: (429, "json"),
    Fault.THROTTLE_XML: (429, "xml"),
}


async def pass_through(emulator: QboEmulator, asked: Asked) -> Answer:
    """Answer one request below `/v3/company/`, errors included."""
    emulator.n_requests += 1
    now = emulator.clock.now()
    realm_id, _, rest = asked.path.removeprefix(PREFIX).partition("/")
    try:
        wish = operations.understand(asked, rest)
    except QboError as error:
        wish = Wish("unknown")
        answer, client_id = _refuse(emulator, realm_id, error), ""
        refused = _check_token(emulator, asked, realm_id, now)
        answer = refused if isinstance(refused, Answer) else answer
    else:
        answer, client_id = _serve(emulator, asked, realm_id, wish, now)
    return await _leave(emulator, asked, wish, answer, (realm_id, client_id, now))


def _serve(
    emulator: QboEmulator, asked: Asked, realm_id: str, wish: Wish, now: datetime
) -> tuple[Answer, str]:
    client_id = _check_token(emulator, asked, realm_id, now)
    if isinstance(client_id, Answer):
        return client_id, ""
    switches = emulator.switches
    is_full = emulator.meter.is_blocked(now)
    if is_full or emulator.limits.admit(realm_id, client_id, wish.operation, now) is not None:
        status, spelling = switches.throttle_status, switches.throttle_body
        return _throttle(emulator, realm_id, status, spelling), client_id
    struck = emulator.faults.take(realm_id, wish.operation, now)
    if struck is not None and struck not in AFTER_EFFECT:
        return failure(emulator, realm_id, struck), client_id
    answer = _work(emulator, asked, realm_id, wish, client_id)
    if struck is not None:
        answer.headers["x-fault"] = struck.value
    return answer, client_id


def _work(emulator: QboEmulator, asked: Asked, realm_id: str, wish: Wish, client_id: str) -> Answer:
    company = emulator.companies[realm_id]
    now = emulator.clock.now()
    request_id = asked.query.get("requestid") if asked.method == "POST" else None
    content = b"%s %s %s" % (asked.path.encode(), wish.operation.encode(), asked.body)
    try:
        if request_id:
            kept = emulator.replays.find(realm_id, request_id, content, now)
            if kept is not None:
                return Answer(200, kept)
        shape = operations.perform(wish, asked, company, client_id)
    except QboError as error:
        return _refuse(emulator, realm_id, error)
    body = encode(shape | {"time": company.clock.time()})
    if request_id:
        emulator.replays.keep(realm_id, request_id, content, body, now)
    return Answer(200, body)


async def _leave(
    emulator: QboEmulator,
    asked: Asked,
    wish: Wish,
    answer: Answer,
    who: tuple[str, str, datetime],
) -> Answer:
    realm_id, client_id, at = who
    is_ok = 200 <= answer.status < 300
    units = operations.units(wish, asked, emulator.switches) if is_ok else 0
    entities = () if wish.operation == "unknown" else operations.entities_of(wish, asked)
    answer.headers["intuit_tid"] = new_tid(emulator)
    answer.headers["QBO-Version"] = VERSION
    struck = answer.headers.pop("x-fault", None)
    if struck is not None:
        fault_kind = Fault(struck)
        # A 2xx that is lost on the road was metered; an error in its place was not.
        units = 0 if fault_kind in {Fault.COMMIT_THEN_500, Fault.SLOW} else units
        answer = _spoilt(emulator, realm_id, fault_kind, answer)
    status = 0 if answer.is_dropped else answer.status
    # Before the wait of a slow answer: the meter counts in the order in which requests came.
    emulator.meter.record(Served(at, realm_id, wish.operation, entities, status, units, client_id))
    await _hold(emulator, struck)
    return answer


def new_tid(emulator: QboEmulator) -> str:
    """`1-<8 hex>-<24 hex>`, new for every answer."""
    text = emulator.dice.guid("tid", emulator.n_requests).replace("-", "")
    return f"1-{text[:8]}-{text[8:]}"


def failure(emulator: QboEmulator, realm_id: str | None, struck: Fault) -> Answer:
    """The answer of a fault that strikes before the effect."""
    if struck in _THROTTLED:
        status, spelling = _THROTTLED[struck]
        return _throttle(emulator, realm_id, status, spelling)
    if struck is Fault.UNAUTHORIZED:
        return unauthorized(emulator, "Token expired")
    if struck is Fault.NO_ANSWER:
        return Answer(0, b"", is_dropped=True)
    if struck in CODED:
        return _coded(emulator, realm_id, struck)
    if struck in _PLAIN:
        return Answer(*_PLAIN[struck])
    body: Json = {
        "Fault": fault(
            "10000", "An application error has occurred", "Try again later", "SystemFault"
        ),
        "time": time_of(emulator, realm_id),
    }
    return Answer(int(struck.value.removeprefix("error_")), encode(body))


async def spoil(
    emulator: QboEmulator, realm_id: str | None, struck: Fault, answer: Answer
) -> Answer:
    """What the client gets of an answer whose effect has happened, and when."""
    await _hold(emulator, struck)
    return _spoilt(emulator, realm_id, struck, answer)


async def _hold(emulator: QboEmulator, struck: str | None) -> None:
    if struck == Fault.SLOW:
        wait = timedelta(seconds=emulator.faults.slow_s)
        await emulator.clock.sleep_until(emulator.clock.now() + wait)


def _spoilt(emulator: QboEmulator, realm_id: str | None, struck: Fault, answer: Answer) -> Answer:
    if struck is Fault.COMMIT_THEN_DROP:
        answer.is_dropped = True
    elif struck is Fault.HTML:
        answer.body, answer.content_type = PAGE, "text/html"
    elif struck is Fault.NOT_JSON:
        answer.body, answer.content_type = b"upstream connect error", "text/plain"
    elif struck is Fault.TRUNCATED:
        answer.body = answer.body[: len(answer.body) // 2]
    elif struck is Fault.COMMIT_THEN_500:
        return failure(emulator, realm_id, Fault.ERROR_500)
    elif struck is Fault.SLOW:
        return failure(emulator, realm_id, Fault.ERROR_504)
    return answer


def unauthorized(
    emulator: QboEmulator, detail: str | None, code: str = "3200", status: int = 401
) -> Answer:
    """The lower-case envelope."""
    time_ms = int(emulator.clock.now().timestamp() * 1000)
    body = encode(auth_fault(code, status, time_ms, detail))
    headers = {"WWW-Authenticate": 'Bearer realm="Intuit", error="invalid_token"'}
    return Answer(status, body, "application/json", headers)


def time_of(emulator: QboEmulator, realm_id: str | None) -> str:
    company = emulator.companies.get(realm_id or "")
    return emulator.clock.now().isoformat() if company is None else company.clock.time()


def _check_token(emulator: QboEmulator, asked: Asked, realm_id: str, now: datetime) -> str | Answer:
    """The app's id, or the refusal."""
    scheme, _, token = asked.headers.get("authorization", "").partition(" ")
    access = emulator.tokens.access(token, now) if scheme.lower() == "bearer" else None
    if access is None:
        return unauthorized(emulator, f"Token expired: {token[:12]}" if token else None)
    if realm_id not in emulator.companies:
        return Answer(404, b"")
    if access.grant.realm_id != realm_id:
        return unauthorized(emulator, None, "3100", emulator.switches.wrong_company_status)
    if ACCOUNTING not in access.grant.scopes:
        return Answer(403, b"")
    return access.grant.client_id


def _throttle(emulator: QboEmulator, realm_id: str | None, status: int, spelling: str) -> Answer:
    time = time_of(emulator, realm_id)
    retry_after = emulator.switches.retry_after
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if spelling == "xml":
        return Answer(status, throttle_xml(status, time), "application/xml", headers)
    body = encode({"Fault": throttle_json(status), "time": time})
    return Answer(status, body, headers=headers)


def _coded(emulator: QboEmulator, realm_id: str | None, struck: Fault) -> Answer:
    coded = CODED[struck]
    if coded.type is None:
        return unauthorized(emulator, None, coded.code, coded.status)
    error = QboError(
        coded.code,
        coded.about,
        status=coded.status,
        element=coded.element,
        fault_type=coded.type,
    )
    return _refuse(emulator, realm_id, error, coded.inside)


def _refuse(
    emulator: QboEmulator, realm_id: str | None, error: QboError, inside: str = ""
) -> Answer:
    told: Json = {"Fault": error.fault()}
    body = ({inside: told} if inside else told) | {"time": time_of(emulator, realm_id)}
    return Answer(error.status, encode(body))
