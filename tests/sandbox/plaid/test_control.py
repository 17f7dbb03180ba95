"""The control API: a firm is built, driven and inspected over HTTP alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rowcol.sandbox.plaid import PlaidEmulator, Switches, plaid_app
from rowcol.sandbox.world import World
from tests.sandbox.rig import WEBHOOK, Inbox, Rig, SeedBits, ask

LOGIN: dict[str, Any] = {
    "institution_id": "ins_56",
    "webhook": WEBHOOK,
    "accounts": [
        {
            "name": "Operating",
            "mask": "4321",
            "opening_minor": 1_000_000,
            "postings": [
                {
                    "posted_at": "2025-07-10T15:00:00Z",
                    "amount_minor": -25_050,
                    "description": "Rent",
                },
                {"posted_at": "2026-01-06T15:00:00Z", "amount_minor": 99_900},
            ],
        }
    ],
}


async def test_a_login_with_its_history_past_and_future(rig: Rig) -> None:
    made = await rig.control("items", **LOGIN)
    token = made["access_token"]
    page = await rig.ok("/transactions/sync", access_token=token)
    assert [row["name"] for row in page["added"]] == ["Rent"]
    assert page["transactions_update_status"] == "HISTORICAL_UPDATE_COMPLETE"
    account = (await rig.ok("/accounts/get", access_token=token))["accounts"][0]
    assert account["balances"]["current"] == 9749.5
    await rig.control("clock/advance", to="2026-01-08T00:00:00Z")
    account = (await rig.ok("/accounts/get", access_token=token))["accounts"][0]
    assert account["balances"]["current"] == 10748.5
    assert "SYNC_UPDATES_AVAILABLE" in rig.inbox.codes()


async def test_a_public_token_is_exchanged_by_the_client(rig: Rig) -> None:
    made = await rig.control("items", **LOGIN, exchange=False)
    assert rig.emulator.items == {}
    answer = await rig.ok("/item/public_token/exchange", public_token=made["public_token"])
    assert answer["item_id"] in rig.emulator.items


async def test_money_moves_pulls_and_deliveries(rig: Rig) -> None:
    made = await rig.control("items", **LOGIN)
    account_id = made["accounts"][0]["world_account_id"]
    await rig.ok("/transactions/sync", access_token=made["access_token"])
    postings = [{"amount_minor": -100, "description": "Coffee"}]
    moved = await rig.control(f"accounts/{account_id}/postings", postings=postings)
    assert len(moved["posting_ids"]) == 1
    await rig.control("faults", knob="webhooks", delay_fixed_s=9_999)
    assert await rig.control("pull", item_id=made["item_id"]) == {"succeeded": True}
    assert rig.inbox.codes() == []
    assert await rig.control("deliver") == {"n_delivered": 1}
    assert rig.inbox.codes() == ["SYNC_UPDATES_AVAILABLE"]
    deliveries = await rig.control("deliveries", "GET")
    assert deliveries["outcomes"]["delivered"] == 1
    assert deliveries["attempts"][0]["webhook_code"] == "SYNC_UPDATES_AVAILABLE"


async def test_repair_and_freeze(rig: Rig) -> None:
    made = await rig.control("items", **LOGIN)
    await rig.control("faults", knob="break_login", item_id=made["item_id"])
    [item] = (await rig.control("items", "GET"))["items"]
    assert (item["error_code"], item["next_pull_at"]) == ("ITEM_LOGIN_REQUIRED", None)
    await rig.control("repair", item_id=made["item_id"])
    assert (await rig.control("freeze"))["is_frozen"]
    await rig.control("clock/advance", seconds=86_400 * 3)
    state = await rig.control("state", "GET")
    assert (state["next_event_at"], state["is_frozen"]) == (None, True)
    assert rig.inbox.codes() == ["ERROR", "LOGIN_REPAIRED"]
    assert not (await rig.control("freeze", frozen=False))["is_frozen"]
    pulled_at = (await rig.control("items", "GET"))["items"][0]["last_successful_update_at"]
    await rig.control("clock/advance", seconds=86_400)
    [item] = (await rig.control("items", "GET"))["items"]
    assert item["last_successful_update_at"] > pulled_at


async def test_oracles(rig: Rig) -> None:
    made = await rig.control("items", **LOGIN)
    for _ in range(2):
        await rig.ok("/accounts/balance/get", access_token=made["access_token"])
    billing = await rig.control("billing", "GET")
    assert billing["cost_micros"] == 500_000
    limits = await rig.control("limits", "GET")
    assert limits["peaks"]["/accounts/balance/get item"]["peak"] == 2
    assert limits["n_violations"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("items", {}),
        ("items", {"institution_id": "ins_0", "accounts": []}),
        ("items", {"institution_id": "ins_56", "accounts": [{"account_id": "nobody"}]}),
        ("items", {"institution_id": "ins_56", "accounts": ["nobody"]}),
        ("items", LOGIN | {"accounts": [{"name": "x", "postings": [{"amount_minor": 1.5}]}]}),
        ("pull", {"item_id": "nobody"}),
        ("faults", {"knob": "nothing"}),
        ("clock/advance", {"to": "tomorrow"}),
        ("clock/advance", {"to": "2026-02-01T00:00:00"}),
        ("accounts/nobody/postings", {"postings": []}),
        ("repair", [1]),
        ("repair", b"{"),
    ],
)
async def test_nonsense_is_named(rig: Rig, path: str, body: Any) -> None:
    status, raw = await ask(rig.app, f"/_control/{path}", body)
    assert status == 400
    assert json.loads(raw)["error"]


async def test_a_clock_that_runs_by_itself_cannot_be_pushed(rig: Rig) -> None:
    class OtherClock:
        now = rig.clock.now
        sleep_until = rig.clock.sleep_until

    emulator = PlaidEmulator(World(), OtherClock(), SeedBits(1), Switches(), Inbox())
    status, _ = await ask(plaid_app(emulator), "/_control/clock/advance", {"seconds": 1})
    assert status == 400
