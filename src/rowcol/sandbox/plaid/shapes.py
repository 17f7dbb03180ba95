"""Shapes: Items, accounts, transactions and institutions as JSON, with every key the spec requires.

Keys: OpenAPI spec 1.697.4 and plaid-python 46.0.0. Amounts leave as exact JSON numbers; Plaid's `amount` is positive
when money leaves the account.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from rowcol.sandbox.plaid.catalog import (
    APPLE_CARD,
    CAPITAL_ONE,
    PERSISTENT_ID_INSTITUTIONS,
    Institution,
)
from rowcol.sandbox.plaid.items import NOTICE_AHEAD, Balances, Item, LinkedAccount
from rowcol.sandbox.plaid.log import Txn

Shape = dict[str, Any]

_LOCATION: Final[Shape] = dict.fromkeys(
    ("address", "city", "region", "postal_code", "country", "lat", "lon", "store_number")
)
_PAYMENT_META: Final[Shape] = dict.fromkeys(
    (
        "reference_number",
        "ppd_id",
        "payee",
        "by_order_of",
        "payer",
        "payment_method",
        "payment_processor",
        "reason",
    )
)
_NO_STATUS: Final[Shape] = dict.fromkeys(
    (
        "auth",
        "identity",
        "investments_updates",
        "liabilities_updates",
        "liabilities",
        "investments",
        "health_incidents",
    )
)
_INCOME: Final[Shape] = {
    "primary": "INCOME",
    "detailed": "INCOME_OTHER_INCOME",
    "confidence_level": "LOW",
}
_SPENDING: Final[Shape] = {
    "primary": "GENERAL_SERVICES",
    "detailed": "GENERAL_SERVICES_OTHER_GENERAL_SERVICES",
    "confidence_level": "LOW",
}
_ICONS: Final = "https://plaid-category-icons.plaid.com/PFC_"
_OTHER_PRODUCTS: Final = ("auth", "balance", "identity")
_BANK_ZONE: Final = ZoneInfo("America/New_York")


def number(minor: int | None, digits: int = 2) -> int | Decimal | None:
    """Minor units as the exact JSON number: 11000 -> 110, 11050 -> 110.50."""
    if minor is None:
        return None
    whole, rest = divmod(minor, 10**digits)
    return whole if rest == 0 else Decimal(minor).scaleb(-digits)


def bank_date(when: datetime) -> date:
    """The day a US bank books it under."""
    return when.astimezone(_BANK_ZONE).date()


def stamp(when: datetime) -> str:
    """The moment as text, for bodies that are not written by the gate."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def item_shape(item: Item, *, has_empty_webhook: bool) -> Shape:
    """The Item beside accounts. No webhook is shown as `""` or as null."""
    billed = sorted(item.products)
    return {
        "auth_method": None,
        "available_products": [name for name in _OTHER_PRODUCTS if name not in item.products],
        "billed_products": billed,
        "consent_expiration_time": item.consent_expiration_at,
        "error": item.error,
        "institution_id": item.institution.institution_id,
        "institution_name": item.institution.name,
        "item_id": item.item_id,
        "products": billed,
        "update_type": item.update_type,
        "consented_products": billed,
        "webhook": item.webhook if item.webhook or not has_empty_webhook else "",
    }


def item_with_consent_shape(item: Item, *, has_empty_webhook: bool) -> Shape:
    """The Item in `/item/get`."""
    return item_shape(item, has_empty_webhook=has_empty_webhook) | {
        "consented_data_scopes": ["account_balance_info", "transactions"],
        "consented_use_cases": ["Track and manage your finances"],
        "created_at": item.created_at,
    }


def status_shape(item: Item, *, is_fresh_null: bool) -> Shape | None:
    """The free proof of age: when Plaid last reached the bank. Before anything happened, null times or null."""
    pulls_known = item.last_successful_update_at or item.last_failed_update_at
    if is_fresh_null and pulls_known is None and item.last_webhook is None:
        return None
    last_webhook = None
    if item.last_webhook is not None:
        last_webhook = {"sent_at": item.last_webhook[0], "code_sent": item.last_webhook[1]}
    transactions = None
    if item.has_transactions:
        transactions = {
            "last_successful_update": item.last_successful_update_at,
            "last_failed_update": item.last_failed_update_at,
        }
    return {"investments": None, "last_webhook": last_webhook, "transactions": transactions}


def pending_disconnect_shape(
    item: Item, now: datetime, reason: str = "INSTITUTION_TOKEN_EXPIRATION"
) -> Shape:
    """What PENDING_DISCONNECT says besides the Item; a week from now where the consent has no end."""
    ends_at = item.consent_expiration_at or now + NOTICE_AHEAD
    return {"reason": reason, "disconnect_time": stamp(ends_at)}


