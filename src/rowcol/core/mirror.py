"""Mirror: a row of what a rail told, as it is kept and read back by the thousand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

import msgspec
from typing_extensions import override

from rowcol.core.ids import RemoteId
from rowcol.core.money import Money, money_of


class MirrorRow(msgspec.Struct, frozen=True, gc=False):
    """A row as the mirror keeps it; `body` is the rail's JSON as bytes, None where there never was one.

    A Struct as `core.books.OpenItem` is, for the same reason.
    """

    entity: str
    remote_id: RemoteId
    remote_version: str
    remote_at: datetime | None
    due_on: date | None
    is_deleted: bool
    body: bytes | None

    @override
    def __repr__(self) -> str:
        """Never the body: logs carry ids."""
        return f"MirrorRow({self.entity} {self.remote_id} v{self.remote_version})"


ACCOUNT = "account"
"""The mirror entity that cash is made of; a rail's account rows carry name, mask, type, subtype, currency and
persistent_account_id."""
TRANSACTION = "transaction"
"""The mirror entity of bank transactions; its bodies are `TransactionBody`. One that is pending has its date as `due_on`."""
POSTINGS_MAX = 20_000
"""Transactions of one login that are compared at once: years of a busy account."""


class TransactionBody(msgspec.Struct, frozen=True):
    """What of a bank transaction any rail tells. `amount`: the exact text, above 0 is money out; `date`: ISO."""

    account_id: str
    amount: str
    date: str
    pending: bool
    currency: str = ""


_read_transaction = msgspec.json.Decoder(TransactionBody).decode


def pending_of(rows: Iterable[MirrorRow], accounts: Collection[str]) -> Mapping[str, Money]:
    """The sum of pending transactions per account, money in above 0. An account with one that is no exact amount of
    the account's one currency is left out: a wrong sum says less than none."""
    sums: dict[str, Money] = {}
    spoilt: set[str] = set()
    for body in (_read_transaction(row.body) for row in rows if row.body is not None):
        if not body.pending or body.account_id not in accounts:
            continue
        try:
            amount = money_of(-Decimal(body.amount), body.currency)
            known = sums.get(body.account_id)
            sums[body.account_id] = amount if known is None else known + amount
        except (ArithmeticError, ValueError):
            spoilt.add(body.account_id)
    return {account: total for account, total in sums.items() if account not in spoilt}
