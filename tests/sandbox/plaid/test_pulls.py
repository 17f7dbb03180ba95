"""Pulls: after a pull the log says what the bank says, whatever was edited, however often was pulled."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.plaid import pulls
from rowcol.sandbox.plaid.items import Item
from tests.sandbox.rig import Rig

# An edit: (kind, hours before now it is dated, amount, which posting).
edits = st.lists(
    st.tuples(
        st.sampled_from(["post", "hold", "future", "amend", "withdraw", "pull", "wait"]),
        st.integers(0, 200),
        st.integers(-5_000, 5_000),
        st.integers(0, 30),
    ),
    max_size=30,
)


def _edit(rig: Rig, ids: list[str], kind: str, hours: int, amount: int, which: int) -> None:
    ledger = rig.world.ledger("cash")
    back = timedelta(hours=hours)
    if kind == "post":
        ids.append(rig.world.post("cash", rig.now - back, amount, kind).posting_id)
    elif kind == "hold":
        posting = rig.world.post("cash", rig.now + back, amount, kind, rig.now - back)
        ids.append(posting.posting_id)
    elif kind == "future":
        ids.append(rig.world.post("cash", rig.now + back, amount, kind).posting_id)
    elif kind == "wait":
        rig.clock.advance_to(rig.now + back)
    elif kind == "amend" and ids:
        ledger.amend(ids[which % len(ids)], amount)
    elif kind == "withdraw" and ids:
        ledger.withdraw(ids.pop(which % len(ids)))


def _shown(item: Item) -> set[tuple[str, bool, int]]:
    return {
        (txn.posting.posting_id, txn.is_pending, txn.posting.amount_minor)
        for txn in item.log.live()
    }


@given(edits)
def test_the_log_follows_the_ledger(script: list[tuple[str, int, int, int]]) -> None:
    rig = Rig()
    item = rig.item()
    ledger = rig.world.ledger("cash")
    ids: list[str] = []
    for kind, hours, amount, which in script:
        _edit(rig, ids, kind, hours, amount, which)
        if kind == "pull":
            pulls.copy_truth(item, rig.now, rig.emulator.dice)
    pulls.copy_truth(item, rig.now, rig.emulator.dice)
    reach_at = item.created_at - timedelta(days=730)
    posted = {
        (p.posting_id, False, p.amount_minor) for p in ledger.postings_between(reach_at, rig.now)
    }
    held = {(p.posting_id, True, p.amount_minor) for p in ledger.pending_at(rig.now)}
    assert _shown(item) == posted | held
    assert not pulls.copy_truth(item, rig.now, rig.emulator.dice)
    [account] = item.accounts.values()
    assert account.cached is not None
    assert account.cached.current_minor == ledger.balance_at(rig.now)


def test_investments_have_no_transactions(rig: Rig) -> None:
    item = rig.item(rig.account("ira", account_type="investment"))
    rig.spend(account_id="ira")
    assert not pulls.copy_truth(item, rig.now, rig.emulator.dice)
    assert item.log.head == 0


def test_copying_balances_leaves_transactions_alone(rig: Rig) -> None:
    item = rig.item()
    rig.spend()
    pulls.copy_balances(item, rig.now)
    [account] = item.accounts.values()
    assert account.cached is not None
    assert (account.cached.current_minor, item.log.head) == (99_000, 0)
