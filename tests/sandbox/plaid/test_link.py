"""Linking: tokens begin and end when they should."""

from __future__ import annotations

from typing import Any

import pytest

from rowcol.sandbox.plaid import Switches
from tests.sandbox.rig import WEBHOOK, Rig

LINK: dict[str, Any] = {
    "client_name": "RowCol",
    "language": "en",
    "country_codes": ["US"],
    "user": {"client_user_id": "u1"},
    "products": ["transactions"],
}
CREATE = "/link/token/create"
EXCHANGE = "/item/public_token/exchange"


async def test_link_tokens(rig: Rig) -> None:
    answer = await rig.ok(CREATE, **LINK, hosted_link={})
    assert answer["link_token"].startswith("link-sandbox-")
    assert answer["expiration"] == "2026-01-05T13:00:00Z"
    assert answer["hosted_link_url"].startswith("http://127.0.0.1:80/hl/")
    update = {name: value for name, value in LINK.items() if name != "products"}
    answer = await rig.ok(CREATE, **update, access_token=rig.item().access_token)
    assert answer["expiration"] == "2026-01-05T09:30:00Z"
    assert "hosted_link_url" not in answer
    assert await rig.error(CREATE, **update) == "MISSING_FIELDS"
    assert await rig.error(CREATE, **(LINK | {"user": {}})) == "MISSING_FIELDS"
    assert await rig.error(CREATE, **(LINK | {"products": ["balance"]})) == "INVALID_PRODUCT"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"language": "tlh"}, "INVALID_FIELD"),
        ({"country_codes": ["XX"]}, "INVALID_FIELD"),
        ({"country_codes": []}, "INVALID_FIELD"),
        ({"country_codes": [1]}, "INVALID_FIELD"),
        ({"client_name": " "}, "INVALID_FIELD"),
        ({"products": ["balance"]}, "INVALID_PRODUCT"),
        ({"products": ["gold"]}, "INVALID_PRODUCT"),
        ({"optional_products": ["transactions_refresh"]}, "INVALID_PRODUCT"),
        ({"optional_products": ["transactions"]}, "INVALID_FIELD"),
        ({"optional_products": "auth"}, "INVALID_FIELD"),
        ({"webhook": "/webhooks/plaid"}, "INVALID_FIELD"),
        ({"webhook": "ftp://example.com"}, "INVALID_FIELD"),
        ({"webhook": "http://"}, "INVALID_FIELD"),
        ({"webhook": "http://[/"}, "INVALID_FIELD"),
        ({"webhook": "http://x:0/"}, "INVALID_FIELD"),
        ({"webhook": "http://x:99999/"}, "INVALID_FIELD"),
        ({"webhook": "http://x y/"}, "INVALID_FIELD"),
        ({"webhook": 1}, "INVALID_FIELD"),
        ({"redirect_uri": "there"}, "INVALID_FIELD"),
        ({"transactions": []}, "INVALID_FIELD"),
        ({"transactions": {"days_requested": 0}}, "INVALID_FIELD"),
        ({"transactions": {"days_requested": 731}}, "INVALID_FIELD"),
        ({"transactions": {"days_requested": True}}, "INVALID_FIELD"),
        ({"transactions": {"days_requested": "90"}}, "INVALID_FIELD"),
        ({"hosted_link": []}, "INVALID_FIELD"),
        ({"hosted_link": {"colour": "red"}}, "UNKNOWN_FIELDS"),
        ({"hosted_link": {"url_lifetime_seconds": 0}}, "INVALID_FIELD"),
        ({"hosted_link": {"url_lifetime_seconds": 21 * 86_400 + 1}}, "INVALID_FIELD"),
        ({"hosted_link": {"url_lifetime_seconds": "900"}}, "INVALID_FIELD"),
        ({"hosted_link": {"delivery_method": "sms"}}, "INVALID_FIELD"),
        ({"hosted_link": {"completion_redirect_uri": "javascript:alert(1)"}}, "INVALID_FIELD"),
        ({"account_filters": {"gold": {}}}, "UNKNOWN_FIELDS"),
        ({"account_filters": {"loan": []}}, "INVALID_FIELD"),
        ({"account_filters": {"loan": {"account_subtypes": "all"}}}, "INVALID_FIELD"),
        ({"account_filters": {"loan": {"account_subtypes": [1]}}}, "INVALID_FIELD"),
        ({"update": {"account_selection_enabled": "yes"}}, "INVALID_FIELD"),
        ({"update": 1}, "INVALID_FIELD"),
        ({"user": {}}, "MISSING_FIELDS"),
        ({"user": "u1"}, "INVALID_FIELD"),
    ],
)
async def test_nonsense_makes_no_link_token(rig: Rig, wrong: dict[str, Any], code: str) -> None:
    assert await rig.error(CREATE, **(LINK | wrong)) == code
    assert rig.emulator.link_tokens.all() == []


