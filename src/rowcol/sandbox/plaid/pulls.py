"""Pulls: Plaid looks at the bank and copies the truth into an Item's cache and transaction log.

Pure bookkeeping on an `Item`; when pulls happen is `emulator`'s business. Start with `copy_truth`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from rowcol.sandbox.dice import Dice
from rowcol.sandbox.plaid.items import Item, LinkedAccount
from rowcol.sandbox.plaid.log import Txn
from rowcol.sandbox.world import ChangeKind, Ledger, Posting

INITIAL_DAYS: Final = 30
COVERED_TYPES: Final = frozenset({"depository", "credit", "loan"})


def copy_balances(item: Item, when: datetime) -> None:
    """Renew what `/accounts/get` serves."""
    for account in item.accounts.values():
        account.cached = account.look(when)


def copy_truth(item: Item, when: datetime, dice: Dice) -> bool:
    """Renew balances and transactions as of `when`; True when a transaction changed."""
    head = item.log.head
    for account in item.accounts.values():
        account.cached = account.look(when)
        if account.ledger.facts.account_type in COVERED_TYPES:
            _copy_transactions(item, account, when, dice)
    return item.log.head != head


def first_update(item: Item, when: datetime, dice: Dice) -> None:
    """The first 30 days of transactions, or fewer if fewer were asked for."""
    reach = timedelta(days=min(INITIAL_DAYS, item.wish.days_requested))
    for account in item.accounts.values():
        account.read_after = item.created_at - reach
    copy_truth(item, when, dice)
    item.is_initial_done = True


def historical_update(item: Item, when: datetime, dice: Dice) -> None:
    """The rest of what was asked for."""
    if not item.is_initial_done:
        first_update(item, when, dice)
    reach_back(item, item.created_at - timedelta(days=item.wish.days_requested), dice)
    copy_truth(item, when, dice)
    item.is_historical_done = True


def reach_back(item: Item, after: datetime, dice: Dice) -> None:
    """The historical update: add the postings between `after` and what was visible so far."""
    for account in item.accounts.values():
        if account.ledger.facts.account_type not in COVERED_TYPES or account.read_after is None:
            continue
        older = account.ledger.postings_between(after, account.read_after)
        account.read_after = min(after, account.read_after)
        for posting in older:
            _see_posted(item, account, posting, dice)


def churn_account(item: Item, account_id: str, dice: Dice) -> str:
    """The bank renamed the account: a new id, every transaction removed and added again. Returns the new id."""
    item.n_made += 1
    account = item.accounts.pop(account_id)
    account.account_id = dice.ident("churned", item.item_id, account_id, item.n_made)
    item.accounts[account.account_id] = account
    for posting_id, txn in list(account.txn_by_posting.items()):
        item.log.remove(txn)
        del account.txn_by_posting[posting_id]
        _add(item, account, txn.posting, dice, is_pending=txn.is_pending)
    return account.account_id


def share_accounts(item: Item, ledgers: Sequence[Ledger], when: datetime, dice: Dice) -> bool:
    """The person chose again: these accounts and no others are shared. True when that changed anything.

    An account that was shared all the time keeps its id; one that comes (back) has a new one (docs "Update mode").
    The transactions of one that goes are removed.
    """
    chosen = {ledger.account_id for ledger in ledgers}
    gone = [one for one in item.accounts.values() if one.ledger.account_id not in chosen]
    came = [ledger for ledger in ledgers if ledger.account_id not in item.shared_ids]
    for account in gone:
        del item.accounts[account.account_id]
        for txn in account.txn_by_posting.values():
            item.log.remove(txn)
    for ledger in came:
        item.n_made += 1
        account_id = dice.ident("account", item.item_id, ledger.account_id, item.n_made)
        account = LinkedAccount(account_id, ledger)
        account.cached = account.look(when)
        if item.is_initial_done:
            n_days = item.wish.days_requested
            reach = n_days if item.is_historical_done else min(INITIAL_DAYS, n_days)
            account.read_after = item.created_at - timedelta(days=reach)
        item.accounts[account_id] = account
    return bool(gone or came)


def close_account(item: Item, ledger: Ledger) -> None:
    """The bank no longer shows the account; what was read of it stays in the log."""
    for account in list(item.accounts.values()):
        if account.ledger is ledger:
            del item.accounts[account.account_id]
            item.closed_accounts[account.account_id] = account


def _copy_transactions(item: Item, account: LinkedAccount, when: datetime, dice: Dice) -> None:
    if account.read_after is None:
        return
    read_until = account.read_until or account.read_after
    _read_changes(item, account, read_until, dice)
    for posting in account.ledger.postings_between(read_until, when):
        _see_posted(item, account, posting, dice)
    for posting in account.ledger.pending_at(when):
        if posting.posting_id not in account.txn_by_posting:
            _add(item, account, posting, dice, is_pending=True)
    account.read_until = max(read_until, when)


def _read_changes(item: Item, account: LinkedAccount, read_until: datetime, dice: Dice) -> None:
    """Edits of the ledger that a walk through new postings would not meet."""
    changes = account.ledger.changes[account.n_changes_read :]
    account.n_changes_read = len(account.ledger.changes)
    for change in changes:
        posting = change.posting
        txn = account.txn_by_posting.get(posting.posting_id)
        if change.kind is ChangeKind.ADDED:
            if account.read_after and account.read_after < posting.posted_at <= read_until:
                _see_posted(item, account, posting, dice)
        elif txn is None:
            continue
        elif change.kind is ChangeKind.AMENDED:
            txn.posting = posting
            item.log.modify(txn)
        else:
            del account.txn_by_posting[posting.posting_id]
            item.log.remove(txn)


def _see_posted(item: Item, account: LinkedAccount, posting: Posting, dice: Dice) -> None:
    txn = account.txn_by_posting.get(posting.posting_id)
    if txn is None:
        _add(item, account, posting, dice)
    elif txn.is_pending:
        item.log.remove(txn)
        _add(item, account, posting, dice, pending_transaction_id=txn.transaction_id)


def _add(
    item: Item,
    account: LinkedAccount,
    posting: Posting,
    dice: Dice,
    *,
    is_pending: bool = False,
    pending_transaction_id: str | None = None,
) -> None:
    stage = "pending" if is_pending else "posted"
    txn = Txn(
        dice.ident("txn", item.item_id, account.account_id, posting.posting_id, stage),
        account.account_id,
        posting,
        is_pending,
        pending_transaction_id,
    )
    account.txn_by_posting[posting.posting_id] = txn
    item.log.add(txn)
