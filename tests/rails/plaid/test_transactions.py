"""Transactions: pages add up to the same rows however they are cut, and count once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.connection import ConnectionState
from rowcol.core.outcome import RULES, Outcome
from rowcol.core.rail import Failure, Look, Reading, Row
from rowcol.rails.plaid.facts import UNANNOUNCED
from rowcol.rails.plaid.rail import Plaid
from rowcol.rails.plaid.transactions import CHANGES_MAX, EMPTY_MAX
from tests.rails.plaid import kit

RAIL = Plaid()
SEEN = kit.NOW - timedelta(hours=3)
SYNC = Look("transactions.sync", {"count": 500}, "transactions")
DIRTY = kit.state(seen_until=SEEN, dirty={"transactions": "announced"}, cursor="start")


def row(number: int, **changes: Any) -> dict[str, Any]:
    first = kit.exchange("transactions.sync.first_page").answer["added"][0]
    return {**first, "transaction_id": f"t{number}", **changes}


def page(
    added: list[dict[str, Any]],
    modified: list[dict[str, Any]] | None = None,
    removed: list[str] | None = None,
    *,
    after: str = "end",
    has_more: bool = False,
) -> dict[str, Any]:
    return {
        "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE",
        "accounts": [],
        "added": added,
        "modified": modified or [],
        "removed": [{"transaction_id": name, "account_id": "a"} for name in removed or []],
        "next_cursor": after,
        "has_more": has_more,
        "request_id": "r",
    }


def read(answer: object, state: ConnectionState = DIRTY) -> Reading:
    reading = RAIL.read(SYNC, kit.response(answer), state)
    assert isinstance(reading, Reading), reading
    return reading


def fail(answer: object, state: ConnectionState = DIRTY) -> Failure:
    failure = RAIL.read(SYNC, kit.response(answer), state)
    assert isinstance(failure, Failure), failure
    return failure


def read_all(
    pages: list[dict[str, Any]], state: ConnectionState
) -> tuple[ConnectionState, list[Row]]:
    staged: list[Row] = []
    for number, answer in enumerate(pages):
        reading = read(answer, state)
        staged += reading.staged
        assert (reading.publishes is not None) == (number == len(pages) - 1)
        assert reading.rows == ()
        state = reading.state
    return state, staged


def test_an_unfinished_read_keeps_its_start() -> None:
    reading = read(page([row(1)], after="next", has_more=True))
    assert (reading.state.cursor, reading.state.page) == ("start", "next")
    assert reading.publishes is None
    assert reading.state.posted_count == 0
    assert "transactions" in reading.state.dirty


def test_the_last_page_publishes() -> None:
    reading = read(page([row(1)]))
    assert reading.publishes == "transactions"
    assert (reading.state.cursor, reading.state.page) == ("end", "")
    assert reading.state.synced_until == SEEN
    assert not reading.state.dirty
    assert reading.state.facts["history_complete"] is True


def test_removed_rows_are_tombstones_in_order() -> None:
    reading = read(page([row(1)], [row(2)], ["t3"]))
    assert [(r.remote_id, r.body is None) for r in reading.staged] == [
        ("t1", False),
        ("t2", False),
        ("t3", True),
    ]


def test_the_amount_is_the_exact_text() -> None:
    raw = json.dumps(page([row(1, amount="@")])).replace('"@"', "23631.9805")
    (staged,) = read(raw.encode()).staged
    assert staged.body is not None
    assert staged.body["amount"] == "23631.9805"
    assert staged.body["currency"] == "USD"


@given(st.decimals(-(10**13), 10**13, allow_nan=False, places=4))
def test_amounts_keep_every_digit(amount: Any) -> None:
    raw = json.dumps(page([row(1, amount="@")])).replace('"@"', f"{amount:f}")
    (staged,) = read(raw.encode()).staged
    assert staged.body is not None
    assert (
        staged.body["amount"] == f"{amount:f}" or type(amount)(str(staged.body["amount"])) == amount
    )


def test_called_too_early_the_mark_stays() -> None:
    answer = page([], after="")
    failure = fail({**answer, "transactions_update_status": "NOT_READY"})
    assert failure.outcome is Outcome.NOT_READY
    assert "transactions" in failure.state.dirty
    assert failure.state.cursor == "start"
    assert failure.state.retry_at is not None


@pytest.mark.parametrize(
    "answer",
    [
        page([], after="", has_more=True),
        page([], after="start", has_more=True),
        page([row(1)], after=""),
        page([], after="a\x00b"),
        page([], after="c" * 5000),
        page([row(1, pending="no")]),
        page([row(1, transaction_id=7)]),
    ],
)
def test_a_page_that_leads_nowhere_is_unreadable(answer: dict[str, Any]) -> None:
    failure = fail(answer)
    assert failure.outcome is Outcome.UNREADABLE
    assert failure.state.cursor == "start"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"amount": None}, "no amount"),
        ({"amount": "89.4"}, "a value that should be a number is none"),
        ({"amount": 10**30}, f"not an amount of USD: {10**30}"),
        ({"pending": None}, "nothing says whether it is pending"),
        ({"date": "2026-02-30"}, "a date that cannot be: 2026-02-30"),
        ({"date": "0001-01-01"}, "a date that cannot be: 0001-01-01"),
    ],
)
def test_a_transaction_that_cannot_be_is_kept_as_one_without_an_amount(
    changes: dict[str, Any], why: str
) -> None:
    """The others are read, the cursor goes on, and it proves nothing about days."""
    found = read(page([row(1), row(2, **changes), row(3)]))
    one, two, three = (r.body for r in found.staged)
    assert one is not None
    assert two is not None
    assert three is not None
    assert (two["amount"], two["unreadable"]) == ("", why)
    assert "unreadable" not in one
    assert one["amount"] == three["amount"] != ""
    assert (found.publishes, found.state.cursor) == ("transactions", "end")
    is_dated = not {"date", "pending"} & changes.keys()
    assert found.state.posted_count == 2 + is_dated
    assert found.state.first_posted_on == date.fromisoformat(str(one["date"]))


def test_a_transaction_without_pending_costs_only_its_row() -> None:
    """Had: 77 failures of the stream in a row, none told. No sum of what is pending may leave it out."""
    bare = row(2)
    del bare["pending"]
    _, two = read(page([row(1), bare])).staged
    assert two.body is not None
    assert (two.body["amount"], two.body["pending"]) == ("", True)
    assert two.due_on is not None


def test_empty_pages_without_end_wait_longer_and_longer() -> None:
    """Had: 780 calls an hour, with cached balances waiting behind. Pages with rows have a bound, too, and lose none."""
    state = DIRTY
    for number in range(EMPTY_MAX):
        state = read(page([], after=f"c{number}", has_more=True), state).state
    failure = fail(page([], after="far", has_more=True), state)
    assert failure.outcome is Outcome.TRY_AGAIN
    assert not failure.discards
    assert (failure.state.page, failure.state.cursor) == ("far", "start")
    assert RULES[failure.outcome].retry_after is not None
    again = read(page([row(1)], after="on", has_more=True), failure.state)
    assert fail(page([], after="x", has_more=True), failure.state).state.page == "x"
    assert read(page([], after="y", has_more=True), again.state).state.page == "y"
    ended = read(page([]), failure.state)
    assert ended.publishes == "transactions"
    assert "sync_empty" not in ended.state.facts
    full = replace(again.state, facts={**again.state.facts, "sync_changes": CHANGES_MAX})
    assert fail(page([row(2)], after="z", has_more=True), full).state.page == "on"


def test_coins_keep_their_digits() -> None:
    coins = row(1, amount="@", iso_currency_code=None, unofficial_currency_code="BTC")
    raw = json.dumps(page([coins])).replace('"@"', "0.00512345").encode()
    (found,) = read(raw).staged
    assert found.body is not None
    assert (found.body["amount"], found.body["currency"]) == ("0.00512345", "BTC")


def test_a_page_that_is_unreadable_drops_the_earlier_ones() -> None:
    first = read(page([row(1)], after="next", has_more=True)).state
    failure = fail(b"<html>", first)
    assert failure.discards
    assert (failure.state.cursor, failure.state.page) == ("start", "")
    assert read(page([row(1)]), failure.state).state.posted_count == 1, "counted once"


def test_only_new_posted_rows_count() -> None:
    state = read(
        page(
            [row(1, date="2026-11-20"), row(2, pending=True), row(3, date="2026-11-22")],
            [row(4)],
            ["t5"],
        )
    ).state
    assert state.posted_count == 2
    assert state.posted_closed_days == 1, "22 November 2026 is a Sunday"
    assert state.first_posted_on == date(2026, 11, 20)


def test_what_no_delivery_announced_is_a_gap() -> None:
    def gaps(reason: str, cursor: str, rows: list[dict[str, Any]]) -> int:
        state = kit.state(seen_until=SEEN, dirty={"transactions": reason}, cursor=cursor)
        return read(page(rows), state).state.webhook_gaps

    assert gaps(UNANNOUNCED, "start", [row(1)]) == 1
    assert gaps(UNANNOUNCED, "start", []) == 0
    assert gaps("announced", "start", [row(1)]) == 0
    assert gaps(UNANNOUNCED, "", [row(1)]) == 0, "announced only after a first read"


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["added", "modified", "removed"]),
        st.dates(date(2025, 1, 1), date(2026, 11, 25)),
        st.booleans(),
    ),
    max_size=12,
)


@given(CHANGES, st.data())
def test_pages_add_up_however_they_are_cut(
    changes: list[tuple[str, date, bool]], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(changes)), max_size=4)))
    numbered = list(enumerate(changes))
    parts = [numbered[a:b] for a, b in zip([0, *cuts], [*cuts, len(changes)], strict=True)]
    pages = [cut(part, n, is_last=n == len(parts) - 1) for n, part in enumerate(parts)]
    whole_state, whole = read_all([cut(numbered, 0, is_last=True)], DIRTY)
    state, staged = read_all(pages, DIRTY)
    assert sorted(staged, key=lambda r: r.remote_id) == sorted(whole, key=lambda r: r.remote_id)
    assert state == whole_state


def cut(
    part: list[tuple[int, tuple[str, date, bool]]], number: int, *, is_last: bool
) -> dict[str, Any]:
    def rows(wanted: str) -> list[dict[str, Any]]:
        return [
            row(n, date=day.isoformat(), pending=pending)
            for n, (kind, day, pending) in part
            if kind == wanted
        ]

    gone = [f"t{n}" for n, (kind, _, _) in part if kind == "removed"]
    after = "end" if is_last else f"page{number}"
    return page(rows("added"), rows("modified"), gone, after=after, has_more=not is_last)
