"""Errors: Plaid's error codes, each with the one outcome that it is to us.

Most failures are HTTP 400, bank outages too, so type and code decide, never the message; at 5xx Plaid itself
failed, and no code of such an answer parks a login. "Charged for each successful API call": no code here is billed (docs/account/billing).
Source: docs/errors, looked up 2026-11-25; [U] where only the name is known.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import msgspec

from rowcol.core.connection import ConnectionState
from rowcol.core.outcome import RULES, Outcome
from rowcol.core.rail import Failure, Look
from rowcol.core.stream import CURSOR_TRIES
from rowcol.core.wire import Response
from rowcol.rails.plaid import facts
from rowcol.rails.plaid.records import ErrorRecord, Unreadable, decode
from rowcol.rails.plaid.spec import ENDPOINTS

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
_REQUEST_ID = re.compile(r"[\w.-]{1,80}")
RESTARTS_MAX = 3
"""A stream that changes under us this often in a row is left alone for a while."""
CACHED_ONLY = "LAST_UPDATED_DATETIME_OUT_OF_RANGE"
"""A live look that was to be no older than the free one: it would have been answered from the cache."""
_NOT_OURS = frozenset({"CREDITS_EXHAUSTED", "TRIAL_CONNECTION_LIMIT"})
"""The plan's, not the request's: an operator changes it, and every login goes on."""
NOT_READY_DOUBLINGS = 4
"""A first pull that takes long is asked for at least this seldom: 16 minutes."""

# (type, outcome) -> codes
_ROWS: dict[tuple[str, Outcome], str] = {
    ("INVALID_REQUEST", Outcome.BAD_REQUEST): (
        "MISSING_FIELDS UNKNOWN_FIELDS INVALID_FIELD INVALID_BODY INVALID_HEADERS NOT_FOUND SANDBOX_ONLY"
    ),
    ("INVALID_INPUT", Outcome.BAD_CREDENTIALS): (
        "INVALID_API_KEYS INVALID_ACCESS_TOKEN UNAUTHORIZED_ENVIRONMENT"
    ),
    ("INVALID_INPUT", Outcome.BAD_REQUEST): (
        "INVALID_PUBLIC_TOKEN INVALID_LINK_TOKEN INVALID_ACCOUNT_ID INVALID_INSTITUTION INVALID_PRODUCT"
        " INVALID_WEBHOOK_VERIFICATION_KEY_ID"
    ),
    ("INVALID_INPUT", Outcome.NEEDS_PERSON): "ADDITIONAL_CONSENT_REQUIRED",
    ("INVALID_RESULT", Outcome.NOT_READY): "LAST_UPDATED_DATETIME_OUT_OF_RANGE",
    # Older specs gave it this type; match on the code.
    ("INVALID_REQUEST", Outcome.NOT_READY): "LAST_UPDATED_DATETIME_OUT_OF_RANGE",
    ("ITEM_ERROR", Outcome.NEEDS_PERSON): (
        "ITEM_LOGIN_REQUIRED PASSWORD_RESET_REQUIRED USER_SETUP_REQUIRED ITEM_LOCKED"
        " ACCESS_NOT_GRANTED INSUFFICIENT_CREDENTIALS USER_PERMISSION_REVOKED NO_ACCOUNTS"
    ),
    ("ITEM_ERROR", Outcome.GONE): "ITEM_NOT_FOUND ITEM_CONCURRENTLY_DELETED",
    ("ITEM_ERROR", Outcome.NOT_READY): "PRODUCT_NOT_READY",
    ("ITEM_ERROR", Outcome.UNSUPPORTED): (
        "ITEM_NOT_SUPPORTED PRODUCTS_NOT_SUPPORTED PRODUCT_NOT_ENABLED"
    ),
    ("INSTITUTION_ERROR", Outcome.INSTITUTION_DOWN): (
        "INSTITUTION_DOWN INSTITUTION_NOT_RESPONDING INSTITUTION_NOT_AVAILABLE"
    ),
    ("INSTITUTION_ERROR", Outcome.UNSUPPORTED): (
        "INSTITUTION_NO_LONGER_SUPPORTED UNAUTHORIZED_INSTITUTION"
        " INSTITUTION_REGISTRATION_REQUIRED UNSUPPORTED_RESPONSE"
    ),
    ("TRANSACTIONS_ERROR", Outcome.RESTART): "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
    ("RATE_LIMIT_EXCEEDED", Outcome.RATE_LIMITED): (
        "BALANCE_LIMIT ACCOUNTS_BALANCE_GET_LIMIT ACCOUNTS_LIMIT ITEM_GET_LIMIT RATE_LIMIT"
        " TRANSACTIONS_SYNC_LIMIT TRANSACTIONS_REFRESH_LIMIT TRANSACTIONS_LIMIT"
        " INSTITUTIONS_GET_BY_ID_LIMIT INSTITUTIONS_GET_LIMIT"
    ),
    ("RATE_LIMIT_EXCEEDED", Outcome.INSTITUTION_THROTTLED): "INSTITUTION_RATE_LIMIT",
    # Waiting does not help here: an operator has to change the plan. What is cached stays readable.
    ("RATE_LIMIT_EXCEEDED", Outcome.BAD_REQUEST): "CREDITS_EXHAUSTED TRIAL_CONNECTION_LIMIT",
    ("API_ERROR", Outcome.TRY_AGAIN): "INTERNAL_SERVER_ERROR PLANNED_MAINTENANCE",
    ("SANDBOX_ERROR", Outcome.BAD_REQUEST): "SANDBOX_PRODUCT_NOT_ENABLED SANDBOX_WEBHOOK_INVALID",
}
OUTCOMES: dict[tuple[str, str], Outcome] = {
    (kind, code): outcome for (kind, outcome), codes in _ROWS.items() for code in codes.split()
}
BY_TYPE: dict[str, Outcome] = {
    "INVALID_REQUEST": Outcome.BAD_REQUEST,
    "INVALID_INPUT": Outcome.BAD_REQUEST,
    "INVALID_RESULT": Outcome.NOT_READY,
    "ITEM_ERROR": Outcome.NEEDS_PERSON,
    "INSTITUTION_ERROR": Outcome.INSTITUTION_DOWN,
    "TRANSACTIONS_ERROR": Outcome.TRY_AGAIN,
    "RATE_LIMIT_EXCEEDED": Outcome.RATE_LIMITED,
    "API_ERROR": Outcome.TRY_AGAIN,
    "SANDBOX_ERROR": Outcome.BAD_REQUEST,
}
"""What a code that is not in the table means."""
_AT_5XX = (Outcome.RATE_LIMITED, Outcome.INSTITUTION_THROTTLED, Outcome.INSTITUTION_DOWN)
"""What is believed beside a 5xx: each ends by itself."""


def outcome_of(error: ErrorRecord, status: int = 400) -> Outcome:
    """The outcome of an error: by type and code, else by type, else by status."""
    known = OUTCOMES.get((error.error_type, error.error_code)) or BY_TYPE.get(error.error_type)
    if status >= 500 and known not in _AT_5XX:
        return Outcome.TRY_AGAIN
    return known or _by_status(status) or Outcome.BAD_REQUEST


def code_of(error: ErrorRecord) -> str:
    """The code, safe to store and show."""
    return error.error_code if _CODE.fullmatch(error.error_code) else "UNKNOWN_CODE"


def request_id_of(value: str) -> str:
    """Plaid's id of the call, for its support; "" where it is no id."""
    return value if _REQUEST_ID.fullmatch(value) else ""


