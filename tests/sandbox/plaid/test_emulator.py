"""The emulator's life: linking, pulls, health, and equal seeds giving equal histories."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.billing import BALANCE, LiveCall
from rowcol.sandbox.plaid.knobs import turn
from rowcol.sandbox.world import Posting
from tests.sandbox.rig import Rig


async def test_after_linking_thirty_days_come_first_then_the_rest(rig: Rig) -> None:
    ages_days = (10, 29, 31, 80, 200)
    postings = [Posting(str(n), rig.now - timedelta(days=n), -100, str(n)) for n in ages_days]
    item = rig.item(rig.account(postings=postings), is_ready=False, days_requested=90)
    page = await rig.ok("/transactions/sync", access_token=item.access_token)
    assert (page["transactions_update_status"], page["next_cursor"]) == ("NOT_READY", "")
    await rig.advance(seconds=10)
    page = await rig.ok("/transactions/sync", access_token=item.access_token)
    assert {row["name"] for row in page["added"]} == {"10", "29"}
    assert page["transactions_update_status"] == "INITIAL_UPDATE_COMPLETE"
    await rig.advance(minutes=1)
    page = await rig.ok(
        "/transactions/sync", access_token=item.access_token, cursor=page["next_cursor"]
    )
    assert {row["name"] for row in page["added"]} == {"31", "80"}
    assert rig.inbox.codes() == [
        "INITIAL_UPDATE",
        "SYNC_UPDATES_AVAILABLE",
        "HISTORICAL_UPDATE",
        "SYNC_UPDATES_AVAILABLE",
    ]


NULL_TIMES = {
    "investments": None,
    "last_webhook": None,
    "transactions": {"last_successful_update": None, "last_failed_update": None},
}


@pytest.mark.parametrize(("is_null", "status"), [(False, NULL_TIMES), (True, None)])
async def test_a_fresh_item_has_null_times(is_null: bool, status: object) -> None:
    rig = Rig(Switches(fresh_item_status_is_null=is_null))
    item = rig.item(is_ready=False)
    answer = await rig.ok("/item/get", access_token=item.access_token)
    assert answer["status"] == status


async def test_a_pull_moves_the_time_even_if_nothing_changed(rig: Rig) -> None:
    item = rig.item()
    await rig.sync_all(item)
    linked_at = item.last_successful_update_at
    await rig.advance(days=1)
    assert linked_at is not None
    assert item.last_successful_update_at is not None
    assert item.last_successful_update_at > linked_at
    assert rig.inbox.codes() == []


async def test_no_sync_webhook_before_the_first_sync(rig: Rig) -> None:
    item = rig.item()
    rig.spend()
    await rig.advance(days=1)
    assert rig.inbox.codes() == []
    await rig.sync_all(item)
    rig.spend()
    await rig.advance(days=1)
    assert set(rig.inbox.codes()) == {"SYNC_UPDATES_AVAILABLE"}
    assert rig.inbox.last()["historical_update_complete"] is True


@pytest.mark.parametrize("moves", [True, False])
async def test_background_pulls_may_leave_the_time_alone(moves: bool) -> None:
    rig = Rig(Switches(pulls_move_last_update=moves))
    item = rig.item()
    linked_at = item.last_successful_update_at
    await rig.advance(days=1)
    assert (item.last_successful_update_at != linked_at) is moves


@pytest.mark.parametrize("renews", [True, False])
async def test_a_refresh_without_news_may_renew_nothing(renews: bool) -> None:
    rig = Rig(Switches(refresh_renews_unchanged=renews))
    item = rig.item()
    account = next(iter(item.accounts.values()))
    rig.emulator.agenda.is_frozen = True
    await rig.advance(minutes=5)
    await rig.ok("/transactions/refresh", access_token=item.access_token)
    await rig.advance(minutes=1)
    assert account.cached is not None
    assert (account.cached.seen_at > item.created_at) is renews
    assert (item.last_successful_update_at != item.created_at) is renews


async def test_pulls_stop_for_broken_and_user_present_items(rig: Rig) -> None:
    item = rig.item()
    rig.emulator.break_login(item)
    await rig.advance(days=2)
    assert item.last_successful_update_at == item.created_at
    assert rig.inbox.codes() == ["ERROR"]
    error = rig.inbox.last()["error"]
    assert (error["error_code"], error["status"], "request_id" in error) == (
        "ITEM_LOGIN_REQUIRED",
        400,
        False,
    )
    rig.spend()
    rig.emulator.repair(item)
    await rig.advance(seconds=1)
    assert item.last_successful_update_at == rig.now - timedelta(seconds=1)
    assert rig.inbox.codes()[1] == "LOGIN_REPAIRED"
    rig.emulator.set_update_type(item, "user_present_required")
    await rig.advance(days=2)
    assert item.last_successful_update_at == rig.now - timedelta(days=2, seconds=1)


async def test_an_outage_fails_pulls_and_the_first_update(rig: Rig) -> None:
    turn(rig.emulator, "outage", {"institution_id": "ins_109509", "hours": 30})
    item = rig.item()
    late = rig.item(rig.account("late"), is_ready=False)
    await rig.advance(hours=25)
    assert item.last_failed_update_at is not None
    assert item.last_successful_update_at == item.created_at
    assert not late.is_initial_done
    await rig.advance(hours=6)
    assert late.is_historical_done


async def test_a_login_that_breaks_at_once_has_no_first_update_until_it_is_repaired(
    rig: Rig,
) -> None:
    item = rig.item(is_ready=False)
    rig.emulator.break_login(item)
    await rig.advance(hours=1)
    assert (item.is_initial_done, item.last_successful_update_at) == (False, None)
    rig.emulator.repair(item)
    await rig.advance(minutes=15)
    assert item.is_historical_done


@pytest.mark.parametrize("days", [None, 30])
async def test_sandbox_logins_may_expire(days: int | None) -> None:
    rig = Rig(Switches(login_expires_days=days))
    item = rig.item()
    await rig.advance(days=32)
    assert (item.error is not None) is (days is not None)


async def test_oauth_consent_expires_and_is_renewed(rig: Rig) -> None:
    item = rig.item(bank="ins_56")
    turn(rig.emulator, "consent_expires", {"item_id": item.item_id, "at": "2026-01-10T00:00:00Z"})
    await rig.advance(days=7)
    assert item.error is not None
    assert item.error["error_code_reason"] == "OAUTH_CONSENT_EXPIRED"
    assert rig.inbox.codes() == ["PENDING_DISCONNECT", "ERROR"]
    rig.emulator.repair(item)
    assert item.consent_expiration_at == rig.now + timedelta(days=365)


async def test_some_pulls_fail(rig: Rig) -> None:
    item = rig.item(bank="ins_132363")
    await rig.advance(days=10)
    assert item.last_failed_update_at is not None
    assert item.last_successful_update_at != item.created_at


async def _history(seed: int) -> list[object]:
    rig = Rig(seed=seed)
    turn(rig.emulator, "webhooks", {"lost_share": 0.2, "duplicated_share": 0.2})
    items = [rig.item(rig.account(f"a{n}"), bank="ins_132363") for n in range(3)]
    for item in items:
        await rig.sync_all(item)
    for day in range(6):
        for n in range(3):
            rig.spend(-day, f"a{n}")
        await rig.advance(days=1)
    return [(one.at, one.item_id, one.code, one.outcome) for one in rig.emulator.outbox.attempts]


async def test_equal_seeds_give_equal_histories() -> None:
    assert await _history(1) == await _history(1)
    assert await _history(1) != await _history(2)


async def test_many_requests_do_not_grow_memory(rig: Rig) -> None:
    item = rig.item()
    emulator = rig.emulator
    for _ in range(1_100):
        await rig.call("/accounts/get", access_token=item.access_token)
    assert (len(emulator.limits.violations), emulator.limits.n_violations) == (1_000, 1_085)
    turn(emulator, "webhooks", {"lost_share": 1})
    for _ in range(5_100):
        emulator.notify_sync(item)
    assert (len(emulator.outbox.attempts), emulator.outbox.n_outcomes["lost"]) == (5_000, 5_100)
    assert len(emulator.outbox) == 0
    paid = LiveCall(rig.now, "c", item.item_id, BALANCE)
    for _ in range(20_100):
        emulator.billing.record_call(paid)
    assert (len(emulator.billing.calls), emulator.billing.n_calls(BALANCE)) == (20_000, 20_100)
