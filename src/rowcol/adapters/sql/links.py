"""Links: consents and link sessions on their way. A callback or a delivery knows only the secret behind `state_hash`.

A consent is good for one callback. A session is worked on by whoever holds its lease; each write of it is
compared with the owner, so that of two processes one moves it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, Text, bindparam, exists, func, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from rowcol.adapters.sql.codec import at, at_or_none, storable, us, us_or_none
from rowcol.adapters.sql.inbox import UNMATCHED
from rowcol.adapters.sql.people import insert, read_business
from rowcol.adapters.sql.prepared import prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, own
from rowcol.core.delivery import SESSION, RouteState
from rowcol.core.ids import BusinessId, ConnectionId, FirmId
from rowcol.core.records import Link, LinkEnd, LinkKind
from rowcol.core.refusal import NotFound


def add_link(tx: Tx, firm: FirmId, link: Link) -> None:
    """Raise `Conflict` for an id or state that is there, `NotFound` for a business of another firm."""
    own(firm, link.firm)
    if read_business(tx, firm, link.business) is None:
        raise NotFound("no such business in this firm", "list them with `rowcol business list`")
    columns = {
        "id": link.id,
        "state_hash": link.state_hash,
        "firm": firm,
        "business": link.business,
        "app": link.app,
        "created_at_us": us(link.created_at),
        "expires_at_us": us(link.expires_at),
        "used_at_us": us_or_none(link.used_at),
        "connection": link.connection,
        "failure": storable(link.failure),
        "kind": link.kind,
        "target": link.target,
        "sealed": link.sealed,
        "next_at_us": us_or_none(link.next_at),
        "polls": link.polls,
        "is_double_allowed": int(link.is_double_allowed),
    }
    insert(tx, tx.t.links, columns, "this link")


def read_link(tx: Tx, firm: FirmId, link: str) -> Link | None:
    k = tx.t.links
    row = tx.row(select(k).where(k.c.firm == firm, k.c.id == link))
    return None if row is None else _link(row)


def list_open_links(tx: Tx, firm: FirmId, business: BusinessId) -> tuple[Link, ...]:
    k = tx.t.links.c
    mine = (k.firm == firm, k.business == business, k.next_at_us.is_not(None))
    return tuple(map(_link, tx.rows(select(tx.t.links).where(*mine).order_by(k.id))))


def due_links(tx: Tx, now: datetime, limit: int) -> tuple[Link, ...]:
    """By the partial index of the open ones; a stored delivery that names one makes it due by itself."""
    rows = tx.rows(
        _due(tx.t),
        p_session=SESSION,
        p_now_us=us(now),
        p_lease_us=tx.lease_now_us(now),
        p_limit=limit,
    )
    return tuple(map(_link, rows))


def claim_link(
    tx: Tx, firm: FirmId, link: str, owner: str, now: datetime, lease_s: int
) -> Link | None:
    """The deliveries that spoke of it have done their work with that."""
    lease_us = tx.lease_now_us(now)
    row = tx.row(
        _claim(tx.t),
        p_firm=firm,
        p_id=link,
        p_owner=owner,
        p_lease_us=lease_us,
        p_until_us=lease_us + lease_s * 1_000_000,
    )
    if row is None:
        return None
    r = tx.t.routes
    hints = (r.c.app == row.app, r.c.remote_id == f"{SESSION}{row.state_hash}")
    seen = {"state": RouteState.DRAINED, "drained_at_us": us(now)}
    tx.run(update(r).where(*hints, r.c.state == UNMATCHED).values(seen))
    return _link(row)


def move_link(tx: Tx, firm: FirmId, link: Link) -> bool:
    k = tx.t.links
    moved = {
        "connection": link.connection,
        "failure": storable(link.failure),
        "sealed": link.sealed,
        "next_at_us": us_or_none(link.next_at),
        "polls": link.polls,
        "ended": link.ended,
        "is_double_allowed": int(link.is_double_allowed),
        "owner": None,
        "lease_until_us": 0,
    }
    mine = (k.c.firm == firm, k.c.id == link.id, k.c.owner == link.owner)
    return bool(tx.run(update(k).where(*mine).values(moved)))


def take_link(tx: Tx, state_hash: str, now: datetime) -> Link | None:
    """One statement both finds it unused and marks it, so that of two callbacks one gets it. A session takes none."""
    row = tx.row(_take(tx.t), p_state_hash=storable(state_hash), p_now_us=us(now))
    return None if row is None else _link(row)


def end_link(
    tx: Tx, firm: FirmId, link: str, connection: ConnectionId | None, failure: str
) -> None:
    k = tx.t.links
    ended = {"connection": connection, "failure": storable(failure)}
    tx.run(update(k).where(k.c.firm == firm, k.c.id == link).values(ended))


def _link(row: Row[Any]) -> Link:
    return Link(
        row.id,
        row.state_hash,
        row.firm,
        row.business,
        row.app,
        at(row.created_at_us),
        at(row.expires_at_us),
        at_or_none(row.used_at_us),
        row.connection,
        row.failure,
        LinkKind(row.kind or LinkKind.CONSENT),
        row.target,
        None if row.sealed is None else bytes(row.sealed),
        at_or_none(row.next_at_us),
        row.polls,
        row.owner or "",
        at(row.lease_until_us) if row.lease_until_us else None,
        None if row.ended is None else LinkEnd(row.ended),
        bool(row.is_double_allowed),
    )


@prepared
def _due(t: Tables) -> Select[Any]:
    k, r = t.links.c, t.routes.c
    is_hinted = exists().where(
        r.app == k.app,
        r.remote_id == bindparam("p_session", type_=Text) + k.state_hash,
        r.state == UNMATCHED,
    )
    return (
        select(t.links)
        .where(
            k.next_at_us.is_not(None),
            k.lease_until_us <= bindparam("p_lease_us"),
            (k.next_at_us <= bindparam("p_now_us")) | is_hinted,
        )
        .order_by(k.next_at_us)
        .limit(bindparam("p_limit"))
    )


@prepared
def _claim(t: Tables) -> ReturningUpdate[Any]:
    """An owner may claim again what it holds: its lease is made longer."""
    k = t.links.c
    owner = bindparam("p_owner", type_=Text)
    return (
        update(t.links)
        .where(
            k.firm == bindparam("p_firm"),
            k.id == bindparam("p_id"),
            k.sealed.is_not(None),
            (k.lease_until_us <= bindparam("p_lease_us")) | (k.owner == owner),
        )
        .values(owner=owner, lease_until_us=bindparam("p_until_us"))
        .returning(*k)
    )


@prepared
def _take(t: Tables) -> ReturningUpdate[Any]:
    k = t.links.c
    return (
        update(t.links)
        .where(
            k.state_hash == bindparam("p_state_hash"),
            func.coalesce(k.kind, LinkKind.CONSENT.value) == LinkKind.CONSENT.value,
            k.used_at_us.is_(None),
            k.expires_at_us > bindparam("p_now_us"),
        )
        .values(used_at_us=bindparam("p_now_us"))
        .returning(*t.links.c)
    )