class _Envelope(msgspec.Struct, frozen=True):
    """An error's own key; inside an Item or a session it is a part of what was asked for."""

    error_code: object = None


def is_refused(response: Response) -> bool:
    """Whether an answer refuses what was asked for: by its status, or by an error beside one that says success.

    Every reader of an answer asks this first."""
    if not 200 <= response.status < 300:
        return True
    try:
        return msgspec.json.decode(response.body, type=_Envelope).error_code is not None
    except (ValueError, RecursionError):
        return False  # whoever reads it says what is wrong with it


def refused(look: Look, response: Response, state: ConnectionState) -> Failure:
    """The failure that an answer is which refuses (`is_refused`)."""
    at, status = response.received_at, response.status
    try:
        error = decode(response.body, ErrorRecord)
    except Unreadable:
        return failed(look, _without_envelope(look, status), f"HTTP_{status}", at, state)
    code = code_of(error)
    failure = failed(look, outcome_of(error, status), code, at, state)
    return replace(failure, remote_request_id=request_id_of(error.request_id))


def _without_envelope(look: Look, status: int) -> Outcome:
    """An answer that is not Plaid's own: some proxy's. A priced call may have been done behind it."""
    outcome = _by_status(status)
    if outcome is Outcome.TRY_AGAIN and ENDPOINTS[look.endpoint].tariff is not None:
        return Outcome.NO_ANSWER
    return outcome or Outcome.UNREADABLE


