"""Errors: every documented code has its outcome, and none stops what still works."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rowcol.core.evidence import Health
from rowcol.core.outcome import RULES, Billed, Outcome
from rowcol.core.rail import CannotHelp, Failure, Look, Want
from rowcol.rails.plaid import facts
from rowcol.rails.plaid.errors import BY_TYPE, OUTCOMES, RESTARTS_MAX, failed, refused
from rowcol.rails.plaid.looks import free_look, paid_look
from tests.rails.plaid import kit

DOCUMENTED = """
INVALID_REQUEST MISSING_FIELDS UNKNOWN_FIELDS INVALID_FIELD INVALID_BODY INVALID_HEADERS NOT_FOUND SANDBOX_ONLY
INVALID_INPUT INVALID_API_KEYS INVALID_ACCESS_TOKEN INVALID_PUBLIC_TOKEN INVALID_ACCOUNT_ID INVALID_INSTITUTION
INVALID_INPUT INVALID_PRODUCT UNAUTHORIZED_ENVIRONMENT ADDITIONAL_CONSENT_REQUIRED
INVALID_INPUT INVALID_WEBHOOK_VERIFICATION_KEY_ID INVALID_LINK_TOKEN
INVALID_RESULT LAST_UPDATED_DATETIME_OUT_OF_RANGE
ITEM_ERROR ITEM_LOGIN_REQUIRED PASSWORD_RESET_REQUIRED USER_SETUP_REQUIRED ITEM_LOCKED ACCESS_NOT_GRANTED
ITEM_ERROR INSUFFICIENT_CREDENTIALS ITEM_NOT_FOUND ITEM_CONCURRENTLY_DELETED NO_ACCOUNTS ITEM_NOT_SUPPORTED
ITEM_ERROR PRODUCT_NOT_READY PRODUCTS_NOT_SUPPORTED PRODUCT_NOT_ENABLED
INSTITUTION_ERROR INSTITUTION_DOWN INSTITUTION_NOT_RESPONDING INSTITUTION_NOT_AVAILABLE
INSTITUTION_ERROR INSTITUTION_NO_LONGER_SUPPORTED UNAUTHORIZED_INSTITUTION INSTITUTION_REGISTRATION_REQUIRED
INSTITUTION_ERROR UNSUPPORTED_RESPONSE
TRANSACTIONS_ERROR TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION
RATE_LIMIT_EXCEEDED BALANCE_LIMIT ACCOUNTS_BALANCE_GET_LIMIT ACCOUNTS_LIMIT ITEM_GET_LIMIT RATE_LIMIT
RATE_LIMIT_EXCEEDED TRANSACTIONS_SYNC_LIMIT TRANSACTIONS_REFRESH_LIMIT TRANSACTIONS_LIMIT
RATE_LIMIT_EXCEEDED INSTITUTIONS_GET_BY_ID_LIMIT INSTITUTIONS_GET_LIMIT
RATE_LIMIT_EXCEEDED INSTITUTION_RATE_LIMIT CREDITS_EXHAUSTED TRIAL_CONNECTION_LIMIT
API_ERROR INTERNAL_SERVER_ERROR PLANNED_MAINTENANCE
SANDBOX_ERROR SANDBOX_PRODUCT_NOT_ENABLED SANDBOX_WEBHOOK_INVALID
"""
"""Plaid's documented errors: type, then its codes."""
PAIRS = [
    (kind, code)
    for kind, *codes in (line.split() for line in DOCUMENTED.strip().splitlines())
    for code in codes
]
LIVE, ITEM = Look("accounts.balance.get"), Look("item.get")
SYNC = Look("transactions.sync", {}, "transactions")


def refuse(
    kind: str, code: str, look: Look = LIVE, status: int = 400, **changes: object
) -> Failure:
    body = {"error_type": kind, "error_code": code, "error_message": "free text", "request_id": "r"}
    return refused(look, kit.response(body, status), kit.state(**changes))


def test_every_documented_code_has_an_outcome() -> None:
    assert [pair for pair in PAIRS if pair not in OUTCOMES] == []
    assert {kind for kind, _ in PAIRS} == set(BY_TYPE)


@pytest.mark.parametrize(("kind", "code"), PAIRS)
def test_no_error_is_billed_and_only_its_code_is_kept(kind: str, code: str) -> None:
    failure = refuse(kind, code)
    assert RULES[failure.outcome].billed is Billed.NO
    assert failure.detail == code
    assert failure.remote_request_id == "r"


@pytest.mark.parametrize(
    ("kind", "code", "status", "outcome"),
    [
        ("ITEM_ERROR", "NEW_CODE", 400, Outcome.NEEDS_PERSON),
        ("RATE_LIMIT_EXCEEDED", "NEW_LIMIT", 429, Outcome.RATE_LIMITED),
        ("NEW_TYPE", "NEW_CODE", 400, Outcome.BAD_REQUEST),
        ("NEW_TYPE", "NEW_CODE", 429, Outcome.RATE_LIMITED),
        ("NEW_TYPE", "NEW_CODE", 500, Outcome.TRY_AGAIN),
    ],
)
def test_unknown_codes_go_by_type_then_by_status(
    kind: str, code: str, status: int, outcome: Outcome
) -> None:
    assert refuse(kind, code, status=status).outcome is outcome


@pytest.mark.parametrize(("kind", "code"), PAIRS)
def test_at_5xx_plaid_failed_whatever_the_code(kind: str, code: str) -> None:
    """Had: 5xx with ITEM_LOGIN_REQUIRED or INVALID_ACCESS_TOKEN parked a login that was well."""
    failure = refuse(kind, code, ITEM, 503)
    assert RULES[failure.outcome].retry_after is not None
    assert not RULES[failure.outcome].is_alarm
    assert failure.state.health in facts.READABLE


