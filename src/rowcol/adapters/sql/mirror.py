"""Mirror: rows of the rails as they gave them, read and written under the fence; an unfinished stream is staged beside it.

Publishing is a statement over sets: a hundred thousand rows never pass through Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    Delete,
    Insert,
    Select,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    literal_column,
    select,
    tuple_,
)

from rowcol.adapters.sql.codec import MIRROR_COLUMNS, mirror_row_of, row_columns, row_of
from rowcol.adapters.sql.prepared import filled, listed, prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, upsert
from rowcol.core.ids import ConnectionId, FirmId, RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.rail import Row

IDS_MAX = 512
"""Ids that one statement asks for: below the 999 parameters that the oldest SQLite takes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows are."""

    firm: FirmId
    connection: ConnectionId
    entity: str


def write_rows(tx: Tx, firm: FirmId, connection: str, rows: Sequence[Row]) -> None:
    """Put rows into the mirror; the last of the same id wins."""
    if rows:
        tx.run(_put_mirror(tx.t), [row_columns(firm, connection, row) for row in rows])


def stage(tx: Tx, firm: FirmId, connection: str, rows: Sequence[Row]) -> None:
    """Keep rows of an unfinished stream out of the mirror."""
    if rows:
        tx.run(_put_staged(tx.t), [row_columns(firm, connection, row) for row in rows])


def publish(tx: Tx, firm: FirmId, connection: str) -> None:
    """Move everything staged into the mirror."""
    place = {"p_firm": firm, "p_connection": connection}
    if tx.run(_move_staged(tx.t), place):
        discard(tx, firm, connection)


def discard(tx: Tx, firm: FirmId, connection: str) -> None:
    """Drop everything staged."""
    tx.run(_drop_staged(tx.t), {"p_firm": firm, "p_connection": connection})


def read_mirror(
    tx: Tx, firm: FirmId, connection: ConnectionId, entity: str, after: str, limit: int
) -> tuple[Row, ...]:
    """By remote id, tombstones included."""
    place = {"firm": firm, "connection": connection, "entity": entity}
    rows = tx.rows(_page(tx.t, has_deleted=True), **place, after=after, limit=limit)
    return tuple(row_of(row) for row in rows)


def read_rows(
    tx: Tx, firm: FirmId, connection: ConnectionId, entity: str, ids: Sequence[RemoteId]
) -> dict[RemoteId, MirrorRow]:
    """Those that are there, in no order."""
    place = {"firm": firm, "connection": connection, "entity": entity}
    wanted, found = list(dict.fromkeys(ids)), {}
    for first in range(0, len(wanted), IDS_MAX):
        names = filled(wanted[first : first + IDS_MAX])
        rows = map(mirror_row_of, tx.rows(_by_ids(tx.t, len(names)), **place, **names))
        found.update({row.remote_id: row for row in rows})
    return found


def list_rows(
    tx: Tx, firm: FirmId, connection: ConnectionId, entity: str, after: str, limit: int
) -> tuple[MirrorRow, ...]:
    """By remote id, without tombstones."""
    place = {"firm": firm, "connection": connection, "entity": entity}
    rows = tx.rows(_page(tx.t, has_deleted=False), **place, after=after, limit=limit)
    return tuple(mirror_row_of(row) for row in rows)


def list_unlisted(
    tx: Tx, firm: FirmId, connection: ConnectionId, entity: str, limit: int
) -> tuple[RemoteId, ...]:
    """Of the rows that are there those that are not staged."""
    place = {"firm": firm, "connection": connection, "entity": entity}
    rows = tx.rows(_unlisted(tx.t), **place, limit=limit)
    return tuple(RemoteId(row.remote_id) for row in rows)


def list_due(
    tx: Tx, place: Place, until: date, after: tuple[date, RemoteId] | None, limit: int
) -> tuple[MirrorRow, ...]:
    """By due date, then remote id."""
    values: dict[str, Any] = {**asdict(place), "until": str(until), "limit": limit}
    if after is not None:
        values |= {"after_on": str(after[0]), "after_id": after[1]}
    rows = tx.rows(_due(tx.t, has_after=after is not None), **values)
    return tuple(mirror_row_of(row) for row in rows)


def _mine(table: Table) -> tuple[Any, ...]:
    k = table.c
    return (
        k.firm == bindparam("firm"),
        k.connection == bindparam("connection"),
        k.entity == bindparam("entity"),
    )


def _rows(t: Tables) -> Select[Any]:
    return select(*(t.mirror.c[name] for name in MIRROR_COLUMNS))


@prepared
def _page(t: Tables, *, has_deleted: bool) -> Select[Any]:
    m = t.mirror.c
    of_these = () if has_deleted else (m.deleted == literal_column("0"),)
    return (
        _rows(t)
        .where(*_mine(t.mirror), m.remote_id > bindparam("after"), *of_these)
        .order_by(m.remote_id)
        .limit(bindparam("limit"))
    )


@prepared
def _by_ids(t: Tables, count: int) -> Select[Any]:
    return _rows(t).where(*_mine(t.mirror), t.mirror.c.remote_id.in_(listed(count)))


@prepared
def _due(t: Tables, *, has_after: bool) -> Select[Any]:
    """Through an index that holds only what is due some day."""
    m = t.mirror.c
    after: tuple[Any, ...] = ()
    if has_after:
        last = tuple_(bindparam("after_on", type_=Text), bindparam("after_id", type_=Text))
        after = (tuple_(m.due_on, m.remote_id) > last,)
    return (
        _rows(t)
        .where(*_mine(t.mirror), m.due_on <= bindparam("until"), *after)
        .order_by(m.due_on, m.remote_id)
        .limit(bindparam("limit"))
    )


@prepared
def _put_mirror(t: Tables) -> Insert:
    return upsert(t, t.mirror, keeps=("body",))


@prepared
def _put_staged(t: Tables) -> Insert:
    return upsert(t, t.staged, keeps=("body",))


@prepared
def _unlisted(t: Tables) -> Select[tuple[str]]:
    m, s = t.mirror.c, t.staged.c
    is_staged = exists().where(
        s.firm == m.firm,
        s.connection == m.connection,
        s.entity == m.entity,
        s.remote_id == m.remote_id,
    )
    return (
        select(m.remote_id)
        .where(*_mine(t.mirror), m.deleted == literal_column("0"), ~is_staged)
        .order_by(m.remote_id)
        .limit(bindparam("limit"))
    )


@prepared
def _move_staged(t: Tables) -> Insert:
    s = t.staged
    mine = (s.c.firm == bindparam("p_firm"), s.c.connection == bindparam("p_connection"))
    names = [column.name for column in t.mirror.c]
    staged = select(*(s.c[name] for name in names)).where(*mine)
    return upsert(t, t.mirror, keeps=("body",)).from_select(names, staged)


@prepared
def _drop_staged(t: Tables) -> Delete:
    s = t.staged.c
    mine = (s.firm == bindparam("p_firm"), s.connection == bindparam("p_connection"))
    return delete(t.staged).where(*mine)