def _by_status(status: int) -> Outcome | None:
    if status == 429:
        return Outcome.RATE_LIMITED
    return Outcome.TRY_AGAIN if status >= 500 else None


def failed(
    look: Look, outcome: Outcome, detail: str, at: datetime, state: ConnectionState
) -> Failure:
    """The failure, with the state after it. The start cursor of a paged read stays, its pages go."""
    is_paging = look.stream != "" and state.page != ""
    state = facts.without_pages(state) if look.stream else state
    if look.stream and _is_cursor_refused(outcome, detail, state, is_paging=is_paging):
        state, outcome, detail = _cursor_refused(state, detail, at)
    elif look.stream and outcome is Outcome.RESTART:
        restarts = facts.count(state, facts.RESTARTS) + 1
        state = facts.learnt(state, {facts.RESTARTS: restarts})
        outcome = Outcome.RESTART if restarts < RESTARTS_MAX else Outcome.TRY_AGAIN
    state = _after(look, outcome, detail, at, state)
    return Failure(outcome, detail, state, discards=is_paging)


def _is_cursor_refused(
    outcome: Outcome, code: str, state: ConnectionState, *, is_paging: bool
) -> bool:
    """Whether asking the same again would end the same: the request is refused, or the stored cursor is no start.

    What changes between two pages is no such thing. Seen in public: INVALID_FIELD for a cursor that was good
    (webhookdb#646), a mutation error from the stored one for ever (monetr#3126).
    """
    if outcome is Outcome.RESTART:
        return state.cursor != "" and not is_paging
    return outcome is Outcome.BAD_REQUEST and code not in _NOT_OURS


def _cursor_refused(
    state: ConnectionState, code: str, at: datetime
) -> tuple[ConnectionState, Outcome, str]:
    """Tried again, then from the start at once; where that is refused too, it is not the cursor: off for a week."""
    had_cursor = state.cursor != ""
    state = state.refused(code, at)
    if had_cursor and not state.cursor:
        state = facts.without(state, facts.RESTARTS, facts.WHOLE_ROWS)
        return state, Outcome.RESTART, f"{code}: refused {CURSOR_TRIES} times, read from the start"
    if state.stream_refusal is not None and state.stream_refusal.count >= CURSOR_TRIES:
        return state, Outcome.UNSUPPORTED, code
    return state, Outcome.BAD_REQUEST, code


def _after(
    look: Look, outcome: Outcome, detail: str, at: datetime, state: ConnectionState
) -> ConnectionState:
    if look.endpoint == "institutions.get_by_id":
        # A second opinion on the bank: without it the login's own looks go on as they were due.
        return facts.learnt(state, {facts.INSTITUTION_ASKED_AT: at.isoformat()})
    refusal = facts.REFUSALS.get(look.endpoint)
    if refusal is not None and _is_refusal(look, outcome, detail):
        # It does not answer *this* for the login; what is cached can be read all the same.
        moved = facts.with_refusal(state, refusal, detail, at).cleared(look.stream)
        after = moved.after(outcome, detail, at)
        return replace(
            after,
            health=state.health,
            health_reason=state.health_reason,
            health_since=state.health_since,
        )
    if outcome is Outcome.NOT_READY:
        state = replace(state, failures=min(state.failures, NOT_READY_DOUBLINGS))
    after = state.after(outcome, detail, at)
    if detail == "INVALID_ACCOUNT_ID":
        after = after.marked(facts.ACCOUNTS, "Plaid does not know one of the accounts any more")
    if look.endpoint == "item.get" and RULES[outcome].retry_after is None:
        after = replace(after.cleared(facts.HEALTH), looked_at=at)
    return facts.without_unreadable(after)


def _is_refusal(look: Look, outcome: Outcome, code: str) -> bool:
    """Whether it will not do for this login. A live look has nothing to vary but its accounts, which are read anew."""
    if outcome is Outcome.UNSUPPORTED or code in ("ADDITIONAL_CONSENT_REQUIRED", CACHED_ONLY):
        return True
    is_live = look.endpoint == "accounts.balance.get" and outcome is Outcome.BAD_REQUEST
    return is_live and code not in {*_NOT_OURS, "INVALID_ACCOUNT_ID"}
