"""Books: what a mirror of the books says, as values of our own. Money exact, dates without a zone as the books have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import msgspec

from rowcol.core.ids import RemoteId
from rowcol.core.money import Money

BILL, VENDOR, ACCOUNT, INVOICE, CUSTOMER = "Bill", "Vendor", "Account", "Invoice", "Customer"
"""Mirror entities that a rail with books fills; the words are the field's own."""


class Kind(StrEnum):
    """Which way an open item moves money."""

    PAYABLE = "PAYABLE"
    RECEIVABLE = "RECEIVABLE"


class OpenItem(msgspec.Struct, frozen=True, gc=False):
    """A bill or an invoice. `party` is the vendor's or customer's remote id, `balance` what is still open.

    A Struct and no dataclass: a thousand of them are made for one batch read, five times as fast.
    `due_on` is None where the books name no date. `is_voided`: kept for its history, nothing is owed.
    `is_deleted`: the books have it no more, so nothing of it is open, whatever was open last.
    """

    kind: Kind
    remote_id: RemoteId
    remote_version: str
    number: str
    party: RemoteId
    party_name: str
    issued_on: date | None
    due_on: date | None
    total: Money
    balance: Money
    memo: str
    changed_at: datetime | None
    is_voided: bool = False
    is_deleted: bool = False

    def __post_init__(self) -> None:
        if self.is_deleted:
            nothing = Money(0, self.balance.currency)
            msgspec.structs.force_setattr(self, "balance", nothing)


@dataclass(frozen=True, slots=True)
class Party:
    """A vendor or a customer. `balance`: what is open between us in the books."""

    entity: str
    remote_id: RemoteId
    name: str
    balance: Money
    is_active: bool
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """An account in the books. A bank account here is what the books believe, not what the bank says."""

    remote_id: RemoteId
    name: str
    type: str
    subtype: str
    balance: Money
    is_active: bool
    is_bank: bool
    is_deleted: bool = False


Record = OpenItem | Party | LedgerAccount


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of the books that is no value of ours: named beside the others rather than left out of them or guessed.

    Nothing of it is in the values, the sums made of them, or the first due date: whoever decides on those looks it up.
    """

    entity: str
    remote_id: RemoteId
    why: str


NAMED_MAX = 3
"""Ids of rows with one and the same trouble that a sentence names; the answer's field has them all."""


def said_of(rows: Iterable[UnreadableRow]) -> str | None:
    """A sentence for each trouble, None where there is none: `not in it, as it cannot be read: Bill '3' (why)`."""
    ids: dict[tuple[str, str], list[RemoteId]] = {}
    for row in rows:
        ids.setdefault((row.entity, row.why), []).append(row.remote_id)
    parts = [f"{entity} {_named(found)} ({why})" for (entity, why), found in ids.items()]
    more = f", and {len(parts) - NAMED_MAX} other troubles" if len(parts) > NAMED_MAX else ""
    what = ", ".join(parts[:NAMED_MAX])
    return f"not in it, as it cannot be read: {what}{more}" if parts else None


def _named(ids: Sequence[RemoteId]) -> str:
    named = ", ".join(repr(each) for each in ids[:NAMED_MAX])
    return f"{named} and {len(ids) - NAMED_MAX:,} more" if len(ids) > NAMED_MAX else named
