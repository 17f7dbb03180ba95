"""The world: a balance is the opening plus what was posted, whatever the order of writing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.world import AccountFacts, ChangeKind, Ledger, Posting, World

START_AT = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = AccountFacts("Cash")
moments = st.integers(0, 50).map(lambda hours: START_AT + timedelta(hours=hours))
moves = st.lists(st.tuples(moments, st.integers(-10_000, 10_000)), max_size=30)


@given(history=moves, later=moves, asked=st.lists(moments, min_size=1), opening=st.integers())
def test_balance_is_opening_plus_postings(
    history: list[tuple[datetime, int]],
    later: list[tuple[datetime, int]],
    asked: list[datetime],
    opening: int,
) -> None:
    postings = [Posting(f"h{n}", at, amount, "") for n, (at, amount) in enumerate(history)]
    ledger = Ledger("a", FACTS, opening, postings)
    truth = list(history)
    for n, (at, amount) in enumerate(later):
        assert ledger.balance_at(asked[0]) == opening + sum(m for t, m in truth if t <= asked[0])
        ledger.append(Posting(f"l{n}", at, amount, ""))
        truth.append((at, amount))
    for when in asked:
        assert ledger.balance_at(when) == opening + sum(m for t, m in truth if t <= when)


@given(history=moves, after=moments, until=moments)
def test_postings_between_is_open_below_and_closed_above(
    history: list[tuple[datetime, int]], after: datetime, until: datetime
) -> None:
    postings = [Posting(f"h{n}", at, amount, "") for n, (at, amount) in enumerate(history)]
    found = Ledger("a", FACTS, 0, postings).postings_between(after, until)
    assert sorted(p.posting_id for p in found) == sorted(
        p.posting_id for p in postings if after < p.posted_at <= until
    )


def test_amended_withdrawn_and_settled_postings() -> None:
    world = World()
    ledger = world.open_account("a", FACTS, 100)
    one = world.post("a", START_AT, 10, "one")
    two = world.post("a", START_AT + timedelta(hours=1), 20, "two")
    end_at = START_AT + timedelta(days=2)
    assert world.balance_at("a", end_at) == 130
    ledger.amend(one.posting_id, 15)
    assert world.balance_at("a", end_at) == 135
    ledger.withdraw(two.posting_id)
    assert world.balance_at("a", end_at) == 115
    held = world.post("a", end_at, -5, "held", pending_since=START_AT)
    assert ledger.pending_at(START_AT) == [held]
    ledger.settle(held.posting_id, START_AT + timedelta(hours=3))
    assert ledger.pending_at(START_AT + timedelta(hours=3)) == []
    assert world.balance_at("a", START_AT + timedelta(hours=3)) == 110
    kinds = [change.kind for change in ledger.changes]
    assert kinds == [
        ChangeKind.ADDED,
        ChangeKind.ADDED,
        ChangeKind.AMENDED,
        ChangeKind.WITHDRAWN,
        ChangeKind.ADDED,
        ChangeKind.ADDED,
    ]
    assert ledger.posting(one.posting_id).amount_minor == 15
    assert len(ledger) == 2


def test_pending_is_neither_early_nor_late() -> None:
    posts_at = START_AT + timedelta(days=3)
    held = Posting("p", posts_at, -50, "", pending_since=START_AT)
    ledger = Ledger("a", FACTS, 100, [held, Posting("q", posts_at, -1, "")])
    assert ledger.pending_at(START_AT - timedelta(seconds=1)) == []
    assert ledger.pending_at(START_AT) == [held]
    assert ledger.balance_at(START_AT) == 100
    assert ledger.pending_at(posts_at) == []
    assert ledger.balance_at(posts_at) == 49


def test_ids_are_unique() -> None:
    world = World()
    ledger = world.open_account("a", FACTS, 0, [Posting("p", START_AT, 1, "")])
    with pytest.raises(ValueError, match="exists already"):
        world.open_account("a", FACTS)
    with pytest.raises(ValueError, match="exists already"):
        ledger.append(Posting("p", START_AT, 1, ""))
    with pytest.raises(ValueError, match="twice"):
        Ledger("b", FACTS, 0, [Posting("p", START_AT, 1, "")] * 2)
    with pytest.raises(KeyError):
        world.ledger("nobody")
    assert world.account_ids() == ["a"]
    assert list(world.postings_between("a", START_AT - timedelta(days=1), START_AT)) != []
