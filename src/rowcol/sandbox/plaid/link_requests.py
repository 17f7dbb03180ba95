"""What `/link/token/create` may ask: a checked `LinkRequest`, or Plaid's refusal.

Languages, countries and products: plaid-python 46.0.0 (Norwegian is `nb` there and `no` in the docs). That a wrong one is
INVALID_FIELD or INVALID_PRODUCT follows from the error pages; nobody ran each.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from rowcol.sandbox.plaid.calls import Call
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.link_tokens import LinkRequest

LINK_TOKEN_LIFE: Final = timedelta(hours=4)
UPDATE_TOKEN_LIFE: Final = timedelta(minutes=30)
_URL_LIFE_MAX_S: Final = 21 * 86_400
_DAYS_DEFAULT: Final = 90
_DAYS_MAX: Final = 730
_LANGUAGES: Final = "da de en es et fr hi ht it lt lv nb nl no pl pt ro sv vi"
_COUNTRIES: Final = "AT BE CA DE DK EE ES FI FR GB IE IT LT LV NL NO PL PT SE US"
_PRODUCTS: Final = (
    "assets auth beacon identity identity_match investments investments_auth liabilities payment_initiation "
    "identity_verification transactions credit_details income income_verification standing_orders transfer "
    "employment recurring_transactions signal statements processor_payments processor_identity profile "
    "cra_base_report cra_income_insights cra_partner_insights cra_network_insights cra_cashflow_insights "
    "cra_monitoring cra_lend_score cra_plaid_credit_score cra_qualify cra_home_lending layer pay_by_bank "
    "protect_linked_bank protect_transactions"
)
"""Not here: `balance` and `transactions_refresh`, which are never products of Link."""
_PRODUCT_FIELDS: Final = (
    "products",
    "required_if_supported_products",
    "optional_products",
    "additional_consented_products",
)
_HOSTED_TYPES: Final[dict[str, type]] = {
    "completion_redirect_uri": str,
    "delivery_method": str,
    "is_mobile_app": bool,
    "url_lifetime_seconds": int,
}
_ACCOUNT_TYPES: Final = frozenset({"depository", "credit", "loan", "investment", "other"})


def read_link_request(call: Call) -> tuple[LinkRequest, timedelta]:
    """The request and the life of its token. Raise what Plaid answers to nonsense."""
    body, item = call.body, call.linked_item
    user = body.get("user") or {}
    if not user.get("client_user_id") and not body.get("user_id"):
        raise PlaidError("MISSING_FIELDS", "user.client_user_id")
    if item is not None and item.is_revoked:
        raise PlaidError("USER_PERMISSION_REVOKED")
    products = _products(body)
    if item is None and not products:
        raise PlaidError("MISSING_FIELDS", "products")
    hosted = _hosted(body)
    update = body.get("update") or {}
    request = LinkRequest(
        client_id=call.client_id,
        client_name=_known_text(body["client_name"], "client_name"),
        language=_one_of(body["language"], _LANGUAGES, "language"),
        country_codes=_countries(body["country_codes"]),
        products=products,
        webhook=_address(body, "webhook"),
        days_requested=_days(body),
        redirect_uri=_address(body, "redirect_uri"),
        account_filters=_filters(body),
        user_id=body.get("user_id"),
        is_hosted="hosted_link" in body,
        completion_redirect_uri=_address(hosted, "completion_redirect_uri"),
        item=item,
        has_account_selection=_is_true(update, "account_selection_enabled"),
    )
    return request, _life(call, request, hosted)


def _life(call: Call, request: LinkRequest, hosted: Mapping[str, Any]) -> timedelta:
    """Asked for, else by the switch, else that of any link token."""
    life_s = hosted.get("url_lifetime_seconds")
    if life_s is None and request.is_hosted and request.item is None:
        life_s = call.emulator.switches.hosted_link_life_s
    if life_s is not None:
        return timedelta(seconds=life_s)
    return LINK_TOKEN_LIFE if request.item is None else UPDATE_TOKEN_LIFE


def _products(body: Mapping[str, Any]) -> tuple[str, ...]:
    asked = [name for field in _PRODUCT_FIELDS for name in body.get(field) or ()]
    wrong = sorted(set(asked) - set(_PRODUCTS.split()))
    if wrong:
        raise PlaidError("INVALID_PRODUCT", ", ".join(wrong))
    if len(set(asked)) < len(asked):
        raise PlaidError("INVALID_FIELD", "a product is named twice")
    return tuple(body.get("products") or ())


def _hosted(body: Mapping[str, Any]) -> dict[str, Any]:
    hosted = {
        name: value for name, value in body.get("hosted_link", {}).items() if value is not None
    }
    unknown = sorted(set(hosted) - set(_HOSTED_TYPES))
    if unknown:
        raise PlaidError("UNKNOWN_FIELDS", ", ".join(f"hosted_link.{name}" for name in unknown))
    for name, value in hosted.items():
        if type(value) is not _HOSTED_TYPES[name]:
            raise PlaidError("INVALID_FIELD", f"hosted_link.{name} has the wrong type")
    if "delivery_method" in hosted:
        raise PlaidError("INVALID_FIELD", "Link Delivery is only available in Production")
    if not 1 <= hosted.get("url_lifetime_seconds", 1) <= _URL_LIFE_MAX_S:
        raise PlaidError(
            "INVALID_FIELD", f"url_lifetime_seconds must be between 1 and {_URL_LIFE_MAX_S}"
        )
    return hosted


def _countries(codes: list[str]) -> tuple[str, ...]:
    if not codes:
        raise PlaidError("INVALID_FIELD", "country_codes must not be empty")
    return tuple(_one_of(code, _COUNTRIES, "country_codes") for code in codes)


def _days(body: Mapping[str, Any]) -> int:
    options = body.get("transactions", {})
    if not isinstance(options, dict):
        raise PlaidError("INVALID_BODY", "transactions must be an object")
    days = options.get("days_requested")
    days = _DAYS_DEFAULT if days is None else days
    if type(days) is not int or not 1 <= days <= _DAYS_MAX:
        raise PlaidError("INVALID_FIELD", f"days_requested must be between 1 and {_DAYS_MAX}")
    return days


def _filters(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """`{"depository": {"account_subtypes": ["checking"]}}`; `all` stands for every subtype."""
    filters: dict[str, Any] | None = body.get("account_filters")
    for name, value in (filters or {}).items():
        if name not in _ACCOUNT_TYPES or not isinstance(value, dict):
            raise PlaidError("INVALID_FIELD", f"account_filters.{name} is not valid")
        subtypes = value.get("account_subtypes", [])
        if not isinstance(subtypes, list) or not all(isinstance(one, str) for one in subtypes):
            raise PlaidError("INVALID_FIELD", f"account_filters.{name} is not valid")
    return filters


def _address(fields: Mapping[str, Any], name: str) -> str | None:
    """An absolute http(s) URL, or none."""
    url: str | None = fields.get(name)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_absolute = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_whole = is_absolute and (parts.port is None or parts.port > 0) and url.isprintable()
    except ValueError:
        is_whole = False
    if not is_whole or " " in url:
        raise PlaidError("INVALID_FIELD", f"{name} must be a valid URL")
    return url


def _is_true(options: Mapping[str, Any], name: str) -> bool:
    value = options.get(name)
    if value is not None and not isinstance(value, bool):
        raise PlaidError("INVALID_FIELD", f"update.{name} must be a boolean")
    return value is True


def _known_text(text: str, name: str) -> str:
    if not text.strip():
        raise PlaidError("MISSING_FIELDS", name)
    return text


def _one_of(value: str, allowed: str, name: str) -> str:
    if value not in allowed.split():
        raise PlaidError("INVALID_FIELD", f"{name} must be one of {allowed}")
    return value