async def test_what_is_right_at_the_edge(rig: Rig) -> None:
    right: dict[str, Any] = {
        "language": "nb",
        "country_codes": ["US", "CA"],
        "user": None,
        "user_id": "usr_1",
        "optional_products": ["auth"],
        "transactions": {"days_requested": 730},
        "hosted_link": {"url_lifetime_seconds": 21 * 86_400, "is_mobile_app": False},
        "account_filters": {"loan": {"account_subtypes": []}},
        "redirect_uri": "https://example.com",
    }
    made = await rig.ok(CREATE, **(LINK | right))
    assert (made["expiration"], made["user_id"]) == ("2026-01-26T09:00:00Z", "usr_1")
    answer = await rig.ok("/link/token/get", link_token=made["link_token"])
    assert (answer["user_id"], answer["metadata"]["redirect_uri"]) == (
        "usr_1",
        "https://example.com",
    )


async def test_a_public_token_is_good_for_one_exchange_in_half_an_hour(rig: Rig) -> None:
    wish = rig.item().wish
    token = rig.emulator.offer(wish, ["cash"])
    await rig.ok(EXCHANGE, public_token=token)
    assert await rig.error(EXCHANGE, public_token=token) == "INVALID_PUBLIC_TOKEN"
    late = rig.emulator.offer(wish, ["cash"])
    await rig.advance(minutes=31)
    assert await rig.error(EXCHANGE, public_token=late) == "INVALID_PUBLIC_TOKEN"
    assert await rig.error(EXCHANGE, public_token="nonsense") == "INVALID_PUBLIC_TOKEN"


async def test_item_get_shows_time_and_webhook(rig: Rig) -> None:
    item = rig.item()
    answer = await rig.ok("/item/get", access_token=item.access_token)
    assert answer["status"] == {
        "investments": None,
        "last_webhook": None,
        "transactions": {
            "last_successful_update": "2026-01-05T09:00:00Z",
            "last_failed_update": None,
        },
    }
    rig.emulator.notify_sync(item)
    answer = await rig.ok("/item/get", access_token=item.access_token)
    assert answer["status"]["last_webhook"]["code_sent"] == "SYNC_UPDATES_AVAILABLE"


async def test_removal_ends_the_item_and_its_bill(rig: Rig) -> None:
    item = rig.item()
    token = item.access_token
    assert await rig.error("/item/remove", access_token=token, reason_code="WHIM") == (
        "INVALID_FIELD"
    )
    long = "x" * 513
    assert await rig.error("/item/remove", access_token=token, reason_note=long) == "INVALID_FIELD"
    await rig.ok("/item/remove", access_token=token, reason_code="OTHER", reason_note="moved")
    assert await rig.error("/item/get", access_token=token) == "ITEM_NOT_FOUND"
    await rig.advance(days=90)
    assert rig.emulator.billing.item_months(rig.now) == 1


@pytest.mark.parametrize(("is_empty", "shown"), [(True, ""), (False, None)])
async def test_webhook_updates(is_empty: bool, shown: str | None) -> None:
    rig = Rig(Switches(unset_webhook_is_empty=is_empty))
    item = rig.item(webhook=None)
    path = "/item/webhook/update"
    answer = await rig.ok(path, access_token=item.access_token, webhook=WEBHOOK)
    assert answer["item"]["webhook"] == WEBHOOK
    await rig.advance(seconds=0)
    assert rig.inbox.codes() == ["WEBHOOK_UPDATE_ACKNOWLEDGED"]
    assert rig.inbox.last()["new_webhook_url"] == WEBHOOK
    answer = await rig.ok(path, access_token=item.access_token, webhook=None)
    assert answer["item"]["webhook"] == shown
    assert not rig.emulator.notify_sync(item)


async def test_rotation_kills_the_old_token_at_once(rig: Rig) -> None:
    item = rig.item()
    old = item.access_token
    answer = await rig.ok("/item/access_token/invalidate", access_token=old)
    assert await rig.error("/item/get", access_token=old) == "INVALID_ACCESS_TOKEN"
    await rig.ok("/item/get", access_token=answer["new_access_token"])
