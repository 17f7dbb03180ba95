"""Tx: one open transaction, as every function of this package gets it; and the few words both databases say differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Row, Select, Table, func, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from rowcol.adapters.sql.codec import us
from rowcol.adapters.sql.tables import Tables
from rowcol.core.refusal import NotFound
from rowcol.ports import Clock

_DATABASE_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")


@dataclass(frozen=True, slots=True)
class Tx:
    """A transaction on one connection. `clock` None: PostgreSQL's own clock rules leases, on SQLite the caller's `now`."""

    conn: Connection
    t: Tables
    clock: Clock | None = None

    def run(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        """Execute; a list of values is one executemany (and nothing when empty is the caller's care)."""
        return self.conn.execute(statement, values)

    def insert_many(
        self, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Plain INSERTs as one executemany of the driver, in the order of `names`.

        SQLAlchemy's own handling of each row costs several times what SQLite needs for it.
        """
        self.conn.exec_driver_sql(_insert_text(table, tuple(names)), list(rows))

    def rows(self, statement: Select[Any], **values: Any) -> Sequence[Row[Any]]:
        """Every row."""
        return self.conn.execute(statement, values).all()

    def row(self, statement: Select[Any], **values: Any) -> Row[Any] | None:
        """The first row."""
        return self.conn.execute(statement, values).first()

    def lease_now_us(self, now: datetime) -> int:
        """The clock that leases are measured by: one for all processes that share the store."""
        if self.clock is not None:
            return us(self.clock.now())
        if self.t.is_postgres:
            return int(self.conn.execute(_DATABASE_NOW).scalar_one())
        return us(now)


@cache
def _insert_text(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(names)
    return f"INSERT INTO {table.fullname} ({columns}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - names of our own columns


def insert_new(t: Tables, table: Table) -> Insert:
    """INSERT that leaves a row of the same key (any unique key) as it is."""
    if t.is_postgres:
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def upsert(
    t: Tables, table: Table, *, newer: tuple[str, ...] = (), keeps: tuple[str, ...] = ()
) -> Insert:
    """INSERT that overwrites a row of the same primary key.

    `newer`: only if those columns (two at most) go forward. `keeps`: columns that a null does not overwrite.
    """
    dialect: Any = postgresql if t.is_postgres else sqlite
    statement = dialect.insert(table)
    moved = {col.name: statement.excluded[col.name] for col in table.c if not col.primary_key}
    for name in keeps:
        moved[name] = func.coalesce(statement.excluded[name], table.c[name])
    where = None
    if newer:
        first, *rest = newer
        where = statement.excluded[first] > table.c[first]
        for name in rest:
            is_equal = statement.excluded[first] == table.c[first]
            where |= is_equal & (statement.excluded[name] > table.c[name])
    made: Insert = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_=moved, where=where
    )
    return made


def own(firm: str, value_firm: str) -> None:
    """Raise `NotFound` for a value that belongs to another firm than the one that speaks."""
    if value_firm != firm:
        raise NotFound("no such thing in this firm", "check the firm and the id")
