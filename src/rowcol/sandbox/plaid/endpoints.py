"""The endpoints: path -> what answers it -> which fields it knows."""

from __future__ import annotations

from typing import Final

from rowcol.sandbox.plaid import accounts, institutions, link, sandbox_only, transactions
from rowcol.sandbox.plaid.gate import Endpoint

_TOKEN: Final = ("access_token",)
_OPTIONS: Final = frozenset({"options"})
_LINK_FIELDS: Final = frozenset(
    {
        "access_token",
        "account_filters",
        "additional_consented_products",
        "android_package_name",
        "auth",
        "enable_multi_item_link",
        "hosted_link",
        "identity",
        "institution_data",
        "institution_id",
        "investments",
        "link_customization_name",
        "optional_products",
        "products",
        "redirect_uri",
        "required_if_supported_products",
        "statements",
        "transactions",
        "update",
        "user",
        "user_id",
        "user_token",
        "webhook",
    }
)

ENDPOINTS: Final = (
    Endpoint("/item/get", link.get_item, _TOKEN),
    Endpoint("/accounts/get", accounts.get_accounts, _TOKEN, _OPTIONS),
    Endpoint(
        "/transactions/sync",
        transactions.sync_transactions,
        _TOKEN,
        _OPTIONS | {"cursor", "count"},
    ),
    Endpoint("/accounts/balance/get", accounts.get_live_balances, _TOKEN, _OPTIONS, is_live=True),
    Endpoint("/webhook_verification_key/get", institutions.get_verification_key, ("key_id",)),
    Endpoint(
        "/institutions/get_by_id",
        institutions.get_institution,
        ("institution_id", "country_codes"),
        _OPTIONS,
    ),
    Endpoint("/transactions/refresh", transactions.refresh_transactions, _TOKEN),
    Endpoint("/item/public_token/exchange", link.exchange_public_token, ("public_token",)),
    Endpoint(
        "/link/token/create",
        link.create_link_token,
        ("client_name", "language", "country_codes"),
        _LINK_FIELDS,
    ),
    Endpoint("/link/token/get", link.get_link_token, ("link_token",)),
    Endpoint("/item/remove", link.remove_item, _TOKEN, frozenset({"reason_code", "reason_note"})),
    Endpoint("/item/webhook/update", link.update_webhook, _TOKEN, frozenset({"webhook"})),
    Endpoint("/item/access_token/invalidate", link.invalidate_access_token, _TOKEN),
    Endpoint(
        "/sandbox/public_token/create",
        sandbox_only.create_public_token,
        ("institution_id", "initial_products"),
        _OPTIONS | {"user_token", "user_id"},
    ),
    Endpoint(
        "/sandbox/item/fire_webhook",
        sandbox_only.fire_webhook,
        ("access_token", "webhook_code"),
        _OPTIONS | {"webhook_type"},
    ),
    Endpoint("/sandbox/item/reset_login", sandbox_only.reset_login, _TOKEN),
    Endpoint(
        "/sandbox/transactions/create",
        sandbox_only.create_transactions,
        ("access_token", "transactions"),
    ),
)