def test_a_code_that_is_none_is_not_kept() -> None:
    assert refuse("ITEM_ERROR", "<script>").detail == "UNKNOWN_CODE"


@pytest.mark.parametrize(
    ("look", "status", "outcome"),
    [
        (ITEM, 502, Outcome.TRY_AGAIN),
        (LIVE, 502, Outcome.NO_ANSWER),
        (ITEM, 429, Outcome.RATE_LIMITED),
        (ITEM, 403, Outcome.UNREADABLE),
        (ITEM, 302, Outcome.UNREADABLE),
    ],
)
def test_pages_of_a_proxy_go_by_status(look: Look, status: int, outcome: Outcome) -> None:
    """Behind a proxy that gave up, a priced call may have been done all the same."""
    failure = refused(look, kit.response(b"<html>Bad gateway</html>", status), kit.state())
    assert failure.outcome is outcome
    assert failure.detail == f"HTTP_{status}"


def test_a_broken_login_is_told_at_once() -> None:
    failure = refuse("ITEM_ERROR", "ITEM_LOGIN_REQUIRED")
    assert failure.state.health is Health.NEEDS_RECONNECT
    assert failure.state.health_reason == "ITEM_LOGIN_REQUIRED"
    assert isinstance(paid_look(failure.state), CannotHelp)


@pytest.mark.parametrize("code", ["PRODUCTS_NOT_SUPPORTED", "PRODUCT_NOT_ENABLED"])
def test_live_balances_refused_for_good_leave_the_cache_readable(code: str) -> None:
    state = refuse("ITEM_ERROR", code).state
    assert state.health is Health.OK
    refusal = paid_look(state)
    assert isinstance(refusal, CannotHelp)
    assert code in refusal.reason


def test_a_missing_consent_leaves_the_cache_readable() -> None:
    failure = refuse("INVALID_INPUT", "ADDITIONAL_CONSENT_REQUIRED")
    assert failure.outcome is Outcome.NEEDS_PERSON
    assert failure.state.health is Health.OK
    assert isinstance(paid_look(failure.state), CannotHelp)


def test_transactions_refused_for_good_are_not_asked_for_again() -> None:
    state = kit.state().marked("transactions", "why")
    body = {"error_type": "ITEM_ERROR", "error_code": "PRODUCT_NOT_ENABLED", "request_id": "r"}
    after = refused(SYNC, kit.response(body, 400), state).state
    assert after.health is Health.OK
    assert not after.dirty
    assert not facts.may_sync(after)


def test_a_removed_item_is_retired() -> None:
    assert refuse("ITEM_ERROR", "ITEM_NOT_FOUND", ITEM).state.health is Health.RETIRED


def test_a_parked_look_at_the_item_counts_as_a_look() -> None:
    """Else the same look would be due again at once."""
    failure = refuse("ITEM_ERROR", "ITEM_LOGIN_REQUIRED", ITEM, looked_at=None)
    want = Want(kit.NOW - timedelta(seconds=60), kit.NOW, balances=True, streams=True)
    assert free_look(failure.state, want) is None


def test_a_mutation_starts_over_from_the_start_cursor() -> None:
    state = kit.state(cursor="start", page="middle", facts={"sync_posted": 7, "sync_changes": 9})
    exchange = kit.exchange("transactions.sync.transactions_sync_mutation_during_pagination")
    failure = refused(SYNC, exchange.response, state)
    assert failure.outcome is Outcome.RESTART
    assert failure.discards
    assert (failure.state.cursor, failure.state.page) == ("start", "")
    assert "sync_posted" not in failure.state.facts
    assert failure.state.retry_at is None


def test_a_stream_that_never_holds_still_is_left_alone_for_a_while() -> None:
    state = kit.state(cursor="start", page="middle")
    outcomes = []
    for _ in range(RESTARTS_MAX):
        failure = refused(
            SYNC,
            kit.exchange("transactions.sync.transactions_sync_mutation_during_pagination").response,
            state,
        )
        outcomes.append(failure.outcome)
        state = replace(failure.state, page="middle")
    assert outcomes == [*[Outcome.RESTART] * (RESTARTS_MAX - 1), Outcome.TRY_AGAIN]


@pytest.mark.parametrize("outcome", [Outcome.NO_ANSWER, Outcome.NOT_SENT, Outcome.RATE_LIMITED])
def test_any_failure_between_pages_starts_over(outcome: Outcome) -> None:
    state = kit.state(cursor="start", page="middle")
    failure = failed(SYNC, outcome, "TIMEOUT", kit.NOW, state)
    assert (failure.state.cursor, failure.state.page) == ("start", "")
    assert failure.discards
    assert failed(SYNC, outcome, "TIMEOUT", kit.NOW, kit.state()).discards is False


def test_a_first_pull_that_takes_long_is_asked_for_all_the_same() -> None:
    state = kit.state(failures=30)
    failure = failed(SYNC, Outcome.NOT_READY, "NOT_READY", kit.NOW, state)
    assert failure.state.retry_at is not None
    assert failure.state.retry_at - kit.NOW <= timedelta(minutes=16)


def test_an_unknown_account_makes_the_list_worth_reading() -> None:
    failure = refuse("INVALID_INPUT", "INVALID_ACCOUNT_ID")
    assert "accounts" in failure.state.dirty
