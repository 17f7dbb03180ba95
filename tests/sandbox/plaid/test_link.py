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
