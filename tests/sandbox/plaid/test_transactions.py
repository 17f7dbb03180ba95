"""`/transactions/sync`: a client that applies pages ends with the bank's truth, whatever happens between pages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.billing import REFRESH
from rowcol.sandbox.plaid.transactions import Cursor, decode_cursor
from tests.sandbox.rig import Mirror, Rig

PATH = "/transactions/sync"
NO_LIMITS = Switches(enforce_limits=False)


def _truth(rig: Rig) -> list[tuple[str, bool, float]]:
    """What the bank has posted and holds, in Plaid's signs."""
    ledger = rig.world.ledger("cash")
    posted = ledger.postings_between(rig.now - timedelta(days=700), rig.now)
    rows = [(p.description, False, -p.amount_minor / 100) for p in posted]
    rows += [(p.description, True, -p.amount_minor / 100) for p in ledger.pending_at(rig.now)]
    return sorted(rows)


def _stir(rig: Rig, script: Iterator[tuple[str, int]]) -> None:
    """One thing happens at the bank, and Plaid pulls."""
    step = next(script, None)
    if step is None:
        return
    kind, n = step
    ledger = rig.world.ledger("cash")
    known = list(ledger.postings_between(rig.now - timedelta(days=700), rig.now))
    if kind == "post":
        rig.world.post("cash", rig.now - timedelta(hours=n), -n, f"posted {n}")
    elif kind == "hold":
        rig.world.post("cash", rig.now + timedelta(hours=n), -n, f"held {n}", rig.now)
    elif kind == "settle":
        rig.clock.advance_to(rig.now + timedelta(hours=n))
    elif kind == "amend" and known:
        ledger.amend(known[n % len(known)].posting_id, n)
    elif kind == "withdraw" and known:
        ledger.withdraw(known[n % len(known)].posting_id)
    for item in rig.emulator.items.values():
        rig.emulator.pull(item, rig.now)


steps = st.tuples(
    st.sampled_from(["post", "hold", "settle", "amend", "withdraw"]), st.integers(1, 60)
)


@given(
    before=st.lists(steps, max_size=15),
    during=st.lists(steps, max_size=10),
    count=st.integers(1, 6),
)
def test_a_client_ends_with_the_truth(
    before: list[tuple[str, int]], during: list[tuple[str, int]], count: int
) -> None:
    async def run() -> None:
        rig = Rig(NO_LIMITS)
        rig.account()
        item = rig.item("cash", bank="ins_109512")
        early = iter(before)
        mirror = Mirror()
        for _ in before:
            _stir(rig, early)
        late = iter(during)
        await mirror.update(rig, item, count, between=lambda: _stir(rig, late))
        rig.emulator.faults.clear()
        while not rig.emulator.pull(item, rig.now):
            rig.clock.advance_to(rig.now + timedelta(seconds=1))
        await mirror.update(rig, item, count)
        shown = [(row["name"], row["pending"], row["amount"]) for row in mirror.rows.values()]
        assert sorted(shown) == _truth(rig)

    asyncio.run(run())


async def test_pages_are_bounded_and_the_cursor_is_opaque(rig: Rig) -> None:
    rig.account()
    for n in range(5):
        rig.spend(-n - 1)
    item = rig.item("cash")
    page = await rig.ok(PATH, access_token=item.access_token, count=2)
    assert (len(page["added"]), page["has_more"]) == (2, True)
    assert item.item_id not in page["next_cursor"]
    assert len(page["next_cursor"]) <= 256
    rest = await rig.ok(PATH, access_token=item.access_token, cursor=page["next_cursor"])
    assert (len(rest["added"]), rest["has_more"]) == (3, False)
    again = await rig.ok(PATH, access_token=item.access_token, cursor=rest["next_cursor"])
    assert (again["added"], again["accounts"]) == ([], [])
    assert again["next_cursor"] == rest["next_cursor"]


async def test_a_change_between_pages_is_an_error_until_restarted(rig: Rig) -> None:
    rig.account()
    for n in range(5):
        rig.spend(-n - 1)
    item = rig.item("cash")
    page = await rig.ok(PATH, access_token=item.access_token, count=2)
    rig.spend(-99)
    while not rig.emulator.pull(item, rig.now):
        await rig.advance(seconds=1)
    for _ in range(2):
        status, answer = await rig.call(
            PATH, access_token=item.access_token, cursor=page["next_cursor"]
        )
        assert (status, answer["error_type"]) == (400, "TRANSACTIONS_ERROR")
    assert len((await rig.ok(PATH, access_token=item.access_token))["added"]) == 6


