"""Ledger: what the books say, as plain records, each answer with the time as of which it is complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from rowcol.api.shapes import Amount
from rowcol.core.books import LedgerAccount, OpenItem, Party
from rowcol.core.evidence import Coverage, age_of
from rowcol.core.money import Money
from rowcol.engine.books import BooksAnswer

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class CoverageOut:
    """One company's books: everything in `scope` is known as of `complete_as_of`."""

    scope: str
    complete_as_of: datetime
    source: str


@dataclass(frozen=True, slots=True)
class UnreadableOut:
    """A row that belongs into `value` and is no value of ours: which, and why. Look it up in the books."""

    entity: str
    id: str
    why: str


@dataclass(frozen=True, slots=True)
class BooksOut(Generic[V]):
    """What the books say, with its proof. `as_of`: everything in `value` is known as of then, null: never read whole.

    `action` SERVE, or HOLD: do not decide on it. `label`: what must be said beside it. `calls`: made for it.
    `next`: of a list that goes on, what to give as `after`; each page has a proof of its own.
    `unreadable`: of the whole list, rows that are missing in it; `label` speaks of them.
    """

    business: str
    purpose: str
    action: str
    value: V
    as_of: datetime | None
    age_s: int | None
    reason: str
    label: str | None
    policy: str
    answered_at: datetime
    evidence: tuple[CoverageOut, ...]
    calls: tuple[str, ...]
    next: str | None = None
    unreadable: tuple[UnreadableOut, ...] = ()


@dataclass(frozen=True, slots=True)
class BillOut:
    """A bill. `vendor`: the books' own id of it; `balance`: still to pay. Dates are the books' own, without a zone."""

    id: str
    version: str
    number: str
    vendor: str
    vendor_name: str
    issued_on: date | None
    due_on: date | None
    total: Amount
    balance: Amount
    memo: str
    changed_at: datetime | None
    is_voided: bool
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class VendorOut:
    """A vendor. `balance`: what the books say is open."""

    id: str
    name: str
    balance: Amount
    is_active: bool


@dataclass(frozen=True, slots=True)
class BankAccountOut:
    """A bank account as the books have it: what the books believe, not what the bank says."""

    id: str
    name: str
    type: str
    subtype: str
    balance: Amount
    is_active: bool


def books_of(answer: BooksAnswer[T], shape: Callable[[T], V]) -> BooksOut[V]:
    age = age_of(answer.as_of, answer.answered_at)
    return BooksOut(
        business=answer.business,
        purpose=answer.question.purpose.value,
        action=answer.action.value,
        value=shape(answer.value),
        as_of=answer.as_of,
        age_s=None if age is None else int(age.total_seconds()),
        reason=answer.reason,
        label=answer.label,
        policy=answer.policy,
        answered_at=answer.answered_at,
        evidence=tuple(_coverage(c) for c in answer.evidence),
        calls=answer.calls,
        unreadable=tuple(UnreadableOut(r.entity, r.remote_id, r.why) for r in answer.unreadable),
    )


def bill_of(row: OpenItem) -> BillOut:
    return BillOut(
        id=row.remote_id,
        version=row.remote_version,
        number=row.number,
        vendor=row.party,
        vendor_name=row.party_name,
        issued_on=row.issued_on,
        due_on=row.due_on,
        total=_amount(row.total),
        balance=_amount(row.balance),
        memo=row.memo,
        changed_at=row.changed_at,
        is_voided=row.is_voided,
        is_deleted=row.is_deleted,
    )


def bills_of(rows: tuple[OpenItem, ...]) -> tuple[BillOut, ...]:
    return tuple(bill_of(row) for row in rows)


def vendors_of(rows: tuple[Party, ...]) -> tuple[VendorOut, ...]:
    return tuple(VendorOut(r.remote_id, r.name, _amount(r.balance), r.is_active) for r in rows)


def bank_accounts_of(rows: tuple[LedgerAccount, ...]) -> tuple[BankAccountOut, ...]:
    return tuple(
        BankAccountOut(r.remote_id, r.name, r.type, r.subtype, _amount(r.balance), r.is_active)
        for r in rows
    )


def _coverage(row: Coverage) -> CoverageOut:
    return CoverageOut(row.scope, row.complete_as_of, row.source.value)


def _amount(money: Money) -> Amount:
    return Amount(money.amount_minor, money.currency)
