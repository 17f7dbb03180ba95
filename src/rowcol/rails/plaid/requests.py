"""Requests: the bytes of each call. Secrets of the app go into headers, so that no logged body holds them.

Arguments that an endpoint does not know are left out. An access token is taken from the credentials
only, never from arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from rowcol.core.rail import Credentials, Look
from rowcol.core.wire import Request
from rowcol.rails.plaid.spec import ENDPOINTS

VERSION = "2020-09-14"
PAGE_ROWS = 500
"""The most that Plaid allows: fewer calls, and fewer pages that change under us."""
HISTORY_DAYS = 730
"""Also the most: it cannot be raised later without a new Item, and costs the same."""
HOSTED_S = 4 * 3600
"""As long as the link token lives. A repair's lives half an hour, which is also what a page has by itself."""
COUNTRIES = ("US", "CA")
"""What Plaid opens to every team; a bank is found only where its own country is among them."""

Arguments = Mapping[str, str | int | bool | None]
_Body = dict[str, object]


def request_of(look: Look, credentials: Credentials) -> Request:
    """The request of a declared look."""
    endpoint = ENDPOINTS[look.endpoint]
    body = _BODIES[look.endpoint](look.arguments, credentials.token)
    headers = {
        "Content-Type": "application/json",
        "Plaid-Version": VERSION,
        "PLAID-CLIENT-ID": credentials.app.get("client_id", ""),
        "PLAID-SECRET": credentials.app.get("secret", ""),
    }
    return Request(
        endpoint.method, endpoint.path, headers, msgspec.json.encode(body), endpoint.timeout_s
    )


def _words(value: object) -> list[str]:
    return [word for word in str(value or "").split(",") if word]


def _token_only(_arguments: Arguments, token: str | None) -> _Body:
    return {"access_token": token or ""}


def _accounts(arguments: Arguments, token: str | None) -> _Body:
    options: _Body = {}
    if ids := _words(arguments.get("account_ids")):
        options["account_ids"] = ids
    body = _token_only(arguments, token)
    return {**body, "options": options} if options else body


def _balances(arguments: Arguments, token: str | None) -> _Body:
    body = _accounts(arguments, token)
    floor = arguments.get("min_last_updated_datetime")
    if floor:
        options = body.get("options")
        known = options if isinstance(options, dict) else {}
        body["options"] = {**known, "min_last_updated_datetime": floor}
    return body


def _sync(arguments: Arguments, token: str | None) -> _Body:
    cursor = {"cursor": arguments["cursor"]} if arguments.get("cursor") else {}
    return {"access_token": token or "", **cursor, "count": arguments.get("count") or PAGE_ROWS}


def _link(arguments: Arguments, token: str | None) -> _Body:
    """A token makes it a repair (update mode): no products, and Plaid would ignore a webhook."""
    body: _Body = {
        "client_name": str(arguments.get("client_name") or "RowCol")[:30],
        "language": arguments.get("language") or "en",
        "country_codes": _words(arguments.get("country_codes")) or [*COUNTRIES],
        "user": {"client_user_id": arguments.get("client_user_id") or ""},
        "hosted_link": {},
    }
    if token is not None:
        body["access_token"] = token
        # A login that has lost all its accounts is repaired by choosing some.
        has_none = str(arguments.get("broken_by") or "").startswith("NO_ACCOUNTS")
        if arguments.get("account_selection_enabled") or has_none:
            body["update"] = {"account_selection_enabled": True}
        return body
    body["hosted_link"] = {"url_lifetime_seconds": HOSTED_S}
    body["products"] = products = _words(arguments.get("products")) or ["transactions"]
    if "transactions" in products:
        body["transactions"] = {"days_requested": arguments.get("days_requested") or HISTORY_DAYS}
    if arguments.get("webhook"):
        body["webhook"] = arguments["webhook"]
    return body


def _link_status(arguments: Arguments, _token: str | None) -> _Body:
    return {"link_token": arguments.get("link_token") or ""}


def _exchange(arguments: Arguments, _token: str | None) -> _Body:
    return {"public_token": arguments.get("public_token") or ""}


def _remove(arguments: Arguments, token: str | None) -> _Body:
    reasons = {k: arguments[k] for k in ("reason_code", "reason_note") if arguments.get(k)}
    return {"access_token": token or "", **reasons}


def _webhook(arguments: Arguments, token: str | None) -> _Body:
    return {"access_token": token or "", "webhook": arguments.get("webhook") or None}


def _institution(arguments: Arguments, _token: str | None) -> _Body:
    return {
        "institution_id": arguments.get("institution_id") or "",
        "country_codes": _words(arguments.get("country_codes")) or [*COUNTRIES],
        "options": {"include_status": True},
    }


def _key(arguments: Arguments, _token: str | None) -> _Body:
    return {"key_id": arguments.get("key_id") or ""}


def _sandbox_login(arguments: Arguments, _token: str | None) -> _Body:
    """The user is one whose transactions move, so that there is something to see."""
    options: _Body = {
        "override_username": arguments.get("override_username") or "user_transactions_dynamic",
        "override_password": arguments.get("override_password") or "pass_good",
    }
    if arguments.get("webhook"):
        options["webhook"] = arguments["webhook"]
    return {
        "institution_id": arguments.get("institution_id") or "ins_109508",
        "initial_products": _words(arguments.get("products")) or ["transactions"],
        "options": options,
    }


def _fire(arguments: Arguments, token: str | None) -> _Body:
    return {
        "access_token": token or "",
        "webhook_type": arguments.get("webhook_type") or "TRANSACTIONS",
        "webhook_code": arguments.get("webhook_code") or "SYNC_UPDATES_AVAILABLE",
    }


_BODIES: dict[str, Callable[[Arguments, str | None], _Body]] = {
    "link.token.create": _link,
    "link.token.get": _link_status,
    "item.public_token.exchange": _exchange,
    "item.get": _token_only,
    "item.remove": _remove,
    "item.webhook.update": _webhook,
    "accounts.get": _accounts,
    "accounts.balance.get": _balances,
    "transactions.sync": _sync,
    "transactions.refresh": _token_only,
    "institutions.get_by_id": _institution,
    "webhook_verification_key.get": _key,
    "sandbox.public_token.create": _sandbox_login,
    "sandbox.item.fire_webhook": _fire,
    "sandbox.item.reset_login": _token_only,
}
