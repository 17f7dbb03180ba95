"""Looks: free ones in order and never in a loop; paying only where it helps."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.rail import CannotHelp, Credentials, Deed, Look, Reading, Want
from rowcol.rails.plaid.looks import deed_look, free_look, key_look, paid_look
from rowcol.rails.plaid.rail import Plaid
from tests.rails.plaid import kit

SEEN = kit.NOW - timedelta(hours=3)
SINCE = kit.NOW - timedelta(seconds=60)
ALL = Want(SINCE, kit.NOW, balances=True, streams=True)
RAIL = Plaid()


def name_of(look: Look | CannotHelp | None) -> str | None:
    return look.endpoint if isinstance(look, Look) else None


def test_a_new_login_is_looked_at_in_order() -> None:
    """Item, accounts, transactions; then nothing, though the want is the same."""
    state, asked = ConnectionState(), []
    answers = {
        "item.get": "item.get.ok",
        "accounts.get": "accounts.get.ok",
        "transactions.sync": "transactions.sync.last_page",
    }
    while (look := free_look(state, ALL)) is not None:
        asked.append(look.endpoint)
        read = RAIL.read(look, kit.exchange(answers[look.endpoint]).response, state)
        assert isinstance(read, Reading)
        state = read.state
    assert asked == list(answers)
    assert state.balances_as_of == state.synced_until == state.seen_until


@pytest.mark.parametrize(
    ("changes", "want", "expected"),
    [
        ({"looked_at": SINCE}, ALL, None),
        ({"looked_at": SINCE - timedelta(seconds=1)}, ALL, "item.get"),
        ({"looked_at": None}, Want(None, kit.NOW, balances=False, streams=False), None),
        ({"dirty": {"health": "x"}, "looked_at": kit.NOW}, ALL, "item.get"),
        ({"seen_until": SEEN}, ALL, "accounts.get"),
        ({"seen_until": SEEN}, Want(None, kit.NOW, balances=False, streams=True), None),
        ({"seen_until": SEEN, "balances_as_of": SEEN}, ALL, None),
        (
            {"dirty": {"accounts": "x"}},
            Want(None, kit.NOW, balances=False, streams=True),
            "accounts.get",
        ),
        ({"dirty": {"transactions": "x"}}, ALL, "transactions.sync"),
        ({"dirty": {"transactions": "x"}}, Want(None, kit.NOW, balances=True, streams=False), None),
        ({"page": "p"}, ALL, "transactions.sync"),
        ({"dirty": {"transactions": "x"}, "facts": {"has_transactions": False}}, ALL, None),
        ({"dirty": {"transactions": "x"}, "facts": {"has_transactions": None}}, ALL, None),
        ({"health": Health.RETIRED, "looked_at": None}, ALL, None),
        ({"health": Health.NEEDS_RECONNECT, "seen_until": SEEN}, ALL, None),
        ({"health": Health.NEEDS_RECONNECT, "looked_at": None}, ALL, "item.get"),
        (
            {
                "health": Health.INSTITUTION_DOWN,
                "seen_until": SEEN,
                "facts": {"institution_asked_at": kit.NOW.isoformat()},
            },
            ALL,
            "accounts.get",
        ),
        ({"health": Health.INSTITUTION_DOWN}, ALL, "institutions.get_by_id"),
    ],
)
def test_which_free_look_is_next(changes: dict[str, Any], want: Want, expected: str | None) -> None:
    if changes.get("looked_at", kit.NOW) is kit.NOW:
        changes = {**changes, "looked_at": kit.NOW}
    assert name_of(free_look(kit.state(**changes), want)) == expected


def test_a_paged_read_goes_on_where_it_was() -> None:
    first = free_look(kit.state(cursor="c", dirty={"transactions": "x"}, looked_at=kit.NOW), ALL)
    later = free_look(kit.state(cursor="c", page="p", looked_at=kit.NOW), ALL)
    assert first == Look("transactions.sync", {"cursor": "c", "count": 500}, "transactions")
    assert later == Look("transactions.sync", {"cursor": "p", "count": 500}, "transactions")


def test_a_live_look_asks_for_every_account() -> None:
    """They cost the same as one."""
    assert paid_look(kit.state()) == Look("accounts.balance.get")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"health": Health.NEEDS_RECONNECT, "health_reason": "ITEM_LOCKED"}, "ITEM_LOCKED"),
        ({"health": Health.INSTITUTION_DOWN}, "does not answer"),
        ({"health": Health.UNSUPPORTED}, "not support"),
        ({"health": Health.MISCONFIGURED}, "settings"),
        ({"health": Health.RETIRED}, "removed"),
        ({"facts": {"update_type": "user_present_required"}}, "present"),
        ({"facts": {"balance_refused": "PRODUCTS_NOT_SUPPORTED"}}, "PRODUCTS_NOT_SUPPORTED"),
        ({"facts": {"account_ids": ""}}, "no accounts"),
        ({"facts": {"institution_id": "ins_128026", "has_non_depository": True}}, "cached"),
        (
            {"facts": {"balance_refused": "X", "balance_refused_at": kit.NOW.isoformat()}},
            "live looks are off until 2026-12-02 12:00 UTC because Plaid refused the last one (X)",
        ),
        ({"facts": {"institution_id": "ins_136439"}}, "cached"),
    ],
)
def test_where_paying_cannot_help(changes: dict[str, Any], reason: str) -> None:
    refusal = paid_look(kit.state(**changes))
    assert isinstance(refusal, CannotHelp)
    assert reason in refusal.reason


def test_capital_one_is_always_given_a_floor() -> None:
    bank = {"institution_id": "ins_128026", "has_non_depository": False}
    look = paid_look(kit.state(facts=bank, looked_at=kit.NOW))
    assert look == Look(
        "accounts.balance.get", {"min_last_updated_datetime": "2024-11-25T12:00:10Z"}
    )
    assert (
        b"2000-01-01"
        in RAIL.request(
            _look(paid_look(kit.state(facts=bank, looked_at=None))), Credentials({})
        ).body
    )


def test_capital_ones_bank_accounts_are_asked_for_by_id() -> None:
    """With a card beside them. Were they answered from the cache, the floor has it refused, which costs nothing."""
    facts = {"institution_id": "ins_128026", "has_non_depository": True, "depository_ids": "a,b"}
    look = _look(paid_look(kit.state(facts=facts, looked_at=kit.NOW)))
    assert look.accounts == ("a", "b")
    assert json.loads(RAIL.request(look, Credentials({}, "t")).body)["options"] == {
        "account_ids": ["a", "b"],
        "min_last_updated_datetime": "2026-11-25T12:00:10Z",
    }


def _look(look: Look | CannotHelp) -> Look:
    assert isinstance(look, Look)
    return look


def test_a_key_is_asked_for_by_its_id() -> None:
    assert key_look("k").arguments == {"key_id": "k"}


ANSWERS = {
    "item.get": ["item.get.ok", "item.get.status_null", "item.get.login_required"],
    "accounts.get": ["accounts.get.ok", "accounts.get.all_types"],
    "institutions.get_by_id": [
        f"institutions.get_by_id.{n}" for n in ("ok", "down", "status_null")
    ],
    "transactions.sync": ["transactions.sync.last_page", "transactions.sync.nothing_new"],
}


@given(
    st.data(),
    st.sampled_from(Health),
    st.sets(st.sampled_from(["health", "accounts", "transactions"])),
    st.booleans(),
    st.booleans(),
)
def test_free_looks_end_whatever_the_answers(
    data: st.DataObject, health: Health, dirty: set[str], balances: bool, streams: bool
) -> None:
    """No want is looked for in a circle."""
    state = kit.state(
        health=health, health_since=SEEN, dirty=dict.fromkeys(dirty, "x"), cursor="start"
    )
    want, seen = Want(SINCE, kit.NOW, balances=balances, streams=streams), []
    while (look := free_look(state, want)) is not None:
        seen.append(look.endpoint)
        assert len(seen) <= 5, seen
        name = data.draw(st.sampled_from(ANSWERS[look.endpoint]))
        read = RAIL.read(look, kit.exchange(name).response, state)
        assert isinstance(read, Reading)
        state = read.state
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("health", [h for h in Health if h is not Health.RETIRED])
def test_a_login_is_removed_in_whatever_health(health: Health) -> None:
    assert deed_look(Deed.REMOVE, kit.state(health=health), "") == Look("item.remove")


def test_a_webhook_is_pointed_to_the_apps_address() -> None:
    address = "https://books.example/webhooks/plaid/main"
    look = deed_look(Deed.POINT_WEBHOOK, kit.state(), address)
    assert look == Look("item.webhook.update", {"webhook": address})
    assert isinstance(deed_look(Deed.POINT_WEBHOOK, kit.state(), ""), CannotHelp)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"health": Health.NEEDS_RECONNECT, "health_reason": "ITEM_LOCKED"}, "ITEM_LOCKED"),
        ({"facts": {"update_type": "user_present_required"}}, "present"),
        ({"facts": {"has_transactions": False}}, "no transactions"),
        ({"facts": {"transactions_refused": "PRODUCTS_NOT_SUPPORTED"}}, "no transactions"),
        ({"health": Health.RETIRED}, "removed"),
    ],
)
def test_a_refresh_is_not_paid_for_where_it_cannot_help(
    changes: dict[str, Any], reason: str
) -> None:
    """On an Item without Transactions it could add the subscription."""
    look = deed_look(Deed.REFRESH, kit.state(**changes), "")
    assert isinstance(look, CannotHelp)
    assert reason in look.reason


@pytest.mark.parametrize("deed", Deed)
def test_nothing_is_done_to_a_removed_login(deed: Deed) -> None:
    assert isinstance(deed_look(deed, kit.state(health=Health.RETIRED), "https://x"), CannotHelp)


def test_a_refresh_is_priced() -> None:
    assert deed_look(Deed.REFRESH, kit.state(), "") == Look("transactions.refresh")
