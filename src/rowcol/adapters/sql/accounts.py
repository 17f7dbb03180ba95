"""Accounts: which answers showed them, their roles, what people said of two that may be one, and their postings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Insert, Select, bindparam, exists, literal_column, or_, select, union_all

from rowcol.adapters.sql.codec import at, dumps, storable, us
from rowcol.adapters.sql.people import read_business
from rowcol.adapters.sql.prepared import prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, upsert
from rowcol.core import change as c
from rowcol.core.identity import AccountTies, SharedAccount
from rowcol.core.ids import BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.mirror import ACCOUNT, POSTINGS_MAX, TRANSACTION, TransactionBody
from rowcol.core.refusal import NotFound
from rowcol.core.sameness import AccountVerdict, Postings

_transactions = msgspec.json.Decoder(TransactionBody)


def write_looks(tx: Tx, firm: FirmId, connection: str, looks: Sequence[c.AccountLook]) -> None:
    """Overwrite what was known; whoever holds the lease has counted on from it."""
    if looks:
        tx.run(
            _put_looks(tx.t),
            [
                {
                    "firm": firm,
                    "connection": connection,
                    "remote_account": look.remote_account,
                    "lists": dumps(look.lists),
                    "persistent_id": storable(look.persistent_id),
                    "likeness": storable(look.likeness),
                }
                for look in looks
            ],
        )


def set_account_role(
    tx: Tx,
    firm: FirmId,
    connection: ConnectionId,
    remote_account: RemoteId,
    role: str,
    set_at: datetime,
) -> bool:
    """False: the firm has no such account."""
    m = tx.t.mirror.c
    place = (m.firm == firm, m.connection == connection, m.entity == ACCOUNT)
    known: Select[Any] = select(exists().where(*place, m.remote_id == remote_account))
    if not tx.conn.execute(known).scalar_one():
        return False
    values = {"firm": firm, "connection": connection, "remote_account": remote_account}
    tx.run(upsert(tx.t, tx.t.account_roles), {**values, "role": role, "set_at_us": us(set_at)})
    return True


def record_verdict(tx: Tx, firm: FirmId, business: BusinessId, verdict: AccountVerdict) -> None:
    """The last word on two accounts is kept. Raise `NotFound` for a business of another firm."""
    if read_business(tx, firm, business) is None:
        raise NotFound("no such business in this firm", "list them with `rowcol business list`")
    first, second = sorted((verdict.first, verdict.second))
    tx.run(
        upsert(tx.t, tx.t.account_verdicts),
        {
            "firm": firm,
            "business": business,
            "first_connection": first[0],
            "first_account": first[1],
            "second_connection": second[0],
            "second_account": second[1],
            "is_same": int(verdict.is_same),
            "decided_by": storable(verdict.decided_by),
            "decided_at_us": us(verdict.decided_at),
        },
    )


def read_ties(tx: Tx, firm: FirmId, business: BusinessId) -> AccountTies:
    """Empty for another firm's business."""
    place = {"firm": firm, "business": business}
    return AccountTies(
        verdicts=tuple(_verdict(row) for row in tx.rows(_verdicts(tx.t), **place)),
        shared=tuple(_shared(tx.rows(_shared_rows(tx.t), **place))),
    )


def read_postings(
    tx: Tx, firm: FirmId, connection: ConnectionId, accounts: Collection[str]
) -> dict[str, Postings]:
    """Of each account, also those that were taken back when the bank renumbered it; of at most `POSTINGS_MAX` rows
    of the login."""
    found: defaultdict[str, Postings] = defaultdict(Counter)
    place = {"firm": firm, "connection": connection, "entity": TRANSACTION}
    for row in tx.rows(_bodies(tx.t), **place, limit=POSTINGS_MAX):
        body = _transactions.decode(row.body)
        if body.account_id in accounts and not body.pending:
            found[body.account_id][body.date, body.amount] += 1
    return dict(found)


def _verdict(row: Any) -> AccountVerdict:
    return AccountVerdict(
        first=(ConnectionId(row.first_connection), row.first_account),
        second=(ConnectionId(row.second_connection), row.second_account),
        is_same=bool(row.is_same),
        decided_by=row.decided_by,
        decided_at=at(row.decided_at_us),
    )


def _shared(rows: Sequence[Any]) -> Iterator[SharedAccount]:
    """Each pair once; an equal persistent id says more than a likeness."""
    seen = set()
    for row in sorted(rows, key=lambda r: (-r.is_certain, r.connection, r.remote_account)):
        key = (row.connection, row.remote_account, row.other_connection, row.other_account)
        if key not in seen:
            seen.add(key)
            yield SharedAccount(
                account=(row.connection, row.remote_account),
                other=(row.other_connection, row.other_account),
                other_business=row.other_business,
                is_certain=bool(row.is_certain),
            )


@prepared
def _put_looks(t: Tables) -> Insert:
    return upsert(t, t.account_looks)


@prepared
def _verdicts(t: Tables) -> Select[Any]:
    v = t.account_verdicts.c
    mine = (v.firm == bindparam("firm"), v.business == bindparam("business"))
    return select(t.account_verdicts).where(*mine).order_by(v.decided_at_us)


@prepared
def _shared_rows(t: Tables) -> Any:
    """Accounts of other businesses of the firm with the persistent id, or the likeness, of one of this business's."""
    return union_all(_shared_by(t, "persistent_id", 1), _shared_by(t, "likeness", 0))


def _shared_by(t: Tables, column: str, certain: int) -> Select[Any]:
    mine, other = t.account_looks.alias(), t.account_looks.alias()
    my_login, other_login = t.connections.alias(), t.connections.alias()
    return (
        select(
            mine.c.connection,
            mine.c.remote_account,
            other.c.connection.label("other_connection"),
            other.c.remote_account.label("other_account"),
            t.businesses.c.name.label("other_business"),
            literal_column(str(certain)).label("is_certain"),
        )
        .select_from(my_login)
        .join(mine, (mine.c.firm == my_login.c.firm) & (mine.c.connection == my_login.c.id))
        .join(other, (other.c.firm == mine.c.firm) & (other.c[column] == mine.c[column]))
        .join(other_login, other_login.c.id == other.c.connection)
        .join(
            t.businesses,
            (t.businesses.c.firm == other_login.c.firm)
            & (t.businesses.c.id == other_login.c.business),
        )
        .where(
            my_login.c.firm == bindparam("firm"),
            my_login.c.business == bindparam("business"),
            my_login.c.retired == literal_column("0"),
            other.c[column] != literal_column("''"),
            # Two ids of a bank that gives ids are two accounts, whatever else is equal.
            or_(
                mine.c.persistent_id == other.c.persistent_id,
                mine.c.persistent_id == literal_column("''"),
                other.c.persistent_id == literal_column("''"),
            ),
            other_login.c.business != my_login.c.business,
            other_login.c.retired == literal_column("0"),
        )
    )


@prepared
def _bodies(t: Tables) -> Select[Any]:
    """Tombstones too: they keep the body they had."""
    m = t.mirror.c
    mine = (
        m.firm == bindparam("firm"),
        m.connection == bindparam("connection"),
        m.entity == bindparam("entity"),
        m.body.is_not(None),
    )
    return select(m.body).where(*mine).order_by(m.remote_id).limit(bindparam("limit"))
