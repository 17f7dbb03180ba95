"""Inbox: deliveries stored once, a route per connection they are for. The states of a route are in `core/delivery`.

`receive` costs four statements for any number of deliveries. On PostgreSQL it shares an advisory
lock that `add_connection` takes alone, so that no delivery stays unmatched beside its connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Select,
    Update,
    bindparam,
    literal_column,
    select,
    text,
    update,
)

from rowcol.adapters.sql.codec import listed_of, storable, us, us_or_none
from rowcol.adapters.sql.prepared import filled, listed, prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, insert_new
from rowcol.core.delivery import Incoming, Listed, RouteState
from rowcol.core.ids import DeliveryId, FirmId

RECEIVED: ColumnElement[str] = literal_column("'RECEIVED'")
"""Written out in statements, so that the database knows the partial index to fit."""
UNMATCHED: ColumnElement[str] = literal_column("'UNMATCHED'")
_BODY = ("id", "rail", "app", "kind", "dedup_key", "signed_at_us", "received_at_us", "body")
_ROUTE = (
    "delivery",
    "app",
    "received_at_us",
    "note",
    "connection",
    "remote_id",
    "firm",
    "state",
)
_LOCK_KEY = 7263051
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:key)")
_ALONE = text("SELECT pg_advisory_xact_lock(:key)")


def receive(tx: Tx, incoming: Sequence[Incoming]) -> tuple[bool, ...]:
    """Which of them are new. Copies within one call count as copies."""
    if not incoming:
        return ()
    firsts: dict[tuple[str, str], Incoming] = {}
    for item in incoming:
        firsts.setdefault((item.app, storable(item.dedup_key)), item)
    if tx.t.is_postgres:
        tx.conn.execute(_SHARED, {"key": _LOCK_KEY})
    new = _insert_bodies(tx, firsts)
    if len(new) == len(incoming):
        _add_routes(tx, incoming)
        return (True,) * len(incoming)
    _add_routes(tx, [item for item in firsts.values() if item.id in new])
    return tuple(
        firsts[item.app, storable(item.dedup_key)] is item and item.id in new for item in incoming
    )


def drain(
    tx: Tx,
    firm: FirmId,
    connection: str,
    drained: Sequence[DeliveryId],
    parked: Mapping[DeliveryId, str],
    *,
    drained_at_us: int,
) -> None:
    """RECEIVED to DRAINED or PARKED; what moved meanwhile stays."""
    moves: list[tuple[str, RouteState, str, int | None]] = [
        (each, RouteState.DRAINED, "", drained_at_us) for each in drained
    ]
    moves += [(each, RouteState.PARKED, storable(note), None) for each, note in parked.items()]
    if moves:
        tx.run(
            _drain(tx.t),
            [
                {
                    "p_firm": firm,
                    "p_connection": connection,
                    "p_delivery": delivery,
                    "p_state": state.value,
                    "p_note": note,
                    "p_drained_at_us": when_us,
                }
                for delivery, state, note, when_us in moves
            ],
        )


def replay(tx: Tx, firm: FirmId, delivery: DeliveryId) -> bool:
    """DRAINED or PARKED to RECEIVED, for the firm's own routes."""
    return bool(tx.run(_replay(tx.t), {"p_firm": firm, "p_delivery": delivery}))


def lock_routing(tx: Tx) -> None:
    """No delivery is routed by others until this transaction ends."""
    if tx.t.is_postgres:
        tx.conn.execute(_ALONE, {"key": _LOCK_KEY})


def adopt(tx: Tx, firm: FirmId, connection: str, app: str, remote_id: str) -> None:
    """UNMATCHED to RECEIVED, for a connection that has just appeared."""
    values = {"p_firm": firm, "p_connection": connection, "p_app": app, "p_remote_id": remote_id}
    tx.run(_adopt(tx.t), values)


def list_deliveries(
    tx: Tx, firm: FirmId, state: RouteState | None, after: str, limit: int
) -> tuple[Listed, ...]:
    """Newest first; a page holds every route of its deliveries, `limit` counts deliveries."""
    return _listed(tx, firm, state, after, limit)


def list_unmatched(tx: Tx, after: str, limit: int) -> tuple[Listed, ...]:
    """Newest first, over all apps: nobody knows whose they are."""
    return _listed(tx, "", RouteState.UNMATCHED, after, limit)


def _insert_bodies(tx: Tx, firsts: Mapping[tuple[str, str], Incoming]) -> set[str]:
    """Insert in the order of keys (so that no two batches wait for each other in a circle); the ids that went in."""
    rows = [
        (
            item.id,
            item.rail,
            app,
            storable(item.kind),
            dedup_key,
            us_or_none(item.signed_at),
            us(item.received_at),
            item.body,
        )
        for (app, dedup_key), item in sorted(firsts.items(), key=itemgetter(0))
    ]
    if tx.t.is_postgres:
        columns = [dict(zip(_BODY, row, strict=True)) for row in rows]
        return {row[0] for row in tx.conn.execute(_add_delivery(tx.t), columns)}
    # SQLite has one writer, so that what is not there now is not there when it is inserted.
    known = _known_of(tx, firsts)
    new = [row for row in rows if (row[2], row[4]) not in known] if known else rows
    if new:
        tx.insert_many(tx.t.deliveries, _BODY, new)
    return {row[0] for row in new}


