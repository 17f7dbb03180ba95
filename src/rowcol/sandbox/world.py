"""The world: what is really on the accounts, whatever any rail says about it.

A ledger is an opening balance plus dated postings. Rails copy from here when they look; nothing here knows a rail.
Times are aware UTC, amounts exact integers in minor units, positive = money in. Not here: what a bank *shows* of it.
Start with `World.balance_at`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the bank knows of an account besides its money."""

    name: str
    mask: str | None = None
    account_type: str = "depository"
    account_subtype: str | None = "checking"
    official_name: str | None = None
    currency: str = "USD"
    minor_digits: int = 2
    limit_minor: int | None = None
    hold_minor: int = 0
    """Kept back from `available` for no visible transaction."""
    has_available: bool = True
    holder_category: str | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """One movement of money. Pending from `pending_since` (if given) until `posted_at`, then final."""

    posting_id: str
    posted_at: datetime
    amount_minor: int
    description: str
    pending_since: datetime | None = None


class ChangeKind(StrEnum):
    """How a ledger was edited."""

    ADDED = "added"
    AMENDED = "amended"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Change:
    """An edit of a ledger after it was opened, in the order of the edits."""

    kind: ChangeKind
    posting: Posting


class Ledger:
    """One account: balances by bisection over prefix sums, edits as a list that rails read from their own mark."""

    def __init__(
        self,
        account_id: str,
        facts: AccountFacts,
        opening_minor: int = 0,
        postings: Iterable[Posting] = (),
    ) -> None:
        self.account_id = account_id
        self.facts = facts
        self.opening_minor = opening_minor
        self.changes: list[Change] = []
        self._postings = sorted(postings, key=lambda posting: posting.posted_at)
        self._at = [posting.posted_at for posting in self._postings]
        self._totals: list[int] = []
        self._by_id = {posting.posting_id: posting for posting in self._postings}
        self._longest_hold = max(
            (_hold_of(posting) for posting in self._postings), default=timedelta()
        )
        if len(self._by_id) != len(self._postings):
            msg = f"account {account_id}: a posting id occurs twice"
            raise ValueError(msg)

    def __len__(self) -> int:
        return len(self._postings)

    def posting(self, posting_id: str) -> Posting:
        """Raise `KeyError` when there is none of this id."""
        return self._by_id[posting_id]

    def balance_at(self, when: datetime) -> int:
        """Opening balance plus everything posted at or before `when`; pending money does not count."""
        n = bisect_right(self._at, when)
        if n == 0:
            return self.opening_minor
        self._sum_up_to(n)
        return self._totals[n - 1]

    def postings_between(self, after: datetime, until: datetime) -> Sequence[Posting]:
        """Posted in (`after`, `until`], oldest first."""
        return self._postings[bisect_right(self._at, after) : bisect_right(self._at, until)]

    def pending_at(self, when: datetime) -> list[Posting]:
        """Announced at or before `when`, posted after it."""
        if not self._longest_hold:
            return []
        return [
            posting
            for posting in self.postings_between(when, when + self._longest_hold)
            if posting.pending_since is not None and posting.pending_since <= when
        ]

    def append(self, posting: Posting) -> None:
        """Add a posting anywhere in time; a back-dated one changes every balance after it."""
        if posting.posting_id in self._by_id:
            msg = f"account {self.account_id}: posting {posting.posting_id} exists already"
            raise ValueError(msg)
        self._insert(posting)
        self.changes.append(Change(ChangeKind.ADDED, posting))

    def amend(self, posting_id: str, amount_minor: int) -> Posting:
        """The bank corrects an amount; the balance follows from `posted_at` on."""
        index = self._index_of(posting_id)
        amended = replace(self._postings[index], amount_minor=amount_minor)
        self._postings[index] = amended
        self._by_id[posting_id] = amended
        del self._totals[index:]
        self.changes.append(Change(ChangeKind.AMENDED, amended))
        return amended

    def settle(self, posting_id: str, posted_at: datetime) -> Posting:
        """A pending posting is booked at `posted_at`, under its own id, so that rails can match the two."""
        settled = replace(self._remove(posting_id), posted_at=posted_at)
        self._insert(settled)
        self.changes.append(Change(ChangeKind.ADDED, settled))
        return settled

    def withdraw(self, posting_id: str) -> Posting:
        """The posting never happened: a pending one that was dropped, a posted one that was taken back."""
        withdrawn = self._remove(posting_id)
        self.changes.append(Change(ChangeKind.WITHDRAWN, withdrawn))
        return withdrawn

    def _insert(self, posting: Posting) -> None:
        index = bisect_right(self._at, posting.posted_at)
        self._at.insert(index, posting.posted_at)
        self._postings.insert(index, posting)
        del self._totals[index:]
        self._by_id[posting.posting_id] = posting
        self._longest_hold = max(self._longest_hold, _hold_of(posting))

    def _remove(self, posting_id: str) -> Posting:
        index = self._index_of(posting_id)
        del self._at[index]
        del self._totals[index:]
        del self._by_id[posting_id]
        return self._postings.pop(index)

    def _index_of(self, posting_id: str) -> int:
        posting = self._by_id[posting_id]
        index = bisect_left(self._at, posting.posted_at)
        while self._postings[index].posting_id != posting_id:
            index += 1
        return index

    def _sum_up_to(self, n: int) -> None:
        totals = self._totals
        total = totals[-1] if totals else self.opening_minor
        for posting in self._postings[len(totals) : n]:
            total += posting.amount_minor
            totals.append(total)


class World:
    """Every account there is, by id."""

    def __init__(self) -> None:
        self._ledgers: dict[str, Ledger] = {}
        self._n_posted = 0

    def open_account(
        self,
        account_id: str,
        facts: AccountFacts,
        opening_minor: int = 0,
        postings: Iterable[Posting] = (),
    ) -> Ledger:
        """Open an account with its history, and its future if that is known already."""
        if account_id in self._ledgers:
            msg = f"account {account_id} exists already"
            raise ValueError(msg)
        ledger = Ledger(account_id, facts, opening_minor, postings)
        self._ledgers[account_id] = ledger
        return ledger

    def ledger(self, account_id: str) -> Ledger:
        """Raise `KeyError` when there is no such account."""
        return self._ledgers[account_id]

    def account_ids(self) -> list[str]:
        """In the order of opening."""
        return list(self._ledgers)

    def balance_at(self, account_id: str, when: datetime) -> int:
        """Minor units at `when`, pending money not counted."""
        return self._ledgers[account_id].balance_at(when)

    def postings_between(
        self, account_id: str, after: datetime, until: datetime
    ) -> Sequence[Posting]:
        """Posted in (`after`, `until`], oldest first."""
        return self._ledgers[account_id].postings_between(after, until)

    def post(
        self,
        account_id: str,
        posted_at: datetime,
        amount_minor: int,
        description: str,
        pending_since: datetime | None = None,
    ) -> Posting:
        """Append a posting with an id of the world's own counting."""
        self._n_posted += 1
        posting = Posting(f"w{self._n_posted}", posted_at, amount_minor, description, pending_since)
        self._ledgers[account_id].append(posting)
        return posting


def _hold_of(posting: Posting) -> timedelta:
    if posting.pending_since is None:
        return timedelta()
    return max(posting.posted_at - posting.pending_since, timedelta())
