"""Links: consents on their way. The rail's callback knows only the secret behind `state_hash`, and it is good for one use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from rowcol.adapters.sql.codec import at, at_or_none, clean, us, us_or_none
from rowcol.adapters.sql.people import insert, read_business
from rowcol.adapters.sql.prepared import prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, own
from rowcol.core.ids import ConnectionId, FirmId
from rowcol.core.records import Link
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
        "failure": clean(link.failure),
    }
    insert(tx, tx.t.links, columns, "this link")


def read_link(tx: Tx, firm: FirmId, link: str) -> Link | None:
    k = tx.t.links
    row = tx.row(select(k).where(k.c.firm == firm, k.c.id == link))
    return None if row is None else _link(row)


def take_link(tx: Tx, state_hash: str, now: datetime) -> Link | None:
    """One statement both finds it unused and marks it, so that of two callbacks one gets it."""
    row = tx.row(_take(tx.t), p_state_hash=clean(state_hash), p_now_us=us(now))
    return None if row is None else _link(row)


def end_link(
    tx: Tx, firm: FirmId, link: str, connection: ConnectionId | None, failure: str
) -> None:
    k = tx.t.links
    ended = {"connection": connection, "failure": clean(failure)}
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
    )


@prepared
def _take(t: Tables) -> ReturningUpdate[Any]:
    k = t.links.c
    return (
        update(t.links)
        .where(
            k.state_hash == bindparam("p_state_hash"),
            k.used_at_us.is_(None),
            k.expires_at_us > bindparam("p_now_us"),
        )
        .values(used_at_us=bindparam("p_now_us"))
        .returning(*t.links.c)
    )
