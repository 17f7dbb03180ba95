"""The books of one company: the truth, as the people who work in QBO change it. Every edit is stamped and announced.

Rows that come out are snapshots: an edit makes a new one. What an edit does to other rows is in `settling`; what a body
must look like is in `drafts`. Start with `Books.create`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from rowcol.sandbox.qbo import chart, drafts, settling
from rowcol.sandbox.qbo.catalog import KINDS, PROFIT_AND_LOSS, Kind, kind_of
from rowcol.sandbox.qbo.currency import CurrencySettings, with_currency
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.postings import Key
from rowcol.sandbox.qbo.register import Register
from rowcol.sandbox.qbo.switches import Switches
from rowcol.sandbox.qbo.table import Row, Table
from rowcol.sandbox.qbo.values import CompanyClock, Json, utc

_DOC_NUMBER_MAX: Final = 21
_NOTE_MAX: Final = 4_000


@dataclass(frozen=True, slots=True)
class Edit:
    """Something happened to a row. `by` is the app that did it by the API, None for a person."""

    entity: str
    row_id: str
    operation: str
    at: datetime
    by: str | None = None
    deleted_id: str | None = None
    is_linked: bool = False
    """Nobody wrote this row: it changed along with another one."""


class Books:
    """All rows of a company."""

    payable = chart.PAYABLE
    receivable = chart.RECEIVABLE
    undeposited = chart.UNDEPOSITED
    sales = chart.SALES
    expenses = chart.EXPENSES
    sales_tax = chart.SALES_TAX

    def __init__(
        self,
        clock: CompanyClock,
        switches: Switches,
        announce: Callable[[Edit], None],
        currency: CurrencySettings,
    ) -> None:
        self.clock = clock
        self.switches = switches
        self.currency = currency
        self.numeric_strings = switches.numeric_strings
        self._announce = announce
        self.tables: dict[str, Table] = {name: Table() for name in KINDS}
        self.applied: dict[Key, dict[Key, Decimal]] = defaultdict(dict)
        """What is paid -> who pays it, and how much."""
        self._register = Register()
        self._last_ids: dict[str, int] = defaultdict(int, Account=chart.LAST_ACCOUNT)
        self.enforces_doc_numbers = False
        self.closed_until: str | None = None
        """No transaction dated on or before this day may be written: code 6210."""
        self.is_read_only = False
        """The subscription ended: code 6190."""
        self.n_edits = 0

    # Reading

    @property
    def entities(self) -> tuple[str, ...]:
        return tuple(self.tables)

    def find(self, entity: str, row_id: str) -> Json | None:
        """The row; None when there is none or no more."""
        table = self.tables.get(entity)
        row = None if table is None else table.live.get(row_id)
        return None if row is None else row.value

    def get(self, entity: str, row_id: str) -> Json:
        """The row. Raise code 610."""
        row = self.find(entity, row_id)
        if row is None:
            raise QboError("610", element="")
        return row

    def rows(self, entity: str) -> list[Json]:
        """Live rows, inactive ones included, in the order of their making."""
        return [row.value for row in self.tables[entity].live.values()]

    def tombstones(self, entity: str) -> dict[str, datetime]:
        """Id -> when it was deleted, by the company's clock."""
        return {row_id: utc(stamp) for row_id, stamp in self.tables[entity].dead.items()}

    def today(self) -> str:
        return self.clock.today()

    def item_account(self, item_id: str, attribute: str) -> str | None:
        ref = (self.find("Item", item_id) or {}).get(attribute)
        return None if ref is None else str(ref["value"])

    def shows_balance(self, account_id: str) -> bool:
        """Income and expense accounts show none."""
        account = self.find("Account", account_id)
        return account is not None and account["Classification"] not in PROFIT_AND_LOSS

    # Writing

    def create(
        self, entity: str, body: Mapping[str, Any], *, by: str | None = None, row_id: str = ""
    ) -> Json:
        """A new row. Raise `QboError` as the API would."""
        kind = _known(entity)
        draft = drafts.written(kind, body, self, is_new=True)
        drafts.check_required(kind, draft)
        drafts.complete(kind, draft, self)
        self._check(kind, draft, "")
        settling.check_links(self, kind, None, draft)
        stamp = self.clock.stamp()
        row_id = row_id or self._new_id(kind)
        row = settling.opened(kind, draft) | {
            "domain": "QBO",
            "sparse": False,
            "Id": row_id,
            "SyncToken": "0",
            "MetaData": {"CreateTime": self.clock.text(stamp)},
        }
        self._register.note(kind, row_id, None, row)
        row = self.write(kind.name, row_id, row, stamp)
        settling.settle(self, kind, row_id, (None, row), stamp, by)
        self.announce(kind.name, row_id, "create", by)
        return row

    def update(
        self,
        entity: str,
        row_id: str,
        changes: Mapping[str, Any],
        *,
        by: str | None = None,
        is_full: bool = False,
    ) -> Json:
        """A sparse edit; a full one blanks what it does not name. None and `""` clear an attribute."""
        kind = _known(entity)
        before = self.get(kind.name, row_id)
        if kind.is_transaction:
            self._check_open(kind, before, row_id)
        draft = drafts.written(kind, changes, self, is_new=False)
        kept = drafts.READ_ONLY | {"LinkedTxn"} if is_full else before.keys()
        empty = {name for name, value in changes.items() if value is None or value == ""}
        gone = empty - drafts.READ_ONLY
        row = {name: value for name, value in before.items() if name in kept and name not in gone}
        row |= draft
        drafts.check_required(kind, row)
        drafts.complete(kind, row, self)
        return self.replace(kind, row_id, before, row, by=by)

    def replace(
        self,
        kind: Kind,
        row_id: str,
        before: Json,
        row: Json,
        *,
        by: str | None,
        op: str = "update",
    ) -> Json:
        """Put a completed edit in the place of a row."""
        self._check(kind, row, row_id)
        settling.check_links(self, kind, before, row)
        row = settling.balanced(self, kind, row_id, row)
        stamp = self.clock.stamp()
        self._register.note(kind, row_id, before, row)
        row = self.write(kind.name, row_id, row | {"SyncToken": _next_token(before)}, stamp)
        settling.settle(self, kind, row_id, (before, row), stamp, by)
        self.announce(kind.name, row_id, op, by)
        return row

    def delete(self, entity: str, row_id: str, *, by: str | None = None) -> None:
        """Leave a tombstone. Lists know no hard delete; what it paid is open again."""
        kind = _known(entity)
        before = self.get(kind.name, row_id)
        if not kind.is_transaction:
            raise QboError("500", f"delete of {kind.name}")
        self._check_open(kind, before, row_id)
        settling.unlink_payers(self, kind, row_id, by)
        before = self.get(kind.name, row_id)
        stamp = self.clock.stamp()
        self._register.note(kind, row_id, before, None)
        self.tables[kind.name].bury(row_id, stamp)
        self.n_edits += 1
        settling.settle(self, kind, row_id, (before, None), stamp, by)
        self.announce(kind.name, row_id, "delete", by)

    def void(self, entity: str, row_id: str, *, by: str | None = None) -> Json:
        """Zero every amount and say so in the note."""
        kind = _known(entity)
        if not kind.can_void:
            raise QboError("500", f"void of {kind.name}")
        self._check_open(kind, self.get(kind.name, row_id), row_id)
        settling.unlink_payers(self, kind, row_id, by)
        before = self.get(kind.name, row_id)
        return self.replace(kind, row_id, before, settling.voided(kind, before), by=by, op="void")

    def deactivate(self, entity: str, row_id: str, *, by: str | None = None) -> Json:
        return self.update(entity, row_id, {"Active": False}, by=by)

    def merge(self, entity: str, loser_id: str, winner_id: str) -> None:
        """The loser disappears; what named it names the winner."""
        kind = _known(entity)
        if not kind.is_list:
            raise QboError("500", f"merge of {kind.name}")
        loser = self.get(kind.name, loser_id)
        stamp = self.clock.stamp()
        settling.move_references(self, kind, loser_id, self.get(kind.name, winner_id), stamp)
        self._register.note(kind, loser_id, loser, None)
        is_told = self.switches.merge_has_tombstone
        self.tables[kind.name].bury(loser_id, stamp, is_told=is_told)
        self.announce(kind.name, winner_id, "merge", None, deleted_id=loser_id)

    def touch_balance(self, entity: str, row_id: str, delta: Decimal) -> None:
        """A derived balance moves: LastUpdatedTime does, SyncToken does not."""
        settling.touch_balance(self, (entity, row_id), delta, self.clock.stamp())

    def set_last_updated(self, entity: str, row_id: str, at: datetime) -> None:
        """Date a row anywhere, as the recorded account row that lay five weeks in the future."""
        self.write(entity, row_id, self.get(entity, row_id), int(at.timestamp()))

    def plant(self, entity: str, body: Mapping[str, Any], row_id: str = "") -> Json:
        """Put these attributes into a row, as they are: what the API would refuse, such as JPY 1500.5.

        Without `row_id` it is a new row. Nothing is checked, completed or added to any balance.
        """
        kind = _known(entity)
        row_id = row_id or self._new_id(kind)
        before = self.find(kind.name, row_id)
        stamp = self.clock.stamp()
        time = self.clock.text(stamp)
        new: Json = {"domain": "QBO", "sparse": False, "Id": row_id, "SyncToken": "0"}
        row = new | {"MetaData": {"CreateTime": time}}
        if before is not None:
            row = before | {"SyncToken": _next_token(before)}
        row |= {"MetaData": row["MetaData"] | {"LastUpdatedTime": time}, **body}
        self.tables[kind.name].put(row_id, row, stamp)
        self.n_edits += 1
        self.announce(kind.name, row_id, "create" if before is None else "update", None)
        return row

    def enable_multicurrency(self) -> None:
        """From now on every row says its currency. As in QBO, there is no way back."""
        self.currency = replace(self.currency, is_multi=True)
        for entity, table in self.tables.items():
            for row_id, row in list(table.live.items()):
                # Whether LastUpdatedTime moves was not recorded; here only that of Preferences does.
                self.write(entity, row_id, row.value, row.stamp, is_edit=False)
        self.update("Preferences", "1", {})

    # Inside the package

    def write(
        self, entity: str, row_id: str, row: Json, stamp: int, *, is_edit: bool = True
    ) -> Json:
        """Stamp a row and put it in its table."""
        self.n_edits += 1
        times = row["MetaData"] | {"LastUpdatedTime": self.clock.text(stamp)}
        row = with_currency(entity, row, self) | {"MetaData": times}
        self.tables[entity].put(row_id, row, stamp, is_edit=is_edit)
        return row

    def row(self, entity: str, row_id: str) -> Row:
        return self.tables[entity].live[row_id]

    def announce(
        self,
        entity: str,
        row_id: str,
        operation: str,
        by: str | None,
        *,
        deleted_id: str | None = None,
        is_linked: bool = False,
    ) -> None:
        self._announce(Edit(entity, row_id, operation, self.clock.now(), by, deleted_id, is_linked))

    def _check(self, kind: Kind, row: Json, row_id: str) -> None:
        """What the rest of the books says about a new or changed row."""
        if len(str(row.get("DocNumber", ""))) > _DOC_NUMBER_MAX:
            raise QboError("2050", "DocNumber", element="DocNumber")
        if len(str(row.get("PrivateNote", ""))) > _NOTE_MAX:
            raise QboError("2050", "PrivateNote", element="PrivateNote")
        if kind.is_transaction:
            self._check_period(row)
        settling.check_ancestors(self, kind, row, row_id)
        self._register.check(kind, row, row_id, is_strict=self.enforces_doc_numbers)

    def _check_open(self, kind: Kind, row: Json, row_id: str) -> None:
        self._check_period(row)
        if kind.name == "Payment" and self.applied.get((kind.name, row_id)):
            raise QboError("6540", row_id)

    def _check_period(self, row: Json) -> None:
        if self.closed_until is not None and row.get("TxnDate", "") <= self.closed_until:
            raise QboError("6210", self.closed_until)

    def _new_id(self, kind: Kind) -> str:
        """Transactions share one sequence, Vendor, Customer and Employee another."""
        sequence = "Transaction" if kind.is_transaction else kind.name
        sequence = "Name" if kind.shares_names else sequence
        table = self.tables[kind.name]
        while True:
            self._last_ids[sequence] += 1
            row_id = str(self._last_ids[sequence])
            if row_id not in table.live and row_id not in table.dead:
                return row_id


def _known(entity: str) -> Kind:
    kind = kind_of(entity)
    if kind is None:
        raise QboError("500", entity)
    return kind


def _next_token(row: Json) -> str:
    return str(int(row["SyncToken"]) + 1)
