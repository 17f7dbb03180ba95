"""Mirror: QuickBooks' objects as rows to keep, and kept rows as the books' own values.

A row keeps the whole object. `SyncToken` is its version for writes only: a balance that follows
from another object moves `LastUpdatedTime` and not the token (recorded 5 May 2026), so rows are
replaced whatever their token.
"""

from __future__ import annotations

from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

from rowcol.core.books import (
    ACCOUNT,
    BILL,
    CUSTOMER,
    INVOICE,
    VENDOR,
    Kind,
    LedgerAccount,
    OpenItem,
    Party,
    Record,
)
from rowcol.core.ids import RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.money import Money, NotMoney, exponent_of, shown
from rowcol.core.rail import Row
from rowcol.rails.qbo.records import (
    RowRecord,
    Unreadable,
    amount_of,
    convert,
    day_of,
    moment_of,
    text,
)
from rowcol.rails.qbo.spec import ENTITIES

DELETED, VOIDED = "Deleted", "Voided"
UNDATED = date.min
"""Due on no known day, yet open: due at once."""
_OPEN = Decimal(1)
_DIGITS_MAX = 18
_MINOR_MAX = 10**_DIGITS_MAX
_EXACT = Context(prec=4 * _DIGITS_MAX, traps=[Inexact, InvalidOperation])
RECORDS_KEPT, KEPT_BYTES_MAX = 8_192, 4_096
"""Together at most 40 MB: a bill of a hundred lines is read anew each time."""


def row_of(entity: str, body: object) -> Row:
    """An object as a row; raise `Unreadable` where it is none. What is wrong with its amounts, whoever reads it is told."""
    found = convert(body, RowRecord)
    if not isinstance(body, dict):
        raise Unreadable("an object that is none")
    changed_at = moment_of(found.MetaData.LastUpdatedTime)
    remote_id = RemoteId(found.Id)
    if is_sparse(body):  # to keep it as whole would blank what it leaves out
        raise Unreadable(f"an object of {entity} that is told in part")
    if found.status == DELETED:
        if found.SyncToken:
            raise Unreadable(f"an object of {entity} that is deleted and whole")
        return Row(entity, remote_id, "", changed_at, None)
    version = text(found.SyncToken)
    return Row(entity, remote_id, version, changed_at, body, _due_on(entity, body))


def rows_of(groups: dict[str, Any]) -> tuple[Row, ...]:
    """Every object in an answer's groups, in their order; what is no entity of ours is left out.

    Raise `Unreadable` where there are fewer than the answer itself says. (Its `totalCount` is wrong in Intuit's own example.)
    """
    found: list[Row] = []
    for entity in ENTITIES:
        if entity not in groups:
            continue
        if not isinstance(groups[entity], list):
            raise Unreadable("objects that are no list")
        found += (row_of(entity, each) for each in groups[entity])
    promised = groups.get("maxResults")
    came = sum(len(part) for part in groups.values() if isinstance(part, list))
    if isinstance(promised, int) and promised > came:
        raise Unreadable("fewer objects than the answer says")
    return tuple(found)


def is_sparse(body: object) -> bool:
    """Whether an object is told in part, as some answers to a write are."""
    return isinstance(body, dict) and body.get("sparse") in (True, "true")


def _due_on(entity: str, body: dict[str, Any]) -> date | None:
    if entity not in (BILL, INVOICE):
        return None
    try:
        balance = amount_of(body.get("Balance"))
    except Unreadable:
        balance = None
    if balance is None and not _is_voided(body.get("TotalAmt"), body.get("PrivateNote")):
        balance = _OPEN  # a list of what is open must name what nobody knows to be paid
    if balance is None or balance <= 0:
        return None
    return day_of(body.get("DueDate")) or day_of(body.get("TxnDate")) or UNDATED


def _is_voided(total: object, note: object) -> bool:
    """A voided one may have no amounts left."""
    return not total and str(note or "").startswith(VOIDED)


class RefRecord(msgspec.Struct, frozen=True):
    """`{"value": "35", "name": "Checking"}`."""

    value: str | None = None
    name: str | None = None


class OpenRecord(msgspec.Struct, frozen=True):
    """A bill or an invoice. A voided one has no amounts left, and a note that says so."""

    VendorRef: RefRecord | None = None
    CustomerRef: RefRecord | None = None
    CurrencyRef: RefRecord | None = None
    DocNumber: str | None = None
    TxnDate: str | None = None
    DueDate: str | None = None
    TotalAmt: Decimal | None = None
    Balance: Decimal | None = None
    PrivateNote: str | None = None


class PartyRecord(msgspec.Struct, frozen=True):
    """A vendor or a customer; a customer's balance below zero is normal."""

    DisplayName: str | None = None
    CurrencyRef: RefRecord | None = None
    Balance: Decimal | None = None
    Active: bool = True


