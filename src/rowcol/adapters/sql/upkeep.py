"""Upkeep: what nobody waits for. Pruning what is over, and the digest that says whether two stores hold the same values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlalchemy import and_, bindparam, delete, exists, insert, select, tuple_

from rowcol.adapters.sql.codec import us
from rowcol.adapters.sql.facts import ANY
from rowcol.adapters.sql.tx import Tx
from rowcol.core.delivery import RouteState
from rowcol.core.ids import FirmId
from rowcol.core.retention import PRUNE_MAX, Horizon

PROBE = "probe"
PROBE_BYTES = 8_192
"""Two pages: a probe that fits on one that is there already would tell nothing of a full disk."""


def prune(tx: Tx, horizon: Horizon) -> int:
    """One helping. What is open or undrained stays, however old it is."""
    t, over_us = tx.t, us(horizon.over)
    count = _prune_deliveries(tx, over_us, us(horizon.lost))
    for table, moment_us, limit_us in (
        (t.calls, t.calls.c.settled_at_us, over_us),
        (t.decisions, t.decisions.c.decided_at_us, over_us),
        (t.needs, t.needs.c.answered_at_us, over_us),
        (t.links, t.links.c.expires_at_us, us(horizon.links)),
    ):
        if count < PRUNE_MAX:
            some = select(table.c.id).where(moment_us < limit_us).limit(PRUNE_MAX - count)
            count += tx.run(delete(table).where(table.c.id.in_(some)))
    return count + _prune_superseded(tx, us(horizon.superseded), PRUNE_MAX - count)


def probe(tx: Tx) -> None:
    """Write what takes pages of its own, as a webhook does, and take it away again."""
    t = tx.t.switches
    tx.run(delete(t).where(t.c.name == PROBE))
    tx.run(insert(t).values(name=PROBE, reason="x" * PROBE_BYTES))
    tx.run(delete(t).where(t.c.name == PROBE))


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


def _prune_deliveries(tx: Tx, over_us: int, lost_us: int) -> int:
    d, r = tx.t.deliveries, tx.t.routes
    is_kept = exists().where(
        r.c.delivery == d.c.id,
        (r.c.state == RouteState.RECEIVED)
        | ((r.c.state != RouteState.DRAINED) & (d.c.received_at_us >= lost_us)),
    )
    statement = select(d.c.id).where(d.c.received_at_us < over_us, ~is_kept).limit(PRUNE_MAX)
    ids = [{"p_id": row.id} for row in tx.rows(statement)]
    if ids:
        tx.run(delete(r).where(r.c.delivery == bindparam("p_id")), ids)
        tx.run(delete(d).where(d.c.id == bindparam("p_id")), ids)
    return len(ids)


def _prune_superseded(tx: Tx, limit_us: int, left: int) -> int:
    """Account by account, as their key begins with it: without that every look ever stored is read."""
    if not left:
        return 0
    o, newest = tx.t.observations, tx.t.latest.alias()
    account, kept = tx.t.latest.c, newest.c
    is_newest = exists().where(
        kept.firm == o.c.firm,
        kept.connection == o.c.connection,
        kept.remote_account == o.c.remote_account,
        kept.true_at_us == o.c.true_at_us,
        kept.source == o.c.source,
        kept.balance == o.c.balance,
    )
    some = (
        select(*o.primary_key.columns)
        .join_from(
            tx.t.latest,
            o,
            and_(
                o.c.firm == account.firm,
                o.c.connection == account.connection,
                o.c.remote_account == account.remote_account,
                o.c.true_at_us < limit_us,
            ),
        )
        .where(account.slot == ANY, o.c.received_at_us < limit_us, ~is_newest)
        .limit(left)
    )
    return tx.run(delete(o).where(tuple_(*o.primary_key.columns).in_(some)))
