"""Settling: what an edit of one row does to others: open balances, links, derived balances, references.

A BillPayment moves the Balance, SyncToken and LastUpdatedTime of its Bills. Balances of Vendor, Customer and Account
move only LastUpdatedTime (recorded 5 May 2026, fact sheet section 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Protocol

from rowcol.sandbox.qbo import postings
from rowcol.sandbox.qbo.catalog import KINDS, Kind
from rowcol.sandbox.qbo.drafts import PAYER_LINKS
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.postings import Chart, Key, Moves
from rowcol.sandbox.qbo.switches import Switches
from rowcol.sandbox.qbo.table import Row, Table
from rowcol.sandbox.qbo.values import ZERO, Json, cents

_BALANCES: Final[dict[str, tuple[str, str]]] = {
    "Account": ("CurrentBalance", "CurrentBalanceWithSubAccounts"),
    "Customer": ("Balance", "BalanceWithJobs"),
    "Vendor": ("Balance", ""),
}
"""List -> its own balance, and the one that holds its children's, too."""
_AMOUNTS: Final = frozenset({"Amount", "TotalAmt", "TotalTax", "Balance", "UnappliedAmt"})


class Ledger(Chart, Protocol):
    """What settling needs of the books."""

    tables: dict[str, Table]
    applied: dict[Key, dict[Key, Decimal]]
    switches: Switches

    def find(self, entity: str, row_id: str) -> Json | None: ...

    def get(self, entity: str, row_id: str) -> Json: ...

    def row(self, entity: str, row_id: str) -> Row: ...

    def shows_balance(self, account_id: str) -> bool: ...

    def replace(
        self, kind: Kind, row_id: str, before: Json, row: Json, *, by: str | None
    ) -> Json: ...

    def write(
        self, entity: str, row_id: str, row: Json, stamp: int, *, is_edit: bool = True
    ) -> Json: ...

    def announce(
        self, entity: str, row_id: str, operation: str, by: str | None, *, is_linked: bool
    ) -> None: ...


def check_links(books: Ledger, kind: Kind, before: Json | None, after: Json) -> None:
    """Raise 2500 for a target that is not there, 6000 for more than is open, 6070 for more than there is."""
    if kind.link_name is None:
        return
    old = {} if before is None else postings.links(kind.name, before)
    new = postings.links(kind.name, after)
    for key, amount in new.items():
        target = books.find(*key)
        if target is None:
            raise QboError("2500", f"TxnId {key[1]}", element="TxnId")
        if KINDS[key[0]].has_balance and amount > target["Balance"] + old.get(key, ZERO):
            raise QboError("6000", f"{key[0]} {key[1]} has only {target['Balance']} open")
    if kind.name != "Deposit" and postings.applied(kind.name, after) > after["TotalAmt"]:
        raise QboError("6070", "TotalAmt is less than what the lines apply")


def check_ancestors(books: Ledger, kind: Kind, row: Json, row_id: str) -> None:
    """Raise 6000 when a row would be its own ancestor: balances climb from child to parent."""
    above = row.get("ParentRef")
    while above is not None:
        if str(above["value"]) == row_id:
            raise QboError("6000", f"{kind.name} {row_id} cannot be its own parent")
        above = (books.find(kind.name, str(above["value"])) or {}).get("ParentRef")


def opened(kind: Kind, draft: Json) -> Json:
    """A new transaction is open in full."""
    if not kind.has_balance:
        return draft
    more: Json = {"Balance": draft["TotalAmt"], "LinkedTxn": draft.get("LinkedTxn", [])}
    if kind.name == "CreditMemo":
        more["RemainingCredit"] = draft["TotalAmt"]
    return draft | more


def balanced(books: Ledger, kind: Kind, row_id: str, row: Json) -> Json:
    """The row with its open balance and links as its payers say. Raise 6000 when they pay more than it holds."""
    payers = books.applied.get((kind.name, row_id), {})
    others = [link for link in row.get("LinkedTxn", ()) if link.get("TxnType") not in PAYER_LINKS]
    linked = [
        {"TxnId": payer_id, "TxnType": KINDS[entity].link_name} for entity, payer_id in payers
    ]
    if not kind.has_balance:
        is_linkable = kind.name == "Payment" and (linked or "LinkedTxn" in row)
        return row | {"LinkedTxn": [*others, *linked]} if is_linkable else row
    balance = cents(row["TotalAmt"] - sum(payers.values(), ZERO))
    if balance < 0:
        raise QboError("6000", "the payments are more than the total")
    more: Json = {"Balance": balance, "LinkedTxn": [*others, *linked]}
    if kind.name == "CreditMemo":
        more["RemainingCredit"] = balance
    return row | more


def settle(
    books: Ledger,
    kind: Kind,
    row_id: str,
    states: tuple[Json | None, Json | None],
    stamp: int,
    by: str | None,
) -> None:
    """Carry the difference between the two states of a row to everything that depends on it."""
    before, after = states
    old = {} if before is None else postings.links(kind.name, before)
    new = {} if after is None else postings.links(kind.name, after)
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key):
            _reapply(books, key, (kind.name, row_id), new.get(key), (stamp, by))
    for key, delta in _difference(books, kind, before, after).items():
        if delta:
            touch_balance(books, key, delta, stamp, by)


