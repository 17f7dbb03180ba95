"""The endpoints: path -> what answers it. Which fields each knows is in `fields`."""

from __future__ import annotations

from typing import Final

from rowcol.sandbox.plaid import accounts, institutions, link, sandbox_only, transactions
from rowcol.sandbox.plaid.gate import Endpoint

ENDPOINTS: Final = (
    Endpoint("/item/get", link.get_item),
    Endpoint("/accounts/get", accounts.get_accounts),
    Endpoint("/transactions/sync", transactions.sync_transactions),
    Endpoint("/accounts/balance/get", accounts.get_live_balances, is_live=True),
    Endpoint("/webhook_verification_key/get", institutions.get_verification_key),
    Endpoint("/institutions/get_by_id", institutions.get_institution),
    Endpoint("/transactions/refresh", transactions.refresh_transactions),
    Endpoint("/item/public_token/exchange", link.exchange_public_token),
    Endpoint("/link/token/create", link.create_link_token),
    Endpoint("/link/token/get", link.get_link_token),
    Endpoint("/item/remove", link.remove_item),
    Endpoint("/item/webhook/update", link.update_webhook),
    Endpoint("/item/access_token/invalidate", link.invalidate_access_token),
    Endpoint("/sandbox/public_token/create", sandbox_only.create_public_token),
    Endpoint("/sandbox/item/fire_webhook", sandbox_only.fire_webhook),
    Endpoint("/sandbox/item/reset_login", sandbox_only.reset_login),
    Endpoint("/sandbox/transactions/create", sandbox_only.create_transactions),
)
