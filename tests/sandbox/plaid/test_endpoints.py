"""The endpoints: every path that Plaid documents for our products is there once."""

from __future__ import annotations

from rowcol.sandbox.plaid.endpoints import ENDPOINTS


def test_paths() -> None:
    assert sorted(endpoint.path for endpoint in ENDPOINTS) == [
        "/accounts/balance/get",
        "/accounts/get",
        "/institutions/get_by_id",
        "/item/access_token/invalidate",
        "/item/get",
        "/item/public_token/exchange",
        "/item/remove",
        "/item/webhook/update",
        "/link/token/create",
        "/link/token/get",
        "/sandbox/item/fire_webhook",
        "/sandbox/item/reset_login",
        "/sandbox/public_token/create",
        "/sandbox/transactions/create",
        "/transactions/refresh",
        "/transactions/sync",
        "/webhook_verification_key/get",
    ]
    assert [endpoint.path for endpoint in ENDPOINTS if endpoint.is_live] == [
        "/accounts/balance/get"
    ]
