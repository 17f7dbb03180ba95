"""Fault knobs: the table is complete, and each knob does what it says."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from rowcol.sandbox.plaid import knobs
from rowcol.sandbox.plaid.arguments import BadArgument
from rowcol.sandbox.plaid.corruption import __doc__ as corruption_table
from rowcol.sandbox.plaid.faults import Corruption
from rowcol.sandbox.plaid.knobs import KNOBS, turn
from tests.sandbox.rig import Rig


def test_every_knob_and_corruption_is_in_its_table() -> None:
    rows = re.findall(r"^\| (\w+) \|", knobs.__doc__ or "", re.MULTILINE)
    assert set(rows) - {"knob"} == set(KNOBS)
    rows = re.findall(r"^\| ([a-z0-9_, ]+) \|", corruption_table or "", re.MULTILINE)
    assert set(", ".join(rows).split(", ")) - {"kind"} == set(Corruption)


async def test_null_balances_come_with_the_next_look(rig: Rig) -> None:
    item = rig.item()
    turn(rig.emulator, "null_balances", {"item_id": item.item_id, "fields": ["available"]})
    answer = await rig.ok("/accounts/balance/get", access_token=item.access_token)
    assert answer["accounts"][0]["balances"]["available"] is None
    turn(rig.emulator, "null_balances", {"item_id": item.item_id, "fields": []})
    answer = await rig.ok("/accounts/balance/get", access_token=item.access_token)
    assert answer["accounts"][0]["balances"]["available"] == 1000


async def test_a_churned_account_has_a_new_id_and_the_same_money(rig: Rig) -> None:
    item = rig.item()
    rig.spend()
    rig.emulator.pull(item, rig.now)
    mirror = await rig.sync_all(item)
    [old] = item.accounts
    made = turn(rig.emulator, "churn_account", {"item_id": item.item_id, "account_id": old})
    assert list(item.accounts) == [made["account_id"]] != [old]
    await mirror.update(rig, item)
    assert [row["account_id"] for row in mirror.rows.values()] == [made["account_id"]]
    options = {"account_ids": [old]}
    code = await rig.error("/accounts/get", access_token=item.access_token, options=options)
    assert code == "INVALID_ACCOUNT_ID"


async def test_a_bank_renumbers_in_place(rig: Rig) -> None:
    item, other = rig.item(), rig.item("cash")
    [old] = item.accounts
    arguments = {"item_id": item.item_id, "account_id": old, "mask": "4711", "name": "Gold"}
    turn(rig.emulator, "churn_account", arguments)
    for one in (item, other):
        [shown] = (await rig.ok("/accounts/get", access_token=one.access_token))["accounts"]
        assert (shown["mask"], shown["name"]) == ("4711", "Gold")


async def test_the_permission_is_revoked_for_good(rig: Rig) -> None:
    item = rig.item()
    token = item.access_token
    turn(rig.emulator, "revoke", {"item_id": item.item_id})
    await rig.advance(days=40)
    assert rig.inbox.codes() == ["USER_PERMISSION_REVOKED"]
    assert rig.inbox.last()["error"]["error_type"] == "ITEM_ERROR"
    shown = (await rig.ok("/item/get", access_token=token))["item"]
    assert shown["error"]["error_code"] == "USER_PERMISSION_REVOKED"
    for path in ("/accounts/get", "/accounts/balance/get", "/transactions/sync"):
        assert await rig.error(path, access_token=token) == "USER_PERMISSION_REVOKED"
    with pytest.raises(BadArgument):
        turn(rig.emulator, "repair", {"item_id": item.item_id})
    assert rig.emulator.billing.item_months(rig.now) == 1
    assert await rig.error("/sandbox/item/reset_login", access_token=token) == (
        "USER_PERMISSION_REVOKED"
    )
    assert item.is_revoked
    await rig.ok("/item/remove", access_token=token)


@pytest.mark.parametrize(
    ("code", "told"),
    [("ITEM_LOGIN_REQUIRED", ["ERROR", "LOGIN_REPAIRED"]), ("ITEM_LOCKED", ["ERROR"]), ("", [])],
)
async def test_only_a_login_that_was_required_is_told_as_repaired(
    rig: Rig, code: str, told: list[str]
) -> None:
    named = {"item_id": rig.item().item_id}
    if code:
        turn(rig.emulator, "break_login", named | {"code": code})
    turn(rig.emulator, "repair", named)
    await rig.advance(seconds=0)
    assert rig.inbox.codes() == told
    assert rig.emulator.items[named["item_id"]].error is None


@pytest.mark.parametrize(("bank", "told"), [("ins_13", ["USER_ACCOUNT_REVOKED"]), ("ins_19", [])])
async def test_one_account_is_revoked(rig: Rig, bank: str, told: list[str]) -> None:
    item = rig.item(rig.account(), rig.account("savings"), bank=bank)
    gone, kept = item.accounts
    turn(rig.emulator, "revoke_account", {"item_id": item.item_id, "account_id": gone})
    await rig.advance(seconds=0)
    assert rig.inbox.codes() == told
    if told:
        assert rig.inbox.last()["account_id"] == gone
    token = item.access_token
    [shown] = (await rig.ok("/accounts/get", access_token=token))["accounts"]
    assert shown["account_id"] == kept
    gone_only = {"account_ids": [gone]}
    for path in ("/accounts/get", "/accounts/balance/get"):
        code = await rig.error(path, access_token=token, options=gone_only)
        assert code == "INVALID_ACCOUNT_ID"
    assert (await rig.ok("/item/get", access_token=token))["item"]["error"] is None


async def test_a_consent_that_ends_is_announced_a_week_before(rig: Rig) -> None:
    item, other = rig.item(bank="ins_56"), rig.item("cash", bank="ins_19")
    assert item.consent_expiration_at == rig.now + timedelta(days=365)
    assert other.consent_expiration_at is None
    await rig.advance(days=358, seconds=-1)
    assert rig.inbox.codes() == []
    await rig.advance(seconds=1)
    assert rig.inbox.codes() == ["PENDING_DISCONNECT"]
    assert rig.inbox.last()["disconnect_time"] == "2027-01-05T09:00:00Z"
    assert rig.inbox.last()["reason"] == "INSTITUTION_TOKEN_EXPIRATION"
    await rig.advance(days=8)
    assert rig.inbox.codes() == ["PENDING_DISCONNECT", "ERROR"]


async def test_a_renewed_consent_is_announced_anew(rig: Rig) -> None:
    item = rig.item(bank="ins_56")
    await rig.advance(days=300)
    rig.emulator.reconnect(item)
    rig.emulator.reconnect(item)
    await rig.advance(days=357)
    assert rig.inbox.codes() == []
    await rig.advance(days=1)
    assert rig.inbox.codes() == ["PENDING_DISCONNECT"]


async def test_a_notice_outlives_a_frozen_time(rig: Rig) -> None:
    rig.item(bank="ins_56")
    rig.emulator.freeze(is_frozen=True)
    await rig.advance(days=10)
    assert rig.emulator.next_event_at() is None
    rig.emulator.freeze(is_frozen=False)
    await rig.advance(days=349)
    assert rig.inbox.codes() == ["PENDING_DISCONNECT"]


async def test_a_broken_item_has_no_notice(rig: Rig) -> None:
    item = rig.item(bank="ins_56")
    rig.emulator.break_login(item)
    await rig.advance(days=360)
    assert rig.inbox.codes() == ["ERROR"]


async def test_a_consent_may_end_soon_without_a_word_yet(rig: Rig) -> None:
    item = rig.item(bank="ins_19")
    arguments = {"item_id": item.item_id, "at": "2026-01-15T09:00:00Z", "notify": False}
    turn(rig.emulator, "consent_expires", arguments)
    shown = (await rig.ok("/item/get", access_token=item.access_token))["item"]
    assert shown["consent_expiration_time"] == "2026-01-15T09:00:00Z"
    await rig.advance(days=3, seconds=-1)
    assert rig.inbox.codes() == []
    await rig.advance(seconds=1)
    assert rig.inbox.codes() == ["PENDING_DISCONNECT"]


async def test_notices_of_the_knobs(rig: Rig) -> None:
    item = rig.item()
    named = {"item_id": item.item_id}
    at = {"at": "2026-02-01T00:00:00Z"}
    turn(rig.emulator, "consent_expires", named | at | {"reason": "INSTITUTION_MIGRATION"})
    await rig.advance(seconds=0)
    assert rig.inbox.last()["reason"] == "INSTITUTION_MIGRATION"
    assert rig.inbox.last()["disconnect_time"] == "2026-02-01T00:00:00Z"
    turn(rig.emulator, "pending_expiration", named)
    turn(rig.emulator, "pending_expiration", named | at)
    await rig.advance(seconds=0)
    assert rig.inbox.codes() == ["PENDING_DISCONNECT", "PENDING_EXPIRATION", "PENDING_EXPIRATION"]
    assert rig.inbox.last()["consent_expiration_time"] == "2026-02-01T00:00:00Z"
    assert item.consent_expiration_at is not None


async def test_a_new_account_is_told_to_every_item_of_the_login(rig: Rig) -> None:
    item = rig.item()
    account = {"account_id": "more", "name": "More"}
    arguments = {"item_id": item.item_id, "account": account}
    assert turn(rig.emulator, "new_account", arguments) == {"world_account_id": "more"}
    await rig.advance(seconds=0)
    assert rig.inbox.codes() == ["NEW_ACCOUNTS_AVAILABLE"]
    assert len(item.accounts) == 1
    with pytest.raises(BadArgument):
        turn(rig.emulator, "new_account", arguments)


async def test_a_mutation_in_the_middle(rig: Rig) -> None:
    for _ in range(5):
        rig.account("cash") if "cash" not in rig.world.account_ids() else None
        rig.spend()
    item = rig.item("cash")
    turn(rig.emulator, "mutate_during_pagination", {"item_id": item.item_id, "n": 2})
    mirror = await rig.sync_all(item, count=2)
    assert (mirror.n_restarts, len(mirror.rows)) == (2, 5)


async def test_stored_cursors_are_refused_until_it_is_turned_off(rig: Rig) -> None:
    item, other = rig.item(), rig.item("cash")
    path, token = "/transactions/sync", {"access_token": item.access_token}
    cursor = (await rig.ok(path, **token))["next_cursor"]
    turn(rig.emulator, "refuse_cursors", {"item_id": item.item_id})
    for _ in range(2):
        assert await rig.error(path, **token, cursor=cursor) == "INVALID_FIELD"
        assert (await rig.ok(path, **token))["next_cursor"] == cursor
    theirs = {"access_token": other.access_token}
    await rig.ok(path, **theirs, cursor=(await rig.ok(path, **theirs))["next_cursor"])
    turn(rig.emulator, "refuse_cursors", {"item_id": item.item_id, "on": False})
    await rig.ok(path, **token, cursor=cursor)


async def test_health_of_one_item(rig: Rig) -> None:
    item = rig.item()
    named = {"item_id": item.item_id}
    turn(rig.emulator, "update_type", named | {"update_type": "user_present_required"})
    answer = await rig.ok("/item/get", access_token=item.access_token)
    assert answer["item"]["update_type"] == "user_present_required"
    turn(rig.emulator, "break_login", named | {"code": "ITEM_LOCKED"})
    answer = await rig.ok("/item/get", access_token=item.access_token)
    assert answer["item"]["error"]["error_code"] == "ITEM_LOCKED"
    turn(rig.emulator, "repair", named)
    assert item.error is None


def test_clear_heals_the_environment(rig: Rig) -> None:
    turn(rig.emulator, "outage", {"institution_id": "ins_56"})
    turn(rig.emulator, "webhooks", {"lost_share": 1})
    turn(rig.emulator, "force_error", {"path": "*", "code": "ITEM_LOCKED"})
    turn(rig.emulator, "clear", {})
    assert rig.emulator.faults.outages == []
    assert rig.emulator.outbox.weather.lost_share == 0
    assert rig.emulator.faults.forced_errors.take("/item/get") is None


def test_an_outage_lasts_as_long_as_it_says(rig: Rig) -> None:
    turn(rig.emulator, "outage", {"institution_id": "ins_56"})
    turn(
        rig.emulator,
        "outage",
        {
            "institution_id": "ins_56",
            "starts_at": "2026-02-01T00:00:00Z",
            "ends_at": "2026-02-02T00:00:00Z",
            "code": "INSTITUTION_NOT_AVAILABLE",
        },
    )
    first, second = rig.emulator.faults.outages
    assert first.ends_at - first.starts_at == timedelta(hours=6)
    assert second.ends_at - second.starts_at == timedelta(days=1)


@pytest.mark.parametrize(
    ("knob", "arguments"),
    [
        ("nothing", {}),
        ("outage", {"institution_id": "ins_0"}),
        ("outage", {"institution_id": "ins_56", "code": "NO_SUCH_CODE"}),
        ("institution_health", {"institution_id": "ins_56", "health": "fine"}),
        ("break_login", {"item_id": "nobody"}),
        ("break_login", {}),
        ("corrupt", {"path": "*", "kind": "gently"}),
        ("corrupt", {"path": "/accounts/balance", "kind": "html"}),
        ("force_error", {"path": "accounts/get", "code": "ITEM_LOCKED"}),
        ("force_error", {"path": "*", "code": "ITEM_LOCKED", "n_calls": 0}),
        ("mutate_during_pagination", {"item_id": "{item}", "n": 0}),
        ("null_balances", {"item_id": "{item}", "fields": ["current"], "account_id": "nobody"}),
        ("consent_expires", {"item_id": "{item}", "at": "2026-01-01T00:00:00"}),
        ("update_type", {"item_id": "{item}", "update_type": "sometimes"}),
        ("null_balances", {"item_id": "{item}", "fields": ["limit"]}),
        ("churn_account", {"item_id": "{item}", "account_id": "nobody"}),
        ("close_account", {"item_id": "{item}", "account_id": "nobody"}),
        ("new_account", {"item_id": "{item}"}),
        ("new_account", {"item_id": "{item}", "account": {"account_id": "nobody"}}),
        ("pending_expiration", {"item_id": "{item}", "at": "soon"}),
        ("consent_expires", {"item_id": "{item}", "at": "2026-02-01T00:00:00Z", "reason": "x"}),
    ],
)
def test_nonsense_is_named(rig: Rig, knob: str, arguments: dict[str, object]) -> None:
    if arguments.get("item_id") == "{item}":
        arguments = arguments | {"item_id": rig.item().item_id}
    with pytest.raises(BadArgument):
        turn(rig.emulator, knob, arguments)