async def test_pending_becomes_posted(rig: Rig) -> None:
    item = rig.item()
    posts_at = rig.now + timedelta(days=2)
    rig.world.post("cash", posts_at, -500, "Lunch", pending_since=rig.now)
    await rig.advance(days=1)
    mirror = await rig.sync_all(item)
    [pending] = mirror.rows.values()
    assert (pending["pending"], pending["pending_transaction_id"]) == (True, None)
    await rig.advance(days=2)
    page = await rig.ok(PATH, access_token=item.access_token, cursor=mirror.cursor)
    [removed], [posted] = page["removed"], page["added"]
    assert removed["transaction_id"] == pending["transaction_id"]
    assert posted["pending_transaction_id"] == pending["transaction_id"]
    assert posted["transaction_id"] != pending["transaction_id"]


async def test_streams_of_one_account(rig: Rig) -> None:
    item = rig.item(rig.account("a"), rig.account("b"))
    rig.spend(account_id="a")
    rig.spend(account_id="b")
    while not rig.emulator.pull(item, rig.now):
        await rig.advance(seconds=1)
    first, second = item.accounts
    page = await rig.ok(PATH, access_token=item.access_token, options={"account_id": first})
    assert [row["account_id"] for row in page["added"]] == [first]
    assert [account["account_id"] for account in page["accounts"]] == [first]
    other = {"cursor": page["next_cursor"], "options": {"account_id": second}}
    assert await rig.error(PATH, access_token=item.access_token, **other) == "INVALID_FIELD"
    unknown = {"options": {"account_id": "x"}}
    assert await rig.error(PATH, access_token=item.access_token, **unknown) == (
        "INVALID_ACCOUNT_ID"
    )


async def test_sync_on_an_item_without_transactions_adds_and_bills_them(rig: Rig) -> None:
    item = rig.item(products=("auth",))
    assert rig.emulator.billing.item_months(rig.now) == 0
    assert await rig.error("/transactions/refresh", access_token=item.access_token) == (
        "PRODUCT_NOT_ENABLED"
    )
    await rig.ok(PATH, access_token=item.access_token)
    assert rig.emulator.billing.item_months(rig.now) == 1
    shown = await rig.ok("/item/get", access_token=item.access_token)
    assert shown["item"]["billed_products"] == ["auth", "transactions"]


@pytest.mark.parametrize(
    "body",
    [
        {"count": 0},
        {"count": 501},
        {"cursor": "nonsense"},
        {"cursor": "AAAA"},
        {"options": {"days_requested": 731}},
    ],
)
async def test_bad_requests(rig: Rig, body: dict[str, Any]) -> None:
    item = rig.item()
    assert await rig.error(PATH, access_token=item.access_token, **body) == "INVALID_FIELD"


async def test_refresh_is_billed_and_pulls_soon(rig: Rig) -> None:
    item = rig.item()
    await rig.sync_all(item)
    rig.spend()
    await rig.ok("/transactions/refresh", access_token=item.access_token)
    assert rig.emulator.billing.n_calls(REFRESH) == 1
    assert rig.inbox.codes() == []
    await rig.advance(seconds=10)
    assert rig.inbox.codes() == ["SYNC_UPDATES_AVAILABLE"]


async def test_original_descriptions_on_request(rig: Rig) -> None:
    rig.account()
    rig.spend()
    item = rig.item("cash")
    for wanted, shown in ((True, "Spent"), (False, None)):
        options = {"include_original_description": wanted}
        page = await rig.ok(PATH, access_token=item.access_token, options=options)
        assert page["added"][0]["original_description"] == shown


def test_cursors_round_trip(rig: Rig) -> None:
    rig.account()
    rig.spend()
    item = rig.item("cash")
    cursor = Cursor(item.item_id, "*", 0, 1, 3)
    assert decode_cursor(cursor.encode(), item, "*") == cursor
    assert decode_cursor("", item, "*") == Cursor(item.item_id, "*")
