"""Views: all that reconcile and answer need of a connection, in a handful of statements. Nothing here writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, exists, func, select

from rowcol.adapters.sql.calls import open_call_of
from rowcol.adapters.sql.codec import (
    at,
    at_or_none,
    connection_of,
    loads,
    need_of,
    numbers_of,
    observation_of,
)
from rowcol.adapters.sql.facts import ANY, LIVE
from rowcol.adapters.sql.inbox import RECEIVED
from rowcol.adapters.sql.prepared import prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx
from rowcol.core import change as c
from rowcol.core.delivery import PENDING_MAX, Pending
from rowcol.core.evidence import Coverage, Source
from rowcol.core.ids import BusinessId, ConnectionId, FirmId
from rowcol.core.mirror import ACCOUNT


def read_view(tx: Tx, firm: FirmId, connection: ConnectionId) -> c.ConnectionView | None:
    """None where the connection is not the firm's.

    `open_calls` are those made before the present lease began: what somebody made since then (a
    person's `call_api`) is still on its way.
    """
    place = {"firm": firm, "connection": connection}
    row = tx.row(_connection(tx.t), **place)
    if row is None:
        return None
    pending = tuple(
        Pending(r.id, r.rail, r.kind, at(r.received_at_us), r.body)
        for r in tx.rows(_pending(tx.t), **place, limit=PENDING_MAX)
    )
    return c.ConnectionView(
        connection=connection_of(row),
        accounts=tuple(_account(r) for r in tx.rows(_accounts(tx.t), **place)),
        pending=pending,
        needs=tuple(need_of(r) for r in tx.rows(_needs(tx.t), **place)),
        token=row.token,
        open_calls=tuple(open_call_of(r) for r in tx.rows(_open_calls(tx.t), **place)),
        coverages=tuple(_coverage(r) for r in tx.rows(_coverages(tx.t), **place)),
        previous_token=row.previous_token,
    )


def read_business_views(tx: Tx, firm: FirmId, business: BusinessId) -> tuple[c.ConnectionView, ...]:
    """Three statements for any number of connections, in the order of their making."""
    place = {"firm": firm, "business": business}
    rows = tx.rows(_connections(tx.t), **place)
    accounts: defaultdict[str, list[c.Account]] = defaultdict(list)
    coverages: defaultdict[str, list[Coverage]] = defaultdict(list)
    if rows:
        for row in tx.rows(_business_accounts(tx.t), **place):
            accounts[row.connection].append(_account(row))
        for row in tx.rows(_business_coverages(tx.t), **place):
            coverages[row.connection].append(_coverage(row))
    waiting = {row.connection for row in tx.rows(_business_waiting(tx.t), **place)} if rows else {}
    return tuple(
        replace(
            _short_view(row, accounts[row.id], coverages[row.id]), has_pending=row.id in waiting
        )
        for row in rows
    )


def _short_view(
    row: Row[Any], accounts: Sequence[c.Account], coverages: Sequence[Coverage]
) -> c.ConnectionView:
    return c.ConnectionView(
        connection=connection_of(row),
        accounts=tuple(accounts),
        pending=(),
        needs=(),
        token=row.token,
        coverages=tuple(coverages),
    )


def _coverage(row: Row[Any]) -> Coverage:
    return Coverage(row.scope, at(row.complete_as_of_us), Source(row.source))


def _account(row: Row[Any]) -> c.Account:
    body = {} if row.body is None else loads(row.body)
    latest = live = None
    if row.balance is not None:
        latest = observation_of(
            row.remote_id,
            row.true_at_us,
            row.received_at_us,
            row.source,
            row.balance,
            row.call,
        )
    if row.live_balance is not None:
        live = observation_of(
            row.remote_id,
            row.live_true_at_us,
            row.live_received_at_us,
            LIVE,
            row.live_balance,
            row.live_call,
        )
    return c.Account(
        connection=row.connection,
        remote_id=row.remote_id,
        name=str(body.get("name") or ""),
        mask=str(body.get("mask") or ""),
        type=str(body.get("type") or ""),
        subtype=str(body.get("subtype") or ""),
        role=row.role,
        latest=latest,
        latest_live=live,
        is_closed=bool(row.deleted),
        persistent_id=str(body.get("persistent_account_id") or ""),
        currency=str(body.get("currency") or ""),
        role_at=at_or_none(row.set_at_us or None),
        lists=() if row.lists is None else numbers_of(row.lists),
    )


@prepared
def _connection(t: Tables) -> Select[Any]:
    k = t.connections.c
    mine = (k.firm == bindparam("firm"), k.id == bindparam("connection"))
    return select(t.connections).where(*mine)


@prepared
def _connections(t: Tables) -> Select[Any]:
    k = t.connections.c
    mine = (k.firm == bindparam("firm"), k.business == bindparam("business"))
    return select(t.connections).where(*mine).order_by(k.id)


def _account_rows(t: Tables) -> Select[Any]:
    """Every account of the mirror with its role and its newest observations, by remote id."""
    m, roles, looks = t.mirror.c, t.account_roles, t.account_looks
    newest, live = t.latest.alias("newest"), t.latest.alias("live")
    joined: Any = t.mirror
    for beside in (roles, looks):
        joined = joined.outerjoin(
            beside,
            and_(
                beside.c.firm == m.firm,
                beside.c.connection == m.connection,
                beside.c.remote_account == m.remote_id,
            ),
        )
    for slot, name in ((newest, ANY), (live, LIVE)):
        joined = joined.outerjoin(
            slot,
            and_(
                slot.c.firm == m.firm,
                slot.c.connection == m.connection,
                slot.c.remote_account == m.remote_id,
                slot.c.slot == name,
            ),
        )
    return (
        select(
            m.connection,
            m.remote_id,
            m.body,
            m.deleted,
            roles.c.role,
            roles.c.set_at_us,
            looks.c.lists,
            newest.c.true_at_us,
            newest.c.received_at_us,
            newest.c.source,
            newest.c.balance,
            newest.c.call,
            live.c.true_at_us.label("live_true_at_us"),
            live.c.received_at_us.label("live_received_at_us"),
            live.c.balance.label("live_balance"),
            live.c.call.label("live_call"),
        )
        .select_from(joined)
        .where(m.entity == ACCOUNT)
        .order_by(m.connection, m.remote_id)
    )


@prepared
def _accounts(t: Tables) -> Select[Any]:
    m = t.mirror.c
    mine = (m.firm == bindparam("firm"), m.connection == bindparam("connection"))
    return _account_rows(t).where(*mine)


@prepared
def _business_accounts(t: Tables) -> Select[Any]:
    m, k = t.mirror.c, t.connections.c
    its = select(k.id).where(k.firm == bindparam("firm"), k.business == bindparam("business"))
    return _account_rows(t).where(m.firm == bindparam("firm"), m.connection.in_(its))


@prepared
def _coverages(t: Tables) -> Select[Any]:
    v = t.coverages.c
    mine = (v.firm == bindparam("firm"), v.connection == bindparam("connection"))
    return select(t.coverages).where(*mine).order_by(v.scope, v.source)


@prepared
def _business_coverages(t: Tables) -> Select[Any]:
    v, k = t.coverages.c, t.connections.c
    its = select(k.id).where(k.firm == bindparam("firm"), k.business == bindparam("business"))
    mine = (v.firm == bindparam("firm"), v.connection.in_(its))
    return select(t.coverages).where(*mine).order_by(v.scope, v.source)


@prepared
def _business_waiting(t: Tables) -> Select[Any]:
    """Those of its connections with a delivery that no run has worked through yet."""
    r, k = t.routes.c, t.connections.c
    waits = exists().where(r.connection == k.id, r.state == RECEIVED)
    its = (k.firm == bindparam("firm"), k.business == bindparam("business"))
    return select(k.id.label("connection")).where(*its, waits)


@prepared
def _pending(t: Tables) -> Select[Any]:
    r, d = t.routes.c, t.deliveries.c
    return (
        select(d.id, d.rail, d.kind, r.received_at_us, d.body)
        .join_from(t.routes, t.deliveries, d.id == r.delivery)
        .where(
            r.firm == bindparam("firm"),
            r.connection == bindparam("connection"),
            r.state == RECEIVED,
        )
        .order_by(r.received_at_us, r.delivery)
        .limit(bindparam("limit"))
    )


@prepared
def _needs(t: Tables) -> Select[Any]:
    n = t.needs.c
    mine = (n.firm == bindparam("firm"), n.connection == bindparam("connection"))
    return select(t.needs).where(*mine, n.answered_at_us.is_(None)).order_by(n.check_at_us, n.id)


@prepared
def _open_calls(t: Tables) -> Select[Any]:
    k, s = t.calls.c, t.subjects.c
    leased_at_us = (
        select(func.max(s.leased_at_us))
        .where(s.subject == bindparam("connection"), s.lease_until_us > 0)
        .scalar_subquery()
    )
    return (
        select(k.id, k.price_micros, k.units, k.opened_at_us, k.purpose)
        .where(
            k.firm == bindparam("firm"),
            k.connection == bindparam("connection"),
            k.settled_at_us.is_(None),
            k.opened_at_us < func.coalesce(leased_at_us, 1 << 62),
        )
        .order_by(k.id)
    )