class AccountRecord(msgspec.Struct, frozen=True):
    """An account in the books; what is owed has a balance below zero."""

    Name: str | None = None
    FullyQualifiedName: str | None = None
    AccountType: str | None = None
    AccountSubType: str | None = None
    CurrencyRef: RefRecord | None = None
    CurrentBalance: Decimal | None = None
    Active: bool = True


NOBODY = RefRecord()

_read_open = msgspec.json.Decoder(OpenRecord).decode
_read_party = msgspec.json.Decoder(PartyRecord).decode
_read_account = msgspec.json.Decoder(AccountRecord).decode


def record_of(row: MirrorRow, home: str) -> Record | None:
    """A kept row as the books' own value; None where it has none. Raise `ValueError` where it cannot be read.

    `home`: the company's own currency, "" while it is not known: a row that names none has no value then. Equal rows are equal values, so those read last are kept: half the time of a batch is reading bodies.
    """
    if row.body is None:
        return None
    read = _kept if len(row.body) <= KEPT_BYTES_MAX else _read
    return read(row, row.body, home)


def _read(row: MirrorRow, body: bytes, home: str) -> Record | None:
    try:
        if row.entity in (BILL, INVOICE):
            return _open_item(row, _read_open(body), home)
        if row.entity in (VENDOR, CUSTOMER):
            return _party(row, _read_party(body), home)
        return _account(row, _read_account(body), home) if row.entity == ACCOUNT else None
    except RecursionError:
        raise Unreadable("nested too deep") from None


_kept = lru_cache(maxsize=RECORDS_KEPT)(_read)


def _open_item(row: MirrorRow, found: OpenRecord, home: str) -> OpenItem:
    is_bill = row.entity == BILL
    party = (found.VendorRef if is_bill else found.CustomerRef) or NOBODY
    currency = _currency(found.CurrencyRef, home)
    total = _money(found.TotalAmt, currency)
    is_voided = _is_voided(found.TotalAmt, found.PrivateNote)
    if found.Balance is None and not (is_voided or row.is_deleted):
        raise NotMoney("it says nothing of what is open")  # which is not: nothing is open
    is_untouched = found.Balance is not None and found.Balance == found.TotalAmt
    return OpenItem(
        kind=Kind.PAYABLE if is_bill else Kind.RECEIVABLE,
        remote_id=row.remote_id,
        remote_version=row.remote_version,
        number=text(found.DocNumber),
        party=RemoteId(party.value or ""),
        party_name=text(party.name),
        issued_on=day_of(found.TxnDate),
        due_on=day_of(found.DueDate),
        total=total,
        balance=total if is_untouched else _money(found.Balance, currency),
        memo=text(found.PrivateNote),
        changed_at=row.remote_at,
        is_voided=is_voided,
        is_deleted=row.is_deleted,
    )


def _party(row: MirrorRow, found: PartyRecord, home: str) -> Party:
    return Party(
        entity=row.entity,
        remote_id=row.remote_id,
        name=text(found.DisplayName),
        balance=_money(found.Balance, _currency(found.CurrencyRef, home)),
        is_active=found.Active,
        is_deleted=row.is_deleted,
    )


def _account(row: MirrorRow, found: AccountRecord, home: str) -> LedgerAccount:
    if found.AccountType == "Bank" and found.CurrentBalance is None and not row.is_deleted:
        raise NotMoney("it says nothing of its balance")
    return LedgerAccount(
        remote_id=row.remote_id,
        name=text(found.FullyQualifiedName or found.Name),
        type=text(found.AccountType),
        subtype=text(found.AccountSubType),
        balance=_money(found.CurrentBalance, _currency(found.CurrencyRef, home)),
        is_active=found.Active,
        is_bank=found.AccountType == "Bank",
        is_deleted=row.is_deleted,
    )


def _currency(ref: RefRecord | None, home: str) -> str:
    """Its own, else the company's; never a guess. Raise `NotMoney` where there is none of ISO 4217."""
    ref = ref or NOBODY
    if ref.name and not ref.value:
        raise NotMoney(f"it names its currency {text(ref.name)!r}, but no code of one")
    code = ref.value or home
    if not code:
        raise NotMoney("it names no currency, and its company's own is not known")
    exponent_of(code)
    return code


def _money(value: Decimal | None, currency: str) -> Money:
    """Exact, or `NotMoney`: no half yen is rounded, and parts of a cent would be a misreading."""
    if not value:
        return Money(0, currency)
    try:
        if value.adjusted() < _DIGITS_MAX:
            scaled = value.scaleb(exponent_of(currency), _EXACT)
            minor = int(scaled)
            if minor == scaled and -_MINOR_MAX < minor < _MINOR_MAX:
                return Money(minor, currency)
    except (ArithmeticError, ValueError):
        pass  # infinite, none, or longer than any amount is
    raise NotMoney(f"{shown(value)} is not an exact amount of {currency}")
