"""Fields: what each endpoint may be asked, as one table, and the refusal of everything else.

Names: the request models of plaid-python 46.0.0. Codes: docs "Invalid Request errors", 7 Mar 2026: a wrong type or value is
INVALID_FIELD (INVALID_BODY is for what is no JSON); names in objects are told with their path (`options.count`, seen in public reports).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

from rowcol.sandbox.plaid.errors import PlaidError

_TYPE_NAMES: Final[dict[type, str]] = {
    bool: "a boolean",
    dict: "an object",
    float: "a number",
    int: "an integer",
    list: "an array",
    str: "a string",
}
_PRODUCTS: Final = (
    "assets auth beacon identity identity_match investments investments_auth liabilities payment_initiation "
    "identity_verification transactions credit_details income income_verification standing_orders transfer "
    "employment recurring_transactions signal statements processor_payments processor_identity profile "
    "cra_base_report cra_income_insights cra_partner_insights cra_network_insights cra_cashflow_insights "
    "cra_monitoring cra_lend_score cra_plaid_credit_score cra_qualify cra_home_lending layer pay_by_bank "
    "protect_linked_bank protect_transactions"
)
"""Not here: `balance` and `transactions_refresh`, which are never products of Link."""


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_address(url: str) -> bool:
    """Whether it is an absolute http(s) URL."""
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_absolute = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return is_absolute and has_port and url.isprintable() and " " not in url


_FORMS: Final[dict[str, Callable[[str], bool]]] = {
    "a date": _is_date,
    "a valid URL": _is_address,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. Bounds count the characters of a text and the elements of an array."""

    kind: type = object
    is_required: bool = False
    least: float = float("-inf")
    most: float = float("inf")
    words: str = ""
    """The only texts that are allowed; any if empty."""
    form: str = ""
    """One of `_FORMS`."""
    code: str = "INVALID_FIELD"
    """What another word is refused with."""
    each: Field | None = None
    """What an array holds."""
    inside: Mapping[str, Field] | None = None
    """What an object holds; anything if None."""


def _object(**inside: Field) -> Field:
    return Field(dict, inside=inside)


def _list(each: Field, **more: Any) -> Field:
    return Field(list, each=each, **more)


_ANY: Final = Field()
_TEXT: Final = Field(str)
_NAME: Final = Field(str, least=1)
_FLAG: Final = Field(bool)
_NEEDED: Final = Field(str, is_required=True)
_DAY: Final = Field(str, is_required=True, form="a date")
_URL: Final = Field(str, form="a valid URL")
_TOKEN: Final = {"access_token": _NEEDED}
_COUNTRIES: Final = _list(
    Field(str, words="AT BE CA DE DK EE ES FI FR GB IE IT LT LV NL NO PL PT SE US"),
    is_required=True,
    least=1,
)
_DAYS: Final = Field(int, least=1, most=730)
_PRODUCT: Final = Field(str, words=_PRODUCTS, code="INVALID_PRODUCT")
_PRODUCT_LIST: Final = _list(_PRODUCT)
_SUBTYPES: Final = _object(account_subtypes=_list(_NAME))
_LINK_EXTRAS: Final = (
    "access_tokens android_package_name appearance_mode auth base_report card_switch cashflow_report "
    "consumer_report_permissible_purpose cra_enabled cra_options cra_report_parameter credit_partner_insights "
    "employment enable_multi_item_link eu_config financekit_supported identity identity_verification "
    "income_verification institution_data institution_id investments investments_auth link_customization_name "
    "payment_configuration payment_initiation statements third_party_user_token transfer user_token"
)
"""Known, and ignored here."""
_PERSON_EXTRAS: Final = (
    "address date_of_birth email_address email_address_verified_time id_number legal_name name phone_number "
    "phone_number_verified_time ssn"
)
_LINK: Final = {
    "client_name": Field(str, is_required=True, least=1),
    # Norwegian is `nb` in the SDK and `no` in the docs.
    "language": Field(
        str, is_required=True, words="da de en es et fr hi ht it lt lv nb nl no pl pt ro sv vi"
    ),
    "country_codes": _COUNTRIES,
    "access_token": _NAME,
    "account_filters": _object(
        **dict.fromkeys(("depository", "credit", "loan", "investment", "other"), _SUBTYPES)
    ),
    "products": _PRODUCT_LIST,
    "required_if_supported_products": _PRODUCT_LIST,
    "optional_products": _PRODUCT_LIST,
    "additional_consented_products": _PRODUCT_LIST,
    "hosted_link": _object(
        completion_redirect_uri=_URL,
        delivery_method=_TEXT,
        is_mobile_app=_FLAG,
        url_lifetime_seconds=Field(int, least=1, most=21 * 86_400),
    ),
    "redirect_uri": _URL,
    "transactions": _object(days_requested=_DAYS),
    "update": _object(
        account_selection_enabled=_FLAG,
        reauthorization_enabled=_FLAG,
        item_ids=_list(_NAME),
        user=_FLAG,
    ),
    "user": _object(client_user_id=_NAME, **dict.fromkeys(_PERSON_EXTRAS.split(), _ANY)),
    "user_id": _NAME,
    "webhook": _URL,
    **dict.fromkeys(_LINK_EXTRAS.split(), _ANY),
}
_LOGIN_OPTIONS: Final = _object(
    webhook=_URL,
    override_username=_TEXT,
    override_password=_TEXT,
    transactions=_object(
        days_requested=_DAYS,
        start_date=Field(str, form="a date"),
        end_date=Field(str, form="a date"),
    ),
    statements=_ANY,
    income_verification=_ANY,
)
_ROW: Final = _object(
    date_transacted=_DAY,
    date_posted=_DAY,
    amount=Field(float, is_required=True),
    description=_NEEDED,
    iso_currency_code=_TEXT,
    account_id=_TEXT,
)