def account_shape(item: Item, account: LinkedAccount, balances: Balances | None) -> Shape:
    """An account with these balances; only Capital One and Apple Card date them."""
    facts = account.ledger.facts
    shape: Shape = {
        "account_id": account.account_id,
        "balances": _balances_shape(account, balances),
        "holder_category": facts.holder_category,
        "mask": facts.mask,
        "name": facts.name,
        "official_name": facts.official_name,
        "subtype": facts.account_subtype,
        "type": facts.account_type,
    }
    bank = item.institution.institution_id
    if balances is not None and bank in {APPLE_CARD, CAPITAL_ONE}:
        shape["balances"]["last_updated_datetime"] = balances.seen_at.replace(microsecond=0)
    if bank in PERSISTENT_ID_INSTITUTIONS and facts.account_type == "depository":
        shape["persistent_account_id"] = account.ledger.account_id.encode().hex()
    return shape


def _balances_shape(account: LinkedAccount, balances: Balances | None) -> Shape:
    facts = account.ledger.facts
    digits = facts.minor_digits
    return {
        "available": number(balances.available_minor, digits) if balances else None,
        "current": number(balances.current_minor, digits) if balances else None,
        "iso_currency_code": facts.currency,
        "limit": number(facts.limit_minor, digits),
        "unofficial_currency_code": None,
    }


def transaction_shape(account: LinkedAccount, txn: Txn, *, has_original: bool) -> Shape:
    """One transaction."""
    posting = txn.posting
    facts = account.ledger.facts
    announced_on = bank_date(posting.pending_since or posting.posted_at)
    category = _INCOME if posting.amount_minor > 0 else _SPENDING
    return {
        "account_id": txn.account_id,
        "account_owner": None,
        "amount": number(-posting.amount_minor, facts.minor_digits),
        "authorized_date": announced_on,
        "authorized_datetime": None,
        "category": None,
        "category_id": None,
        "check_number": None,
        "counterparties": [],
        "date": announced_on if txn.is_pending else bank_date(posting.posted_at),
        "datetime": None,
        "iso_currency_code": facts.currency,
        "location": _LOCATION,
        "logo_url": None,
        "merchant_entity_id": None,
        "merchant_name": None,
        "name": posting.description,
        "original_description": posting.description if has_original else None,
        "payment_channel": "other",
        "payment_meta": _PAYMENT_META,
        "pending": txn.is_pending,
        "pending_transaction_id": txn.pending_transaction_id,
        "personal_finance_category": category,
        "personal_finance_category_icon_url": f"{_ICONS}{category['primary']}.png",
        "transaction_code": None,
        "transaction_id": txn.transaction_id,
        "transaction_type": "special",
        "unofficial_currency_code": None,
        "website": None,
    }


def institution_shape(bank: Institution) -> Shape:
    """An institution without its optional parts."""
    is_supported = bank.down_code != "INSTITUTION_NO_LONGER_SUPPORTED"
    return {
        "connection_availability": "SUPPORTED" if is_supported else "NOT_SUPPORTED",
        "country_codes": ["US"],
        "institution_id": bank.institution_id,
        "name": bank.name,
        "oauth": bank.is_oauth,
        "products": ["assets", "auth", "balance", "identity", "transactions"],
        "routing_numbers": [],
        "dtc_numbers": [],
    }


def institution_status_shape(now: datetime, *, is_down: bool, is_delayed: bool) -> Shape:
    """Health as Plaid sees it: HEALTHY, DEGRADED or DOWN, refresh NORMAL, DELAYED or STOPPED."""
    if is_down:
        health, refresh, success = "DOWN", "STOPPED", Decimal("0.02")
    elif is_delayed:
        health, refresh, success = "DEGRADED", "DELAYED", Decimal("0.55")
    else:
        health, refresh, success = "HEALTHY", "NORMAL", Decimal("0.98")
    breakdown: Shape = {
        "success": success,
        "error_plaid": Decimal("0.005"),
        "error_institution": Decimal("0.995") - success,
    }
    login_health = "DOWN" if is_down else "HEALTHY"
    login: Shape = {"status": login_health, "last_status_change": now, "breakdown": breakdown}
    updates: Shape = login | {
        "status": health,
        "breakdown": breakdown | {"refresh_interval": refresh},
    }
    incident: Shape = {
        "start_date": now,
        "end_date": None,
        "title": "Logins and updates fail",
        "incident_updates": [
            {"description": "Investigating.", "status": "INVESTIGATING", "updated_date": now}
        ],
    }
    return _NO_STATUS | {
        "health_incidents": [incident] if is_down else None,
        "item_logins": login,
        "transactions_updates": updates,
    }
