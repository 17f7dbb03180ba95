"""Sandbox-only endpoints: an Item without a browser, webhooks without a cause, transactions on order."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from rowcol.sandbox.plaid import Switches
from tests.sandbox.rig import WEBHOOK, Rig

CREATE = "/sandbox/public_token/create"
FIRE = "/sandbox/item/fire_webhook"
BOOK = "/sandbox/transactions/create"


async def _link(rig: Rig, **options: Any) -> str:
    made = await rig.ok(
        CREATE,
        institution_id="ins_109508",
        initial_products=["transactions"],
        options={"webhook": WEBHOOK} | options,
    )
    answer = await rig.ok("/item/public_token/exchange", public_token=made["public_token"])
    token: str = answer["access_token"]
    return token


async def test_default_accounts_have_the_documented_balances(rig: Rig) -> None:
    token = await _link(rig)
    accounts = (await rig.ok("/accounts/get", access_token=token))["accounts"]
    shown = {
        one["mask"]: (one["balances"]["available"], one["balances"]["current"]) for one in accounts
    }
    assert shown == {
        "0000": (100, 110),
        "1111": (200, 210),
        "3333": (None, 410),
        "4444": (43_200, 43_200),
        "5555": (None, 320.76),
        "6666": (None, 23_631.9805),
        "7777": (None, 65_262),
        "8888": (None, 56_302.06),
    }


async def test_custom_users(rig: Rig) -> None:
    password = {
        "override_accounts": [
            {
                "type": "depository",
                "subtype": "checking",
                "starting_balance": 1000.5,
                "meta": {"name": "Mine", "mask": "9"},
                "transactions": [
                    {
                        "date_transacted": "2026-01-02",
                        "date_posted": "2026-01-03",
                        "amount": 12.34,
                        "description": "Coffee",
                    },
                    {
                        "date_transacted": "2026-01-04",
                        "date_posted": "2026-01-09",
                        "amount": 5,
                        "description": "Pending",
                    },
                ],
            }
        ]
    }
    token = await _link(
        rig, override_username="user_custom", override_password=json.dumps(password)
    )
    await rig.advance(minutes=2)
    page = await rig.ok("/transactions/sync", access_token=token)
    rows = {row["name"]: (row["amount"], row["pending"], row["date"]) for row in page["added"]}
    assert rows == {
        "Coffee": (12.34, False, "2026-01-03"),
        "Pending": (5, True, "2026-01-04"),
    }
    assert page["accounts"][0]["balances"]["current"] == 1000.5
    assert page["accounts"][0]["balances"]["available"] == 995.5


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"override_password": "error_ITEM_LOCKED"}, "ITEM_LOCKED"),
        ({"override_password": "error_NO_SUCH"}, "INTERNAL_SERVER_ERROR"),
        ({"override_username": "user_custom", "override_password": "{"}, "INVALID_CREDENTIALS"),
        ({"override_username": "user_custom", "override_password": "{}"}, "INVALID_CREDENTIALS"),
        (
            {
                "override_username": "user_custom",
                "override_password": '{"override_accounts": [{"type": 1}]}',
            },
            "INVALID_CREDENTIALS",
        ),
        (
            {
                "override_username": "user_custom",
                "override_password": '{"force_error": "INVALID_MFA"}',
            },
            "INVALID_MFA",
        ),
        ({"transactions": {"days_requested": 731}}, "INVALID_FIELD"),
        ({"transactions": {"start_date": "soon"}}, "INVALID_FIELD"),
    ],
)
async def test_link_errors(rig: Rig, options: dict[str, Any], code: str) -> None:
    wish = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    assert await rig.error(CREATE, **wish, options=options) == code


async def test_banks_that_cannot_be_linked(rig: Rig) -> None:
    for bank, code in (
        ("ins_132361", "INSTITUTION_DOWN"),
        ("ins_133402", "INSTITUTION_NO_LONGER_SUPPORTED"),
        ("ins_0", "INVALID_INSTITUTION"),
    ):
        wish = {"institution_id": bank, "initial_products": ["transactions"]}
        assert await rig.error(CREATE, **wish) == code
    wish = {"institution_id": "ins_109508", "initial_products": ["balance"]}
    assert await rig.error(CREATE, **wish) == "INVALID_PRODUCT"


@pytest.mark.parametrize(
    ("code", "kind", "key"),
    [
        ("DEFAULT_UPDATE", "TRANSACTIONS", "new_transactions"),
        ("RECURRING_TRANSACTIONS_UPDATE", "TRANSACTIONS", "account_ids"),
        ("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS", "initial_update_complete"),
        ("LOGIN_REPAIRED", "ITEM", "item_id"),
        ("NEW_ACCOUNTS_AVAILABLE", "ITEM", "error"),
        ("PENDING_DISCONNECT", "ITEM", "reason"),
        ("USER_ACCOUNT_REVOKED", "ITEM", "account_id"),
        ("USER_PERMISSION_REVOKED", "ITEM", "item_id"),
        ("ERROR", "ASSETS", "error"),
    ],
)
async def test_fired_webhooks(rig: Rig, code: str, kind: str, key: str) -> None:
    item = rig.item()
    answer = await rig.ok(FIRE, access_token=item.access_token, webhook_code=code)
    assert answer["webhook_fired"] is True
    await rig.advance(seconds=0)
    body = rig.inbox.last()
    assert (body["webhook_type"], body["webhook_code"]) == (kind, code)
    assert key in body
    assert body["environment"] == "sandbox"


@pytest.mark.parametrize("status", [400, 412])
async def test_nothing_is_fired_without_a_webhook(status: int) -> None:
    rig = Rig(Switches(sandbox_error_http_status=status))
    item = rig.item(webhook=None)
    got, answer = await rig.call(
        FIRE, access_token=item.access_token, webhook_code="LOGIN_REPAIRED"
    )
    assert (got, answer["error_code"]) == (status, "SANDBOX_WEBHOOK_INVALID")
    bad = {"access_token": item.access_token, "webhook_code": "PENDING_EXPIRATION"}
    assert await rig.error(FIRE, **bad) == "INVALID_FIELD"


@pytest.mark.parametrize("generates", [True, False])
async def test_firing_sync_updates_may_make_transactions(generates: bool) -> None:
    rig = Rig(Switches(fire_generates_transactions=generates))
    item = rig.item()
    mirror = await rig.sync_all(item)
    await rig.ok(FIRE, access_token=item.access_token, webhook_code="SYNC_UPDATES_AVAILABLE")
    await mirror.update(rig, item)
    assert len(mirror.rows) == (2 if generates else 0)


async def test_reset_login(rig: Rig) -> None:
    item = rig.item()
    answer = await rig.ok("/sandbox/item/reset_login", access_token=item.access_token)
    assert answer["reset_login"] is True
    shown = await rig.ok("/item/get", access_token=item.access_token)
    assert shown["item"]["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"


async def test_transactions_on_order(rig: Rig) -> None:
    item = rig.item()
    mirror = await rig.sync_all(item)
    row = {"date_transacted": "2026-01-04", "date_posted": "2026-01-04", "description": "x"}
    account_id = next(iter(item.accounts))
    rows = [row | {"amount": 10.5}, row | {"amount": -3, "account_id": account_id}]
    await rig.ok(BOOK, access_token=item.access_token, transactions=rows)
    await rig.advance(minutes=1)
    assert rig.inbox.codes() == ["SYNC_UPDATES_AVAILABLE"]
    await mirror.update(rig, item)
    assert sorted(one["amount"] for one in mirror.rows.values()) == [-3, 10.5]


async def test_transactions_on_an_account_that_is_not_there(rig: Rig) -> None:
    row = {"date_transacted": "2026-01-04", "date_posted": "2026-01-04", "amount": 1}
    token = rig.item().access_token
    for account_id, code in (("nobody", "INVALID_ACCOUNT_ID"), ({"a": 1}, "INVALID_FIELD")):
        rows = [row | {"description": "x", "account_id": account_id}]
        assert await rig.error(BOOK, access_token=token, transactions=rows) == code


@pytest.mark.parametrize(
    ("days_ago", "code"), [(-1, "INVALID_FIELD"), (0, None), (14, None), (15, "INVALID_FIELD")]
)
async def test_the_days_that_may_be_ordered(rig: Rig, days_ago: int, code: str | None) -> None:
    day = (rig.now - timedelta(days=days_ago)).date().isoformat()
    row = {"date_transacted": day, "date_posted": day, "amount": 1, "description": "x"}
    _, answer = await rig.call(BOOK, access_token=rig.item().access_token, transactions=[row])
    assert answer.get("error_code") == code
