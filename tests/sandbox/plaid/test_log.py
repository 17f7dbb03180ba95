"""The transaction log: a reader that follows it ends with what is there, at any page size."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.plaid.log import TransactionLog, Txn
from rowcol.sandbox.world import Posting

POSTING = Posting("p", datetime(2026, 1, 1, tzinfo=UTC), -1, "")
# An action is (what, which): add a new one, or modify or remove the nth live one.
actions = st.lists(st.tuples(st.sampled_from("amr"), st.integers(0, 99)), max_size=25)


def _act(log: TransactionLog, live: list[Txn], what: str, which: int) -> None:
    if what == "a" or not live:
        txn = Txn(f"t{log.head}", "ab"[which % 2], POSTING, is_pending=False)
        live.append(txn)
        log.add(txn)
    elif what == "m":
        log.modify(live[which % len(live)])
    else:
        log.remove(live.pop(which % len(live)))


@given(rounds=st.lists(actions, max_size=5), count=st.integers(1, 7), stream=st.booleans())
def test_a_reader_ends_with_the_truth(
    rounds: list[list[tuple[str, int]]], count: int, stream: bool
) -> None:
    log, live = TransactionLog(), list[Txn]()
    known: set[str] = set()
    account_id = "a" if stream else None
    base = 0
    for round_ in rounds:
        for what, which in round_:
            _act(log, live, what, which)
        position, has_more = base, True
        while has_more:
            page = log.page(base, position, count, account_id)
            assert len(page.added) + len(page.modified) + len(page.removed) <= count
            assert known.isdisjoint(txn.transaction_id for txn in page.added)
            known |= {txn.transaction_id for txn in page.added}
            assert known >= {txn.transaction_id for txn in page.modified}
            assert known >= {txn.transaction_id for txn in page.removed}
            known -= {txn.transaction_id for txn in page.removed}
            position, has_more = page.position, page.has_more
        assert position == log.head
        base = position
        wanted = {t.transaction_id for t in live if account_id in {None, t.account_id}}
        assert known == wanted
    assert {txn.transaction_id for txn in log.live()} == {txn.transaction_id for txn in live}


def test_what_came_and_went_is_never_mentioned() -> None:
    log = TransactionLog()
    txn = Txn("t", "a", POSTING, is_pending=True)
    log.add(txn)
    log.remove(txn)
    page = log.page(0, 0, 10)
    assert (page.added, page.modified, page.removed, page.has_more) == ([], [], [], False)
    assert page.position == 2
