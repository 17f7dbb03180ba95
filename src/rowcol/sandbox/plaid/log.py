"""The transaction log of an Item: what `/transactions/sync` reads, one sequence number for each change.

An entry is superseded once its transaction changed again, so a walk meets every transaction once, at its last change.
Relative to a base number a transaction is *added* when it was made after it, *modified* when before, *removed* when it
is gone; one that came and went in between is never mentioned. Not here: what the bank says (`pulls`), cursors as text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rowcol.sandbox.world import Posting


@dataclass(slots=True)
class Txn:
    """A transaction as Plaid last saw it."""

    transaction_id: str
    account_id: str
    posting: Posting
    is_pending: bool
    pending_transaction_id: str | None = None
    created_seq: int = 0
    last_seq: int = 0
    is_removed: bool = False


@dataclass(slots=True)
class Page:
    """A slice of the log relative to a base."""

    position: int
    has_more: bool = False
    added: list[Txn] = field(default_factory=list)
    modified: list[Txn] = field(default_factory=list)
    removed: list[Txn] = field(default_factory=list)


class TransactionLog:
    """Append-only; `head` is the number of the last change."""

    def __init__(self) -> None:
        self._entries: list[Txn] = []

    @property
    def head(self) -> int:
        """0 when nothing ever happened."""
        return len(self._entries)

    def add(self, txn: Txn) -> None:
        """A transaction that was not there before."""
        self._touch(txn)
        txn.created_seq = txn.last_seq

    def modify(self, txn: Txn) -> None:
        """The transaction has new values, or counts as if it had."""
        self._touch(txn)

    def remove(self, txn: Txn) -> None:
        """The transaction is gone."""
        txn.is_removed = True
        self._touch(txn)

    def live(self) -> list[Txn]:
        """Every transaction that is there now, by last change."""
        return [
            txn
            for seq, txn in enumerate(self._entries, start=1)
            if txn.last_seq == seq and not txn.is_removed
        ]

    def page(self, base: int, position: int, count: int, account_id: str | None = None) -> Page:
        """Up to `count` changes after `position`; what they mean is relative to `base`."""
        page = Page(position=position)
        n_taken = 0
        for seq in range(position + 1, len(self._entries) + 1):
            txn = self._entries[seq - 1]
            if txn.last_seq != seq or (txn.is_removed and txn.created_seq > base):
                continue
            if account_id is not None and txn.account_id != account_id:
                continue
            if n_taken == count:
                page.has_more = True
                return page
            _kind_of(page, txn, base).append(txn)
            page.position = seq
            n_taken += 1
        page.position = len(self._entries)
        return page

    def _touch(self, txn: Txn) -> None:
        self._entries.append(txn)
        txn.last_seq = len(self._entries)


def _kind_of(page: Page, txn: Txn, base: int) -> list[Txn]:
    if txn.is_removed:
        return page.removed
    return page.added if txn.created_seq > base else page.modified
