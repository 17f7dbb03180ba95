"""Upkeep: what nobody waits for. Pruning what is over, and the digest that says whether two stores hold the same values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import bindparam, delete, exists, select

from rowcol.adapters.sql.codec import us
from rowcol.adapters.sql.facts import ANY
from rowcol.adapters.sql.tx import Tx
from rowcol.core.delivery import RouteState
from rowcol.core.ids import FirmId

PRUNE_MAX = 5000
"""Rows that one transaction deletes (routes beside their deliveries), so that nobody waits long behind it."""


def prune(tx: Tx, before: datetime) -> int:
    """One helping. What is open, unmatched, parked or undrained stays."""
    t, limit_us = tx.t, us(before)
    count = _prune_deliveries(tx, limit_us)
    for table, over_at_us in (
        (t.calls, t.calls.c.settled_at_us),
        (t.decisions, t.decisions.c.decided_at_us),
        (t.needs, t.needs.c.answered_at_us),
    ):
        if count < PRUNE_MAX:
            some = select(table.c.id).where(over_at_us < limit_us).limit(PRUNE_MAX - count)
            count += tx.run(delete(table).where(table.c.id.in_(some)))
    return count


def digest(tx: Tx, firm: FirmId) -> str:
    """SHA-256 over values: no times of ours, no ids of ours, no counts of copies.

    Of the inbox only what is still to be done counts: a drained delivery was a hint, and what it
    led to is in the mirror. So a firm that lost every delivery ends with the same digest.
    """
    sha = hashlib.sha256()
    for part in (_mirror_values(tx, firm), _latest_values(tx, firm), _inbox_values(tx, firm)):
        for line in sorted(set(part)):
            sha.update(line)
            sha.update(b"\n")
        sha.update(b"\0")
    return sha.hexdigest()


def line_of(*parts: str | None) -> bytes:
    """One canonical line of a digest."""
    return "\x1f".join("\x00" if part is None else part for part in parts).encode()


def inbox_line(kind: str, body: bytes) -> bytes:
    """A delivery in a digest that is not drained yet."""
    return line_of(kind, hashlib.sha256(body).hexdigest())


def _mirror_values(tx: Tx, firm: FirmId) -> Iterator[bytes]:
    m, k = tx.t.mirror.c, tx.t.connections.c
    statement = (
        select(k.remote_id.label("login"), m.entity, m.remote_id, m.body, m.deleted, m.due_on)
        .join_from(tx.t.mirror, tx.t.connections, k.id == m.connection)
        .where(m.firm == firm)
    )
    for row in tx.conn.execute(statement):
        due = () if row.due_on is None else (row.due_on,)
        body = None if row.deleted else row.body
        yield line_of(row.login, row.entity, row.remote_id, body, *due)


def _latest_values(tx: Tx, firm: FirmId) -> Iterator[bytes]:
    seen, k = tx.t.latest.c, tx.t.connections.c
    statement = (
        select(k.remote_id.label("login"), seen.remote_account, seen.balance)
        .join_from(tx.t.latest, tx.t.connections, k.id == seen.connection)
        .where(seen.firm == firm, seen.slot == ANY)
    )
    for row in tx.conn.execute(statement):
        yield line_of(row.login, row.remote_account, row.balance)


def _inbox_values(tx: Tx, firm: FirmId) -> Iterator[bytes]:
    r, d = tx.t.routes.c, tx.t.deliveries.c
    statement = (
        select(d.kind, d.body)
        .join_from(tx.t.routes, tx.t.deliveries, d.id == r.delivery)
        .where(r.firm == firm, r.state != RouteState.DRAINED)
    )
    for row in tx.conn.execute(statement):
        yield inbox_line(row.kind, bytes(row.body))


def _prune_deliveries(tx: Tx, limit_us: int) -> int:
    d, r = tx.t.deliveries, tx.t.routes
    is_kept = exists().where(r.c.delivery == d.c.id, r.c.state != RouteState.DRAINED)
    statement = select(d.c.id).where(d.c.received_at_us < limit_us, ~is_kept).limit(PRUNE_MAX)
    ids = [{"p_id": row.id} for row in tx.rows(statement)]
    if ids:
        tx.run(delete(r).where(r.c.delivery == bindparam("p_id")), ids)
        tx.run(delete(d).where(d.c.id == bindparam("p_id")), ids)
    return len(ids)