def _known_of(tx: Tx, places: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """App by app: their unique index begins with it, without it every key ever stored is read."""
    by_app: dict[str, list[str]] = {}
    for app, dedup_key in places:
        by_app.setdefault(app, []).append(dedup_key)
    known: set[tuple[str, str]] = set()
    for app, dedup_keys in by_app.items():
        keys = filled(dedup_keys)
        found = tx.rows(_known(tx.t, len(keys)), app=app, **keys)
        known.update((app, row.dedup_key) for row in found)
    return known


def _add_routes(tx: Tx, items: Sequence[Incoming]) -> None:
    owners = _owners(tx, items)
    routes: list[tuple[object, ...]] = []
    for item in items:
        received_at_us = us(item.received_at)
        for remote_id in dict.fromkeys(storable(r) for r in item.remote_ids or ("",)):
            firm, connection = owners.get((item.app, remote_id), ("", ""))
            state = RouteState.RECEIVED.value if connection else RouteState.UNMATCHED.value
            place = (connection, remote_id, firm)
            routes.append((item.id, item.app, received_at_us, "", *place, state))
    if not routes:
        return
    if tx.t.is_postgres:
        tx.run(_add_route(tx.t), [dict(zip(_ROUTE, route, strict=True)) for route in routes])
    else:
        tx.insert_many(tx.t.routes, _ROUTE, routes)


def _owners(tx: Tx, items: Sequence[Incoming]) -> dict[tuple[str, str], tuple[str, str]]:
    """Whose the remote ids are: the live connection, else one that was retired."""
    by_app: dict[str, set[str]] = {}
    for item in items:
        by_app.setdefault(item.app, set()).update(storable(r) for r in item.remote_ids if r)
    owners = {}
    for app, remote_ids in by_app.items():
        if remote_ids:
            places = filled(sorted(remote_ids))
            for row in tx.rows(_owners_of(tx.t, len(places)), app=app, **places):
                owners[app, row.remote_id] = (row.firm, row.id)
    return owners


def _listed(
    tx: Tx, firm: str, state: RouteState | None, after: str, limit: int
) -> tuple[Listed, ...]:
    r, d = tx.t.routes.c, tx.t.deliveries.c
    mine = [r.firm == firm]
    if state is not None:
        mine.append(r.state == state)
    page = select(r.delivery).where(*mine).distinct().order_by(r.delivery.desc()).limit(limit)
    if after:
        page = page.where(r.delivery < after)
    statement = (
        select(tx.t.routes, d.rail, d.kind, d.signed_at_us)
        .join(tx.t.deliveries, d.id == r.delivery)
        .where(*mine, r.delivery.in_(page))
        .order_by(r.delivery.desc(), r.remote_id)
    )
    return tuple(listed_of(row) for row in tx.rows(statement))


@prepared
def _owners_of(t: Tables, count: int) -> Select[Any]:
    """The live one comes last, so that it overwrites the retired ones."""
    k = t.connections.c
    return (
        select(k.remote_id, k.firm, k.id)
        .where(k.app == bindparam("app"), k.remote_id.in_(listed(count)))
        .order_by(k.retired.desc(), k.created_at_us)
    )


@prepared
def _known(t: Tables, count: int) -> Select[Any]:
    d = t.deliveries.c
    return select(d.dedup_key).where(d.app == bindparam("app"), d.dedup_key.in_(listed(count)))


@cache
def _add_delivery(t: Tables) -> Any:
    return insert_new(t, t.deliveries).returning(t.deliveries.c.id)


@cache
def _add_route(t: Tables) -> Insert:
    return t.routes.insert()


@prepared
def _drain(t: Tables) -> Update:
    r = t.routes.c
    return (
        update(t.routes)
        .where(
            r.firm == bindparam("p_firm"),
            r.connection == bindparam("p_connection"),
            r.delivery == bindparam("p_delivery"),
            r.state == RECEIVED,
        )
        .values(
            state=bindparam("p_state"),
            note=bindparam("p_note"),
            drained_at_us=bindparam("p_drained_at_us"),
        )
    )


@prepared
def _replay(t: Tables) -> Update:
    r = t.routes.c
    is_over = (r.state == RouteState.DRAINED.value) | (r.state == RouteState.PARKED.value)
    return (
        update(t.routes)
        .where(r.firm == bindparam("p_firm"), r.delivery == bindparam("p_delivery"))
        .where(r.firm != "", is_over)
        .values(state=RouteState.RECEIVED, drained_at_us=None, note="")
    )


@prepared
def _adopt(t: Tables) -> Update:
    r = t.routes.c
    return (
        update(t.routes)
        .where(
            r.app == bindparam("p_app"),
            r.remote_id == bindparam("p_remote_id"),
            r.state == UNMATCHED,
        )
        .values(
            state=RouteState.RECEIVED,
            firm=bindparam("p_firm"),
            connection=bindparam("p_connection"),
        )
    )
