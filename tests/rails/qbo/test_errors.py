"""Errors: every documented code has its one outcome, in whatever form and with whatever status it comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.outcome import RULES, Billed, Outcome
from rowcol.core.plan import PERSON_WAITS
from rowcol.core.rail import Failure, Look, Renewed
from rowcol.core.wire import Response
from rowcol.rails.qbo.errors import OUTCOMES, fault_of
from tests.rails.qbo import kit

RAIL = kit.RAIL
CDC, WRITE = Look("cdc", {"entities": "Bill"}), Look("entity.create", {"entity": "Bill"})
XML = (
    b'<?xml version="1.0"?><IntuitResponse time="t" xmlns="http://schema.intuit.com/finance/v3">'
    b'<Fault type="SERVICE"><Error code="%s"><Message>m</Message></Error></Fault></IntuitResponse>'
)
DOCUMENTED = """
401 3200 TOKEN_EXPIRED
401 3100 NEEDS_PERSON
400 3201 NEEDS_PERSON
401 120 NEEDS_PERSON
403 3001 RATE_LIMITED
429 3001 RATE_LIMITED
400 610 NOT_FOUND
400 5010 CONFLICT
400 6140 BAD_REQUEST
400 6240 BAD_REQUEST
400 2020 BAD_REQUEST
400 2170 BAD_REQUEST
400 2500 BAD_REQUEST
400 6000 BAD_REQUEST
400 6070 BAD_REQUEST
400 6190 BAD_REQUEST
400 6210 BAD_REQUEST
400 6540 BAD_REQUEST
400 600 BAD_REQUEST
400 1040 BAD_REQUEST
400 4000 BAD_REQUEST
400 4001 BAD_REQUEST
400 9999 BAD_REQUEST
400 10100 BAD_REQUEST
503 3001 RATE_LIMITED
500 10000 TRY_AGAIN
400 10001 TRY_AGAIN
"""
"""Section 7 of the fact sheet: status, code, ours."""
ROWS = [tuple(line.split()) for line in DOCUMENTED.split("\n") if line]


def refuse(answer: Response, look: Look = CDC, state: ConnectionState | None = None) -> Failure:
    return kit.failed(RAIL.read(look, answer, kit.state() if state is None else state))


@pytest.mark.parametrize(("status", "code", "outcome"), ROWS)
@pytest.mark.parametrize("form", ["Fault", "fault", "xml", "message"])
def test_a_code_decides(status: str, code: str, outcome: str, form: str) -> None:
    lower = {"error": [{"message": "m secret-text", "code": code.zfill(6)}], "type": "SERVICE"}
    told = {"Error": [{"Message": f"message=X; errorCode={code.zfill(6)}; statusCode=1"}]}
    kind = "SystemFault" if int(code) >= 10_000 else "ValidationFault"
    answers = {
        "Fault": kit.fault(code, int(status), kind),
        "fault": kit.response({"fault": lower, "time": 1}, int(status)),
        "xml": kit.response(XML % code.encode(), int(status)),
        "message": kit.response({"Fault": told}, int(status)),
    }
    failure = refuse(answers[form])
    assert failure.outcome is Outcome(outcome)
    assert failure.detail.startswith(code)
    assert "secret-text" not in failure.detail
    assert RULES[failure.outcome].billed is Billed.NO


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (401, b"", Outcome.TOKEN_EXPIRED),
        (403, b"", Outcome.NEEDS_PERSON),
        (404, b"", Outcome.NEEDS_PERSON),
        (404, b"<html>proxy</html>", Outcome.UNREADABLE),
        (429, b"<html>proxy</html>", Outcome.RATE_LIMITED),
        (502, b"<html>proxy</html>", Outcome.TRY_AGAIN),
        (504, b"", Outcome.TRY_AGAIN),
        (400, b"{}", Outcome.BAD_REQUEST),
        (400, b'{"Fault":{"Error":[]}}', Outcome.BAD_REQUEST),
        (302, b"", Outcome.UNREADABLE),
        (400, b"no json", Outcome.UNREADABLE),
    ],
)
def test_without_a_code_the_status_decides(status: int, body: bytes, outcome: Outcome) -> None:
    failure = refuse(kit.response(body, status))
    assert failure.outcome is outcome
    assert failure.detail.startswith(f"HTTP_{status}")


def test_a_parked_company_says_what_to_do() -> None:
    failure = refuse(kit.fault("3100", 403))
    assert failure.state.health is Health.NEEDS_RECONNECT
    assert "connect it again" in failure.state.health_reason
    assert RAIL.free_look(failure.state, kit.wanted()) is None


@pytest.mark.parametrize(
    ("header", "pause_s"),
    [
        (None, 60),
        ("30", 30),
        ("0", 0),
        ("86400", 3600),
        ("9" * 40, 3600),
        ("soon", 60),
        ("-5", 60),
        ("²", 60),
    ],
)
def test_a_throttle_waits_as_it_is_told(header: str | None, pause_s: int) -> None:
    told = {} if header is None else {"Retry_After": header}
    failure = refuse(kit.fault("3001", 429, **told))
    assert failure.state.retry_at == kit.NOW + timedelta(seconds=pause_s)
    assert failure.state.health is Health.OK


@pytest.mark.parametrize(("header", "pause_s"), [(None, 180), ("30", 180), ("600", 600)])
def test_while_it_goes_on_nobody_is_kept_waiting(header: str | None, pause_s: int) -> None:
    told = {} if header is None else {"Retry_After": header}
    failure = refuse(kit.fault("3001", 429, **told), state=kit.state(failures=7))
    assert failure.state.retry_at == kit.NOW + timedelta(seconds=pause_s)
    assert timedelta(seconds=pause_s) > PERSON_WAITS


def refused_and_renewed(state: ConnectionState, at: datetime) -> Failure | ConnectionState:
    """A call refused at that time, and the token renewed if that helps."""
    failure = RAIL.read(CDC, replace(kit.fault("3200", 401), sent_at=at, received_at=at), state)
    assert isinstance(failure, Failure)
    if failure.outcome is not Outcome.TOKEN_EXPIRED:
        return failure
    look = RAIL.renewal(kit.token(), failure.state, at)
    assert look is not None
    answer = replace(kit.exchange("token.refresh.same").response, sent_at=at, received_at=at)
    renewed = RAIL.read_renewal(look, answer, kit.token(), failure.state)
    assert isinstance(renewed, Renewed)
    return renewed.state


@pytest.mark.parametrize(("apart_s", "calls"), [(60, 4), (1, 122), (200, 4)])
def test_new_tokens_refused_for_minutes_are_no_hiccup(apart_s: int, calls: int) -> None:
    """The first refusal is of the old token; the third new one parks, but not before two minutes went by."""
    state, at, made = kit.state(), kit.NOW, 0
    while True:
        found, made = refused_and_renewed(state, at), made + 1
        if isinstance(found, Failure):
            break
        state, at = found, at + timedelta(seconds=apart_s)
    assert (found.outcome, made) == (Outcome.NEEDS_PERSON, calls)
    assert found.state.health is Health.NEEDS_RECONNECT


def test_one_good_answer_starts_the_count_anew_and_ends_what_only_it_can() -> None:
    since = (kit.NOW - timedelta(minutes=3)).isoformat()
    told = {"token": f"renewed 2 {since}", "renewed_at": kit.NOW.isoformat()}
    parked = refuse(kit.fault("3200", 401), state=kit.state(facts=told))
    assert parked.outcome is Outcome.NEEDS_PERSON
    call = Look("entity.get", {"entity": "Bill", "id": "1"})
    good = kit.reading(RAIL.read(call, kit.response({"Bill": kit.row(1)}), parked.state)).state
    assert good.health is Health.OK
    assert refuse(kit.fault("3200", 401), state=good).outcome is Outcome.TOKEN_EXPIRED


def test_a_token_is_renewed_once() -> None:
    first = refuse(kit.fault("3200", 401))
    assert first.outcome is Outcome.TOKEN_EXPIRED
    assert RAIL.renewal(kit.token(), first.state, kit.NOW) == Look("token.refresh")
    assert refuse(kit.fault("3200", 401), state=first.state).outcome is Outcome.TOKEN_EXPIRED
    renewed = kit.state(facts={"token": "renewed", "renewed_at": kit.NOW.isoformat()})
    second = refuse(kit.fault("3200", 401), state=renewed)
    assert second.outcome is Outcome.TOKEN_EXPIRED
    assert second.state.facts["token"] == f"refused 1 {kit.NOW.isoformat()}"
    long_ago = (kit.NOW - timedelta(minutes=20)).isoformat()
    unread = kit.state(facts={"token": "renewed", "renewed_at": long_ago})
    assert refuse(kit.fault("3200", 401), state=unread).outcome is Outcome.TOKEN_EXPIRED
    answer = kit.response(kit.changes({}))
    assert "token" not in kit.reading(RAIL.read(CDC, answer, renewed)).state.facts


@pytest.mark.parametrize("code", ["610", "5010", "6140", "6190"])
def test_one_write_that_fails_keeps_nothing_waiting(code: str) -> None:
    failure = refuse(kit.fault(code), WRITE)
    assert (failure.state.retry_at, failure.state.failures) == (None, 0)
    assert failure.state.facts.get("is_read_only") is (True if code == "6190" else None)


def test_what_a_write_did_behind_a_failure_nobody_knows() -> None:
    for answer in (kit.fault("10000", 500), kit.response(b"", 504)):
        assert refuse(answer, WRITE).outcome is Outcome.NO_ANSWER
        assert refuse(answer, CDC).outcome is Outcome.TRY_AGAIN


@pytest.mark.parametrize("code", sorted(OUTCOMES.keys() - {"3001"}))
def test_at_5xx_intuit_failed_whatever_the_code(code: str) -> None:
    """3100 and 3200 were answered to good connections in outages. Had: one such answer parked the company for ever, and
    a write that was done was told as refused."""
    answer = kit.response({"error": code}, 500) if code.isalpha() else kit.fault(code, 500)
    read, write = refuse(answer), refuse(answer, WRITE)
    assert (read.outcome, read.state.health) == (Outcome.TRY_AGAIN, Health.OK)
    assert (write.outcome, write.state.failures) == (Outcome.NO_ANSWER, 0)


@pytest.mark.parametrize("code", ["10100", "10999"])
@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_request_that_is_not_valid_is_no_failure_of_intuits(code: str, form: str) -> None:
    xml = XML.replace(b"SERVICE", b"ValidationFault") % code.encode()
    answer = kit.fault(code) if form == "json" else kit.response(xml, 400)
    failure = refuse(answer, Look("report.get", {"report": "ProfitAndLoss"}))
    assert failure.outcome is Outcome.BAD_REQUEST
    assert ("shorter period" in failure.detail) == (code == "10100")


def test_a_report_that_fails_keeps_nothing_waiting() -> None:
    """Had: six refused reports held the whole company up for 32 minutes."""
    report = Look("report.get", {"report": "ProfitAndLoss"})
    for answer in (kit.fault("10100"), kit.response(b"", 504), kit.fault("6002", 504)):
        failure = refuse(answer, report)
        assert (failure.state.retry_at, failure.state.failures) == (None, 0)
    throttled = refuse(kit.fault("3001", 429), report)
    assert throttled.state.retry_at is not None


def test_a_report_that_is_none_is_no_missing_company() -> None:
    failure = refuse(kit.response(b"", 404), Look("report.get", {"report": "Nothing"}))
    assert failure.outcome is Outcome.NOT_FOUND
    assert failure.state.health is Health.OK


@pytest.mark.parametrize("name", ["intuit_tid", "intuit-tid", "Intuit-Tid"])
def test_the_id_for_intuits_support_is_kept(name: str) -> None:
    answer = Response(400, {name: "1-5f73-a"}, b"{}", kit.NOW, kit.NOW)
    assert refuse(answer).remote_request_id == "1-5f73-a"
    assert refuse(Response(400, {name: "a b"}, b"{}", kit.NOW, kit.NOW)).remote_request_id == ""


def test_large_and_nested_bodies_are_no_faults() -> None:
    for body in (b"[" * 100_000, b"<Error " + b"x" * 1_000_000, b'{"Fault": 1}', b'{"error": {}}'):
        assert fault_of(body).code == ""


def test_every_text_is_short_and_says_something() -> None:
    assert all(0 < len(why) < 100 for _, why in OUTCOMES.values())


@pytest.mark.parametrize(
    ("element", "said"),
    [
        ("Line[0].AccountRef", ": Line[0].AccountRef"),
        ("VendorRef", ": VendorRef"),
        ("", ""),
        (None, ""),
        (7, ""),
        ("two words", ""),
        ("a\x1b[31m", ""),
        ("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4Q0JDIn0.b", ""),
        ("x" * 31, ""),
        (".".join("abcdef"), ""),
    ],
)
def test_the_field_that_is_missing_is_named(element: object, said: str) -> None:
    told = {"Message": "secret-text", "code": "2020", "element": element}
    answer = kit.response({"Fault": {"Error": [told], "type": "ValidationFault"}}, 400)
    assert refuse(answer, WRITE).detail == f"2020: a field is missing{said}"


def test_a_write_that_failed_says_what_to_do() -> None:
    again = refuse(kit.fault("5010"), WRITE)
    assert "read it again and repeat with its SyncToken and a new idempotency key" in again.advice
    vendor = Look("entity.create", {"entity": "Vendor"}, body={"DisplayName": "Bolt & Nut"})
    taken = refuse(kit.fault("6240"), vendor)
    assert "DisplayName 'Bolt & Nut' is taken" in taken.advice
    assert "Bolt" not in taken.detail, "what is kept quotes nothing that was sent"
    bill = Look("entity.create", {"entity": "Bill"}, body={"DocNumber": "1001"})
    assert "DocNumber '1001' is taken" in refuse(kit.fault("6140"), bill).advice
    for body in (None, {"DocNumber": 7}, {"DocNumber": "x" * 101}, {"DocNumber": "\n"}):
        told = refuse(kit.fault("6140"), Look("entity.create", {"entity": "Bill"}, body=body))
        assert told.advice == "find who has it with `query`, or write another"
    assert refuse(kit.fault("5010"), Look("entity.get", {"entity": "Bill", "id": "1"})).advice == ""
    assert refuse(kit.fault("2020"), WRITE).advice == ""
