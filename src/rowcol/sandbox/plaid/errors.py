"""Plaid's errors: code -> type, HTTP status and text, and the exception that carries one to the wire.

Types, codes and statuses: docs "Errors" pages as of 7 Mar 2026 and OpenAPI spec 1.697.4. Texts in quotes there are kept
word for word; the others are ours. Most failures are HTTP 400, bank outages included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

REQUEST: Final = "INVALID_REQUEST"
INPUT: Final = "INVALID_INPUT"
ITEM: Final = "ITEM_ERROR"
BANK: Final = "INSTITUTION_ERROR"
RATE: Final = "RATE_LIMIT_EXCEEDED"
RATE_TEXT: Final = "rate limit exceeded for attempts to access this item. please try again later"
LOGIN_TEXT: Final = (
    "the login details of this item have changed (credentials, MFA, or required user action) and a user login is "
    "required to update this information. use Link's update mode to restore the item to a good state"
)


@dataclass(frozen=True, slots=True)
class ErrorFact:
    """One row of the error table."""

    error_type: str
    http_status: int
    message: str
    display_message: str | None = None


ERRORS: Final[dict[str, ErrorFact]] = {
    "MISSING_FIELDS": ErrorFact(REQUEST, 400, "the following required fields are missing: {0}"),
    "UNKNOWN_FIELDS": ErrorFact(
        REQUEST, 400, "the following fields are not recognized by this endpoint: {0}"
    ),
    "INVALID_FIELD": ErrorFact(REQUEST, 400, "{0}"),
    "INVALID_BODY": ErrorFact(REQUEST, 400, "{0}"),
    "INVALID_HEADERS": ErrorFact(REQUEST, 400, "{0}"),
    "NOT_FOUND": ErrorFact(REQUEST, 404, "not found"),
    "SANDBOX_ONLY": ErrorFact(REQUEST, 400, "access to {0} is only available in sandbox"),
    "INVALID_API_KEYS": ErrorFact(INPUT, 400, "invalid client_id or secret provided"),
    "INVALID_ACCESS_TOKEN": ErrorFact(INPUT, 400, "{0}"),
    "INVALID_LINK_TOKEN": ErrorFact(INPUT, 400, "invalid link_token provided"),
    "INVALID_PUBLIC_TOKEN": ErrorFact(INPUT, 400, "{0}"),
    "INVALID_ACCOUNT_ID": ErrorFact(
        INPUT, 400, "failed to find requested account ID for requested item"
    ),
    "INVALID_INSTITUTION": ErrorFact(INPUT, 400, "invalid institution_id provided"),
    "INVALID_PRODUCT": ErrorFact(
        INPUT, 400, "client is not authorized to access the following products: {0}"
    ),
    "INVALID_WEBHOOK_VERIFICATION_KEY_ID": ErrorFact(
        INPUT, 400, "invalid key_id provided. note that key_ids are specific to Plaid environments"
    ),
    "UNAUTHORIZED_ENVIRONMENT": ErrorFact(
        INPUT, 400, "you are not authorized to create items in this api environment"
    ),
    "USER_PERMISSION_REVOKED": ErrorFact(
        INPUT,
        400,
        "the holder of this account has revoked their permission for your application to access it",
    ),
    "ADDITIONAL_CONSENT_REQUIRED": ErrorFact(
        INPUT, 400, "client does not have user consent to access the product"
    ),
    "LAST_UPDATED_DATETIME_OUT_OF_RANGE": ErrorFact(
        "INVALID_RESULT", 400, "requested datetime out of range, most recently updated balance {0}"
    ),
    "ITEM_LOGIN_REQUIRED": ErrorFact(ITEM, 400, LOGIN_TEXT, "Username or password incorrect"),
    "PASSWORD_RESET_REQUIRED": ErrorFact(ITEM, 400, "user must reset their password"),
    "USER_SETUP_REQUIRED": ErrorFact(
        ITEM,
        400,
        "the account has not been fully set up. prompt the user to visit the issuing institution's site and finish the setup process",
        "The given account is not fully setup.",
    ),
    "ITEM_LOCKED": ErrorFact(ITEM, 400, "this item is locked", "The given account is locked."),
    "ACCESS_NOT_GRANTED": ErrorFact(
        ITEM, 400, "access to this product was not granted for the account"
    ),
    "INSUFFICIENT_CREDENTIALS": ErrorFact(
        ITEM, 400, "insufficient authorization was granted to complete the request"
    ),
    "INVALID_CREDENTIALS": ErrorFact(
        ITEM,
        400,
        "the provided credentials were not correct",
        "The provided credentials were not correct. Please try again.",
    ),
    "INVALID_UPDATED_USERNAME": ErrorFact(
        ITEM, 400, "the username entered in update mode is not the one of this item"
    ),
    "INVALID_MFA": ErrorFact(ITEM, 400, "the provided MFA response(s) were not correct"),
    "ITEM_NOT_FOUND": ErrorFact(
        ITEM,
        400,
        "The Item you requested cannot be found. This Item does not exist, has been previously removed via /item/remove, or has had access removed by the user",
    ),
    "ITEM_CONCURRENTLY_DELETED": ErrorFact(
        ITEM, 400, "This item was deleted while the operation was in progress"
    ),
    "ITEM_NOT_SUPPORTED": ErrorFact(ITEM, 400, "this account is currently not supported"),
    "NO_ACCOUNTS": ErrorFact(
        ITEM,
        400,
        "no valid accounts exist for this item",
        "No valid accounts were found at the financial institution.",
    ),
    "PRODUCT_NOT_READY": ErrorFact(
        ITEM,
        400,
        "the requested product is not yet ready. please provide a webhook or try the request again later",
    ),
    "PRODUCTS_NOT_SUPPORTED": ErrorFact(
        ITEM, 400, "the following products are not supported by this institution: {0}"
    ),
    "PRODUCT_NOT_ENABLED": ErrorFact(
        ITEM, 400, "the requested product is not enabled for this item"
    ),
    "INSTITUTION_DOWN": ErrorFact(
        BANK,
        400,
        "this institution is not currently responding to this request. please try again soon",
        "This financial institution is not currently responding to requests. We apologize for the inconvenience.",
    ),
    "INSTITUTION_NOT_RESPONDING": ErrorFact(
        BANK,
        400,
        "this institution is not currently responding to this request. please try again soon",
        "This financial institution is not currently responding to requests. We apologize for the inconvenience.",
    ),
    "INSTITUTION_NOT_AVAILABLE": ErrorFact(
        BANK,
        400,
        "this institution is not currently available",
        "This financial institution is not currently available.",
    ),
    "INSTITUTION_NO_LONGER_SUPPORTED": ErrorFact(
        BANK,
        400,
        "this institution is no longer supported",
        "This financial institution is no longer supported.",
    ),
    "UNAUTHORIZED_INSTITUTION": ErrorFact(
        BANK, 400, "not authorized to create items for this institution"
    ),
    "INSTITUTION_REGISTRATION_REQUIRED": ErrorFact(
        BANK, 400, "not yet registered to create items for this institution"
    ),
    "UNSUPPORTED_RESPONSE": ErrorFact(
        BANK, 400, "the data returned from the financial institution is not valid"
    ),
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": ErrorFact(
        "TRANSACTIONS_ERROR",
        400,
        "Underlying transaction data changed since last page was fetched. Please restart pagination from last update.",
    ),
    "BALANCE_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "ACCOUNTS_BALANCE_GET_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "ACCOUNTS_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "ITEM_GET_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "RATE_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "TRANSACTIONS_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "TRANSACTIONS_SYNC_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "TRANSACTIONS_REFRESH_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "INSTITUTIONS_GET_BY_ID_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "INSTITUTIONS_GET_LIMIT": ErrorFact(RATE, 429, RATE_TEXT),
    "INSTITUTION_RATE_LIMIT": ErrorFact(
        RATE, 429, "the institution is rate limiting requests. please try again later"
    ),
    "CREDITS_EXHAUSTED": ErrorFact(RATE, 429, "all credits for this product are used"),
    "TRIAL_CONNECTION_LIMIT": ErrorFact(RATE, 429, "the limit of trial connections is reached"),
    "INTERNAL_SERVER_ERROR": ErrorFact("API_ERROR", 500, "an unexpected error occurred"),
    "PLANNED_MAINTENANCE": ErrorFact(
        "API_ERROR",
        503,
        "the Plaid API is temporarily unavailable due to maintenance. visit https://status.plaid.com for more information",
    ),
    "SANDBOX_PRODUCT_NOT_ENABLED": ErrorFact(
        "SANDBOX_ERROR", 400, "the {0} product is not enabled for this item"
    ),
    "SANDBOX_WEBHOOK_INVALID": ErrorFact(
        "SANDBOX_ERROR",
        400,
        "Webhook for this item is either not set up, or invalid. Please update the item's webhook and try again.",
    ),
}


class PlaidError(Exception):
    """An answer that is an error; the endpoint pipeline turns it into the envelope."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        error_type: str | None = None,
        http_status: int | None = None,
        reason: str | None = None,
    ) -> None:
        fact = ERRORS[code]
        self.code = code
        self.error_type = error_type or fact.error_type
        self.http_status = http_status or fact.http_status
        self.reason = reason
        self.message = fact.message.format(detail)
        self.display_message = fact.display_message
        super().__init__(f"{self.error_type}/{code}: {self.message}")

    def envelope(self, request_id: str) -> dict[str, Any]:
        """The body of an error answer."""
        envelope = {
            "display_message": self.display_message,
            "documentation_url": f"https://plaid.com/docs/errors/#{self.code.lower()}",
            "error_code": self.code,
            "error_message": self.message,
            "error_type": self.error_type,
            "request_id": request_id,
            "suggested_action": None,
        }
        return envelope if self.reason is None else envelope | {"error_code_reason": self.reason}


def item_error(code: str, reason: str | None = None) -> dict[str, Any]:
    """The error as an Item or a webhook carries it: with `status`, without `request_id`."""
    fact = ERRORS[code]
    # The docs give this code two types: INVALID_INPUT as an answer, ITEM_ERROR in its webhook.
    error_type = ITEM if code == "USER_PERMISSION_REVOKED" else fact.error_type
    body: dict[str, Any] = {
        "display_message": fact.display_message,
        "error_code": code,
        "error_message": fact.message.format(""),
        "error_type": error_type,
        "status": fact.http_status,
    }
    if reason is not None:
        body["error_code_reason"] = reason
    return body
