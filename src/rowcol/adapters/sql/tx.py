"""Tx: one open transaction, as every function of this package gets it; and the few words both databases say differently."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Executable, Select, Table, bindparam, func, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from rowcol.adapters.sql.codec import us
from rowcol.adapters.sql.prepared import Prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.core.evidence import CLOCK_SKEW_MAX
from rowcol.core.refusal import NotFound
from rowcol.ports import Clock

_NEVER = datetime(9000, 1, 1, tzinfo=UTC)
_DATABASE_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")


@dataclass(frozen=True, slots=True)
class Tx:
    """A transaction on one connection. `clock` None: PostgreSQL's own clock rules leases, so that hosts need not agree on
    the time; on SQLite the caller's `now`.

    `driver`: the connection's own driver, where it is a file of ours; it runs what is prepared.
    """

    conn: Connection
    t: Tables
    clock: Clock | None = None
    driver: sqlite3.Connection | None = None

    def run(self, what: Prepared | Executable, values: Any = None) -> int:
        """Execute; how many rows it moved. A list of values is one executemany (an empty one is the caller's care)."""
        if not isinstance(what, Prepared):
            return self.conn.execute(what, values).rowcount
        if self.driver is None:
            return self.conn.execute(what.statement, values).rowcount
        if isinstance(values, list):
            if len(values) > 1:
                many = [what.arguments(each) for each in values]
                return self.driver.executemany(what.text, many).rowcount
            values = values[0]
        return self.driver.execute(what.text, what.arguments(values)).rowcount

    def insert_many(
        self, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Plain INSERTs on SQLite as one executemany of the driver, in the order of `names`."""
        text = _insert_text(table, tuple(names))
        if self.driver is None:
            self.conn.exec_driver_sql(text, list(rows))
        else:
            self.driver.executemany(text, rows)

    def rows(self, what: Prepared | Select[Any], **values: Any) -> Sequence[Any]:
        """Every row; its columns are its attributes."""
        if not isinstance(what, Prepared):
            return self.conn.execute(what, values).all()
        if self.driver is None:
            return self.conn.execute(what.statement, values).all()
        found = self.driver.execute(what.text, what.arguments(values)).fetchall()
        return list(map(what.make_row, found))

    def row(self, what: Prepared | Select[Any], **values: Any) -> Any:
        """The first row, or None."""
        found = self.rows(what, **values)
        return found[0] if found else None

    def lease_now_us(self, now: datetime) -> int:
        """The clock that leases are measured by: one for all processes that share the store."""
        if self.clock is not None:
            return us(self.clock.now())
        if self.t.is_postgres:
            return int(self.conn.execute(_DATABASE_NOW).scalar_one())
        return us(now)

    def late_us(self) -> int:
        """What is stamped later than that was not stamped by a clock that is right. Nothing is, where the database's clock
        rules: stamps are the hosts' own, so that `forget_after` has to find them."""
        now = _NEVER if self.clock is None else self.clock.now()
        return us(now + CLOCK_SKEW_MAX)


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

    `newer`: only if those columns (two at most) go forward; a row whose first one lies after the parameter `late_us`, stamped
    by a clock that ran ahead, keeps nothing out. `keeps`: columns that a null does not overwrite.
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
        where |= table.c[first] > bindparam("late_us", type_=BigInteger)
    made: Insert = statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_=moved, where=where
    )
    return made


def own(firm: str, value_firm: str) -> None:
    """Raise `NotFound` for a value that belongs to another firm than the one that speaks."""
    if value_firm != firm:
        raise NotFound("no such thing in this firm", "check the firm and the id")