FIELDS: Final[dict[str, Mapping[str, Field]]] = {
    "/item/get": _TOKEN,
    "/accounts/get": _TOKEN | {"options": _object(account_ids=_list(_TEXT))},
    "/accounts/balance/get": _TOKEN
    | {"options": _object(account_ids=_list(_TEXT), min_last_updated_datetime=_TEXT)},
    "/transactions/sync": _TOKEN
    | {
        "cursor": Field(str, most=256),
        "count": Field(int, least=1, most=500),
        "options": _object(
            account_id=_TEXT,
            days_requested=_DAYS,
            include_logo_and_counterparty_beta=_FLAG,
            include_original_description=_FLAG,
            include_personal_finance_category=_FLAG,
            personal_finance_category_version=Field(str, words="v1 v2"),
        ),
    },
    "/transactions/refresh": _TOKEN,
    "/webhook_verification_key/get": {"key_id": _NEEDED},
    "/institutions/get_by_id": {
        "institution_id": _NEEDED,
        "country_codes": _COUNTRIES,
        "options": _object(
            include_optional_metadata=_FLAG,
            include_status=_FLAG,
            include_auth_metadata=_FLAG,
            include_payment_initiation_metadata=_FLAG,
        ),
    },
    "/item/public_token/exchange": {"public_token": _NEEDED},
    "/link/token/create": _LINK,
    "/link/token/get": {"link_token": _NEEDED},
    "/item/remove": _TOKEN
    | {
        "reason_code": Field(
            str,
            words="FRAUD_FIRST_PARTY FRAUD_FALSE_IDENTITY FRAUD_ABUSE FRAUD_OTHER CONNECTION_IS_NON_FUNCTIONAL OTHER",
        ),
        "reason_note": Field(str, most=512),
    },
    "/item/webhook/update": _TOKEN | {"webhook": _URL},
    "/item/access_token/invalidate": _TOKEN,
    "/sandbox/public_token/create": {
        "institution_id": _NEEDED,
        "initial_products": _list(_PRODUCT, is_required=True, least=1),
        "options": _LOGIN_OPTIONS,
        "user_token": _TEXT,
        "user_id": _TEXT,
    },
    "/sandbox/item/fire_webhook": _TOKEN
    | {
        "webhook_code": _NEEDED,
        "webhook_type": Field(
            str,
            words="AUTH HOLDINGS INVESTMENTS_TRANSACTIONS ITEM LIABILITIES TRANSACTIONS ASSETS IDENTITY",
        ),
        "options": _object(new_transactions=Field(int)),
    },
    "/sandbox/item/reset_login": _TOKEN,
    "/sandbox/transactions/create": _TOKEN
    | {"transactions": _list(_ROW, is_required=True, least=1, most=10)},
}
"""Path -> its fields, besides the credentials."""


def check_fields(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without its nulls, which mean that a field is not given. Raise what Plaid answers to nonsense."""
    return _checked_object(body, FIELDS[path], "")


def _checked_object(
    values: Mapping[str, Any], fields: Mapping[str, Field], prefix: str
) -> dict[str, Any]:
    given = {name: value for name, value in values.items() if value is not None}
    missing = [
        prefix + name for name, field in fields.items() if field.is_required and name not in given
    ]
    if missing:
        raise PlaidError("MISSING_FIELDS", ", ".join(missing))
    if unknown := sorted(prefix + name for name in given.keys() - fields.keys()):
        raise PlaidError("UNKNOWN_FIELDS", ", ".join(unknown))
    return {name: _checked(value, fields[name], prefix + name) for name, value in given.items()}


def _checked(value: Any, field: Field, name: str) -> Any:
    if complaint := _complaint(value, field):
        raise PlaidError("INVALID_FIELD", f"{name} must be {complaint}")
    if field.words and value not in field.words.split():
        is_field = field.code == "INVALID_FIELD"
        detail = f"{name} must be one of {field.words}" if is_field else str(value)
        raise PlaidError(field.code, detail)
    if field.inside is not None:
        return _checked_object(value, field.inside, f"{name}.")
    if field.each is not None:
        return [_checked(one, field.each, name) for one in value]
    return value


def _complaint(value: Any, field: Field) -> str:
    """What the value should be by its kind, size or form, and is not."""
    if field.kind is object:
        return ""
    kind_name = _TYPE_NAMES[field.kind]
    is_kind = isinstance(value, (int, float) if field.kind is float else field.kind)
    if not is_kind or (isinstance(value, bool) and field.kind is not bool):
        return kind_name
    size = len(value) if isinstance(value, str | list | dict) else value
    if not field.least <= size <= field.most:
        return (
            f"{kind_name} of {field.least} to {field.most}" if size else f"{kind_name}, not empty"
        )
    return field.form if field.form and not _FORMS[field.form](value) else ""