def touch_balance(
    books: Ledger, key: Key, delta: Decimal, stamp: int, by: str | None = None
) -> None:
    """Move a derived balance, and that of the parents: LastUpdatedTime moves, SyncToken does not."""
    entity, row_id = key
    row = books.find(entity, row_id)
    if row is None or (entity == "Account" and not books.shows_balance(row_id)):
        return
    own, whole = _BALANCES[entity]
    names = (own, whole) if whole else (own,)
    while row is not None:
        moved = {name: cents(row.get(name, ZERO) + delta) for name in names}
        books.write(entity, row_id, row | moved, stamp, is_edit=False)
        books.announce(entity, row_id, "update", by, is_linked=True)
        parent = row.get("ParentRef") if whole else None
        row_id = "" if parent is None else str(parent["value"])
        row = books.find(entity, row_id)
        names = (whole,)


def unlink_payers(books: Ledger, kind: Kind, row_id: str, by: str | None) -> None:
    """What paid this row pays nothing in its place: its money is unapplied."""
    for entity, payer_id in list(books.applied.get((kind.name, row_id), ())):
        payer = books.get(entity, payer_id)
        lines = [_without_link(line, row_id, kind.name) for line in payer["Line"]]
        row = payer | {"Line": [line for line in lines if line is not None]}
        if entity == "Payment":
            row["UnappliedAmt"] = cents(row["TotalAmt"] - postings.applied(entity, row))
        books.replace(KINDS[entity], payer_id, payer, row, by=by)


def voided(kind: Kind, row: Json) -> Json:
    """Amounts are zero; a payment has no lines any more."""
    note = row.get("PrivateNote")
    blank: Json = _zeroed(row) | {"PrivateNote": f"Voided - {note}" if note else "Voided"}
    if kind.link_name is not None:
        blank["Line"] = []
    return blank


def move_references(books: Ledger, kind: Kind, loser_id: str, winner: Json, stamp: int) -> None:
    """Every row that names the loser names the winner."""
    ref = {"value": winner["Id"], "name": winner.get("DisplayName") or winner.get("Name", "")}
    for entity, table in books.tables.items():
        found = [
            (row_id, row.value, moved)
            for row_id, row in table.live.items()
            if (moved := _renamed(row.value, kind.name, loser_id, ref)) is not None
        ]
        for row_id, before, after in found:
            is_touched = books.switches.merge_touches_references
            at = stamp if is_touched else books.row(entity, row_id).stamp
            books.write(entity, row_id, after, at, is_edit=is_touched)
            settle(books, KINDS[entity], row_id, (before, after), stamp, None)


def _reapply(
    books: Ledger, target: Key, payer: Key, amount: Decimal | None, when: tuple[int, str | None]
) -> None:
    payers = books.applied[target]
    if amount is None:
        payers.pop(payer, None)
    else:
        payers[payer] = amount
    entity, row_id = target
    row = books.find(entity, row_id)
    if row is None:
        return
    stamp, by = when
    token = str(int(row["SyncToken"]) + 1)
    row = balanced(books, KINDS[entity], row_id, row) | {"SyncToken": token}
    books.write(entity, row_id, row, stamp)
    books.announce(entity, row_id, "update", by, is_linked=True)


def _difference(books: Ledger, kind: Kind, before: Json | None, after: Json | None) -> Moves:
    if not kind.is_transaction:
        return {}
    old = {} if before is None else postings.moves(kind.name, before, books)
    new = {} if after is None else postings.moves(kind.name, after, books)
    if not old:
        return new
    return {key: new.get(key, ZERO) - old.get(key, ZERO) for key in dict.fromkeys((*old, *new))}


def _without_link(line: Json, row_id: str, entity: str) -> Json | None:
    links = line.get("LinkedTxn", [])
    kept = [
        link for link in links if (link.get("TxnType"), str(link.get("TxnId"))) != (entity, row_id)
    ]
    if len(kept) == len(links):
        return line
    return line | {"LinkedTxn": kept} if kept else None


def _zeroed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: ZERO if key in _AMOUNTS else _zeroed(inner) for key, inner in value.items()}
    return [_zeroed(inner) for inner in value] if isinstance(value, list) else value


_POINTERS: Final[dict[str, tuple[str, ...]]] = {
    "Account": (
        "APAccountRef",
        "AccountRef",
        "AssetAccountRef",
        "BankAccountRef",
        "CCAccountRef",
        "DepositToAccountRef",
        "ExpenseAccountRef",
        "FromAccountRef",
        "IncomeAccountRef",
        "ToAccountRef",
    ),
    "Customer": ("CustomerRef", "EntityRef"),
    "Item": ("ItemRef",),
    "Vendor": ("VendorRef", "EntityRef"),
}


def _renamed(row: Json, entity: str, loser_id: str, ref: Json) -> Json | None:
    """A copy with the references moved; None when there are none."""
    pointers = _POINTERS.get(entity, (f"{entity}Ref",))
    if not any(str(found.get("value")) == loser_id for found in _references(row, entity, pointers)):
        return None
    renamed: Json = _moved(row, entity, pointers, loser_id, ref)
    return renamed


def _references(value: Any, entity: str, pointers: tuple[str, ...]) -> Iterator[Json]:
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner, entity, pointers)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in pointers and _is_of(inner, entity):
                yield inner
            elif isinstance(inner, dict | list):
                yield from _references(inner, entity, pointers)


def _is_of(ref: Any, entity: str) -> bool:
    """An EntityRef says in `type` which list it points into."""
    return isinstance(ref, dict) and ref.get("type", entity) == entity


def _moved(value: Any, entity: str, pointers: tuple[str, ...], loser_id: str, ref: Json) -> Any:
    if isinstance(value, list):
        return [_moved(inner, entity, pointers, loser_id, ref) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: inner | ref
        if key in pointers and _is_of(inner, entity) and str(inner.get("value")) == loser_id
        else _moved(inner, entity, pointers, loser_id, ref)
        for key, inner in value.items()
    }
