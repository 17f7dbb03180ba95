"""Sandbox-only endpoints: make an Item without a browser, fire webhooks, break logins, post transactions."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from rowcol.sandbox.plaid.calls import Call
from rowcol.sandbox.plaid.catalog import Institution
from rowcol.sandbox.plaid.errors import PlaidError, item_error
from rowcol.sandbox.plaid.items import Item, LinkedAccount, LinkWish
from rowcol.sandbox.plaid.shapes import Shape, bank_date, pending_disconnect_shape
from rowcol.sandbox.plaid.users import accounts_of, custom_posting
from rowcol.sandbox.world import Posting

_REACH: Final = timedelta(days=14)
_DAYS_DEFAULT: Final = 90
_DAYS_MAX: Final = 730
_FIRED: Final[dict[str, str]] = {
    "DEFAULT_UPDATE": "TRANSACTIONS HOLDINGS INVESTMENTS_TRANSACTIONS LIABILITIES",
    "RECURRING_TRANSACTIONS_UPDATE": "TRANSACTIONS",
    "SYNC_UPDATES_AVAILABLE": "TRANSACTIONS",
    "ERROR": "ASSETS",
    "LOGIN_REPAIRED": "ITEM",
    "NEW_ACCOUNTS_AVAILABLE": "ITEM",
    "PENDING_DISCONNECT": "ITEM",
    "PRODUCT_READY": "ASSETS",
    "SMS_MICRODEPOSITS_VERIFICATION": "AUTH",
    "USER_ACCOUNT_REVOKED": "ITEM",
    "USER_PERMISSION_REVOKED": "ITEM",
}
"""Code -> the types that it has, the usual one first. That another type is refused is ours."""


def create_public_token(call: Call) -> Shape:
    """Link as a Sandbox user, without a browser."""
    bank = call.emulator.institutions.get(call.body["institution_id"])
    if bank is None:
        raise PlaidError("INVALID_INSTITUTION")
    _require_linkable(call, bank)
    products = tuple(call.body["initial_products"])
    options = call.options
    username = options.get("override_username", "user_good")
    days = _days_requested(call, options.get("transactions", {}))
    plans = accounts_of(username, options.get("override_password", "pass_good"), call.now, days)
    account_ids = call.emulator.people.open(plans)
    wish = LinkWish(call.client_id, bank, products, options.get("webhook"), days, username)
    return {"public_token": call.emulator.offer(wish, account_ids)}


def fire_webhook(call: Call) -> Shape:
    """Send a webhook that nothing caused. Firing SYNC_UPDATES_AVAILABLE may also make transactions (a switch)."""
    code = call.body["webhook_code"]
    if code not in _FIRED:
        raise PlaidError("INVALID_FIELD", f"webhook_code {code} cannot be fired")
    types = _FIRED[code].split()
    webhook_type = call.body.get("webhook_type", types[0])
    if webhook_type not in types:
        raise PlaidError("INVALID_FIELD", f"webhook_type must be one of {_FIRED[code]}")
    item = call.item
    if item.webhook is None:
        status = call.emulator.switches.sandbox_error_http_status
        raise PlaidError("SANDBOX_WEBHOOK_INVALID", http_status=status)
    if code == "SYNC_UPDATES_AVAILABLE":
        if call.emulator.switches.fire_generates_transactions:
            _make_transactions(call, item)
        call.emulator.notify_sync(item)
    else:
        call.emulator.notify(item, webhook_type, code, _extra(call, item, code))
    return {"webhook_fired": True}


def reset_login(call: Call) -> Shape:
    """The Item needs its person: ITEM_LOGIN_REQUIRED until update mode."""
    if call.item.is_revoked:
        raise PlaidError("USER_PERMISSION_REVOKED")
    call.emulator.break_login(call.item)
    return {"reset_login": True}


def create_transactions(call: Call) -> Shape:
    """Up to ten transactions of the last 14 days; acts like a refresh."""
    item = call.require_healthy_item()
    made = [(_target(item, row), _ordered(call, row)) for row in call.body["transactions"]]
    for account, posting in made:  # all of them or none
        account.ledger.append(posting)
    call.emulator.plan_refresh(item)
    return {}


def _ordered(call: Call, row: dict[str, Any]) -> Posting:
    today = bank_date(call.now)
    for name in ("date_transacted", "date_posted"):
        if not today - _REACH <= date.fromisoformat(row[name]) <= today:
            raise PlaidError("INVALID_FIELD", f"{name} must be within the last 14 days")
    call.item.n_made += 1
    try:
        return custom_posting(f"{call.item.item_id}-made-{call.item.n_made}", row, call.now)
    except (ArithmeticError, ValueError):  # an amount beyond all bounds
        raise PlaidError("INVALID_FIELD", "transactions has an invalid element") from None


def _require_linkable(call: Call, bank: Institution) -> None:
    code = call.emulator.faults.outage_code(bank, call.now)
    if code is not None:
        raise PlaidError(code)


def _days_requested(call: Call, transactions: dict[str, Any]) -> int:
    days = transactions.get("days_requested")
    if days is None and transactions.get("start_date"):
        days = (bank_date(call.now) - date.fromisoformat(transactions["start_date"])).days
    days = _DAYS_DEFAULT if days is None else days
    if not 1 <= days <= _DAYS_MAX:
        raise PlaidError("INVALID_FIELD", f"start_date must be 1 to {_DAYS_MAX} days ago")
    return days


def _target(item: Item, row: dict[str, Any]) -> LinkedAccount:
    account_id = row.get("account_id")
    if account_id is not None:
        if account_id not in item.accounts:
            raise PlaidError("INVALID_ACCOUNT_ID")
        return item.accounts[account_id]
    for account in item.accounts.values():
        if account.ledger.facts.account_type == "depository":
            return account
    raise PlaidError("NO_ACCOUNTS")


def _make_transactions(call: Call, item: Item) -> None:
    today = bank_date(call.now).isoformat()
    for amount in ("12.34", "-56.78"):
        item.n_made += 1
        row = {
            "date_transacted": today,
            "date_posted": today,
            "amount": amount,
            "description": "Fired",
        }
        posting = custom_posting(f"{item.item_id}-made-{item.n_made}", row, call.now)
        _target(item, {}).ledger.append(posting)
    call.emulator.pull(item, call.now)


def _extra(call: Call, item: Item, code: str) -> dict[str, Any]:
    if code == "USER_ACCOUNT_REVOKED":
        return {"account_id": call.chosen_accounts()[0].account_id}
    if code == "PENDING_DISCONNECT":
        return pending_disconnect_shape(item, call.now)
    if code == "USER_PERMISSION_REVOKED":
        return {"error": item_error(code)}
    if code == "RECURRING_TRANSACTIONS_UPDATE":
        return {"account_ids": list(item.accounts)}
    if code == "DEFAULT_UPDATE":
        n_new = call.options.get("new_transactions", 0)
        return {"error": None, "new_transactions": n_new}
    return {"error": None} if code in {"ERROR", "NEW_ACCOUNTS_AVAILABLE"} else {}
