"""Plaid's errors: the envelope, and the form an Item carries."""

from __future__ import annotations

from rowcol.sandbox.plaid.errors import ERRORS, PlaidError, item_error


def test_envelope() -> None:
    error = PlaidError("MISSING_FIELDS", "a, b")
    assert error.http_status == 400
    assert error.envelope("r") == {
        "display_message": None,
        "documentation_url": "https://plaid.com/docs/errors/#missing_fields",
        "error_code": "MISSING_FIELDS",
        "error_message": "the following required fields are missing: a, b",
        "error_type": "INVALID_REQUEST",
        "request_id": "r",
        "suggested_action": None,
    }
    assert PlaidError("ITEM_LOCKED", reason="X").envelope("r")["error_code_reason"] == "X"


def test_most_failures_are_400() -> None:
    statuses = {code: fact.http_status for code, fact in ERRORS.items()}
    assert statuses["INSTITUTION_DOWN"] == 400
    assert statuses["NOT_FOUND"] == 404
    assert statuses["BALANCE_LIMIT"] == 429
    assert statuses["INTERNAL_SERVER_ERROR"] == 500
    assert statuses["PLANNED_MAINTENANCE"] == 503


def test_an_item_carries_a_status_and_no_request_id() -> None:
    assert set(item_error("ITEM_LOCKED")) == {
        "display_message",
        "error_code",
        "error_message",
        "error_type",
        "status",
    }
    assert item_error("ITEM_LOGIN_REQUIRED", "OAUTH_INVALID_TOKEN")["error_code_reason"]
