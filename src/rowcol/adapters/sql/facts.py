"""Facts: what the rails told us. Observations and coverages are always accepted, mirror rows only under the fence.

An observation is appended once; `latest` keeps the newest per account: a later `true_at` wins, of
equal ones the later `received_at`, and an older one never overwrites, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Delete, Insert, Select, Table, bindparam, delete, select

from rowcol.adapters.sql.codec import Columns, dumps, row_columns, row_of, us
from rowcol.adapters.sql.prepared import prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, insert_new, upsert
from rowcol.core.evidence import Coverage, Observation, Source
from rowcol.core.ids import ConnectionId, FirmId
from rowcol.core.rail import Row

ANY, LIVE = "ANY", "LIVE"


def observe(tx: Tx, firm: FirmId, connection: str, seen: Sequence[Observation]) -> None:
    """Append observations and move `latest`."""
    if not seen:
        return
    columns = [_observation_columns(firm, connection, o) for o in seen]
    tx.run(_add_observation(tx.t), columns)
    slots: dict[tuple[str, str], Columns] = {}
    for values in columns:
        for slot in (ANY, LIVE) if values["source"] == Source.LIVE else (ANY,):
            place = (values["remote_account"], slot)
            known = slots.get(place)
            if known is None or _when(values) >= _when(known):
                slots[place] = {**values, "slot": slot}
    tx.run(_move_latest(tx.t), list(slots.values()))


def cover(tx: Tx, firm: FirmId, connection: str, coverages: Sequence[Coverage]) -> None:
    """Keep the newest coverage of each scope and source."""
    if coverages:
        tx.run(
            _move_coverage(tx.t),
            [
                {
                    "firm": firm,
                    "connection": connection,
                    "scope": coverage.scope,
                    "source": coverage.source,
                    "complete_as_of_us": us(coverage.complete_as_of),
                }
                for coverage in coverages
            ],
        )


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
    rows = [row._asdict() for row in tx.rows(_staged(tx.t), **place)]
    if rows:
        tx.run(_put_mirror(tx.t), rows)
        discard(tx, firm, connection)


def discard(tx: Tx, firm: FirmId, connection: str) -> None:
    """Drop everything staged."""
    tx.run(_drop_staged(tx.t), {"p_firm": firm, "p_connection": connection})


def read_mirror(
    tx: Tx, firm: FirmId, connection: ConnectionId, entity: str, after: str, limit: int
) -> tuple[Row, ...]:
    """By remote id, tombstones included."""
    m = tx.t.mirror
    statement = (
        select(m)
        .where(m.c.firm == firm, m.c.connection == connection, m.c.entity == entity)
        .where(m.c.remote_id > after)
        .order_by(m.c.remote_id)
        .limit(limit)
    )
    return tuple(row_of(row) for row in tx.rows(statement))


def _when(values: Columns) -> tuple[int, int]:
    return values["true_at_us"], values["received_at_us"]


def _observation_columns(firm: FirmId, connection: str, seen: Observation) -> Columns:
    return {
        "firm": firm,
        "connection": connection,
        "remote_account": seen.remote_account,
        "true_at_us": us(seen.true_at),
        "received_at_us": us(seen.received_at),
        "source": seen.source.value,
        "balance": dumps(seen.balance),
        "call": seen.call,
    }


@prepared
def _add_observation(t: Tables) -> Insert:
    return insert_new(t, t.observations)


@prepared
def _move_latest(t: Tables) -> Insert:
    return upsert(t, t.latest, newer=("true_at_us", "received_at_us"))


@prepared
def _move_coverage(t: Tables) -> Insert:
    return upsert(t, t.coverages, newer=("complete_as_of_us",))


def _keeping_body(t: Tables, table: Table) -> Insert:
    return upsert(t, table, keeps=("body",))


@prepared
def _put_mirror(t: Tables) -> Insert:
    return _keeping_body(t, t.mirror)


@prepared
def _put_staged(t: Tables) -> Insert:
    return _keeping_body(t, t.staged)


@prepared
def _staged(t: Tables) -> Select[Any]:
    s = t.staged
    mine = (s.c.firm == bindparam("p_firm"), s.c.connection == bindparam("p_connection"))
    return select(s).where(*mine)


@prepared
def _drop_staged(t: Tables) -> Delete:
    s = t.staged.c
    mine = (s.firm == bindparam("p_firm"), s.connection == bindparam("p_connection"))
    return delete(t.staged).where(*mine)
