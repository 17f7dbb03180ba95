"""Subjects: what is due, and who holds it. Due is derived from rows, never stored.

    due = the least of  next_at,  receipt of its oldest RECEIVED delivery,  check_at of its open needs

A paused subject is due only for its open needs (somebody waits for the answer, which says that it
is paused); deliveries and plans wait until it is resumed.

    | lease                  | event                  | to                                    |
    |------------------------|------------------------|---------------------------------------|
    | free, or expired       | claim, claim_one       | held until now + lease_s, fence + 1   |
    | held, fence still its  | renew                  | held until now + lease_s              |
    | held, fence still its  | release, commit gives  | free                                  |
    | taken by a later claim | renew, release, commit | unchanged: a smaller fence is refused |
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    Update,
    bindparam,
    case,
    false,
    func,
    literal_column,
    select,
    true,
    union_all,
    update,
)

from rowcol.adapters.sql.codec import at, at_or_none, us, us_or_none
from rowcol.adapters.sql.inbox import RECEIVED
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx
from rowcol.core import change as c
from rowcol.core.ids import FirmId

_S_US = 1_000_000
PLANNED_MAX = 64
_SPARE = 4
"""On PostgreSQL others may lock what we found: look at so many times more candidates than wanted."""


def claim(tx: Tx, owner: str, now: datetime, lease_s: int, limit: int) -> tuple[c.Lease, ...]:
    """The longest due first, but firm by firm and within a firm business by business, one each in turn."""
    lease_now_us = tx.lease_now_us(now)
    found = tx.rows(
        _candidates(tx.t),
        now_us=us(now),
        lease_now_us=lease_now_us,
        limit=limit * _SPARE if tx.t.is_postgres else limit,
    )
    if found and tx.t.is_postgres:
        names = [row.subject for row in found]
        free = {row.subject for row in tx.rows(_lock(tx.t), names=names, now_us=lease_now_us)}
        found = [row for row in found if row.subject in free][:limit]
    if not found:
        return ()
    until_us = lease_now_us + lease_s * _S_US
    tx.run(
        _take(tx.t),
        [
            {
                "p_kind": row.kind,
                "p_subject": row.subject,
                "p_owner": owner,
                "p_now_us": lease_now_us,
                "p_until_us": until_us,
            }
            for row in found
        ],
    )
    return tuple(
        c.Lease(row.firm, c.SubjectKind(row.kind), row.subject, owner, at(until_us), row.fence + 1)
        for row in found
    )


def claim_one(
    tx: Tx, firm: str, connection: str, owner: str, now: datetime, lease_s: int
) -> c.Lease | None:
    """Take a connection that nobody holds, whether it is due or not."""
    kind, lease_now_us = c.SubjectKind.CONNECTION, tx.lease_now_us(now)
    until_us = lease_now_us + lease_s * _S_US
    names = {"p_kind": kind, "p_subject": connection, "p_firm": firm, "p_owner": owner}
    times = {"p_now_us": lease_now_us, "p_until_us": until_us}
    if tx.run(_take_free(tx.t), {**names, **times}).rowcount != 1:
        return None
    row = tx.row(_fence(tx.t), kind=kind, subject=connection)
    assert row is not None
    return c.Lease(FirmId(firm), kind, connection, owner, at(until_us), row.fence)


def next_due_at(tx: Tx) -> datetime | None:
    """A leased subject counts from the end of its lease: then its holder is thought dead."""
    dues = [tx.conn.execute(statement).scalar() for statement in _next_dues(tx.t)]
    return at_or_none(min((due for due in dues if due is not None), default=None))


def renew(tx: Tx, leases: Sequence[c.Lease], now: datetime, lease_s: int) -> None:
    """Extend those that are still held by their fence."""
    if leases:
        until_us = tx.lease_now_us(now) + lease_s * _S_US
        tx.run(_renew(tx.t), [{**_held(lease), "p_until_us": until_us} for lease in leases])


def release(tx: Tx, lease: c.Lease, next_at: datetime | None) -> None:
    """Give it back; `next_at` None leaves what was planned."""
    tx.run(_release(tx.t), {**_held(lease), "p_next_at_us": us_or_none(next_at)})


def _held(lease: c.Lease) -> dict[str, object]:
    return {
        "p_firm": lease.firm,
        "p_kind": lease.kind,
        "p_subject": lease.subject,
        "p_fence": lease.fence,
    }


def _dues(t: Tables, now_us: ColumnElement[int], lease_now_us: ColumnElement[int]) -> Any:
    """(kind, subject, due_us, for_need) of what is due by `now_us`, a row per cause.

    Of what is planned only the longest due are looked at: the rest is found when these are leased.
    """
    s, r, n = t.subjects.c, t.routes.c, t.needs.c
    connection: ColumnElement[str] = literal_column(f"'{c.SubjectKind.CONNECTION}'")
    plan = select(
        s.kind.label("kind"),
        s.subject.label("subject"),
        s.next_at_us.label("due_us"),
        literal_column("0").label("for_need"),
    ).where(s.is_paused == false(), s.next_at_us <= now_us)
    free = plan.where(s.lease_until_us == literal_column("0"))
    expired = plan.where(s.lease_until_us > literal_column("0"), s.lease_until_us <= lease_now_us)
    delivered = (
        select(connection, r.connection, func.min(r.received_at_us), literal_column("0"))
        .where(r.state == RECEIVED)
        .group_by(r.connection)
    )
    needed = (
        select(connection, n.connection, func.min(n.check_at_us), literal_column("1"))
        .where(n.answered_at_us.is_(None), n.check_at_us <= now_us)
        .group_by(n.connection)
    )
    longest = free.order_by(s.next_at_us).limit(literal_column(str(PLANNED_MAX))).subquery()
    return union_all(select(longest), expired, delivered, needed).subquery("due")


@cache
def _candidates(t: Tables) -> Select[Any]:
    """Ranked twice: within a business by due time, then within a firm by that rank."""
    s = t.subjects.c
    lease_now_us = bindparam("lease_now_us", type_=BigInteger)
    due = _dues(t, bindparam("now_us", type_=BigInteger), lease_now_us).c
    due_us = func.min(due.due_us).label("due_us")
    each = (
        select(s.kind, s.subject, s.firm, s.business, s.fence, due_us)
        .join_from(due.subject.table, t.subjects, (s.kind == due.kind) & (s.subject == due.subject))
        .where(
            s.lease_until_us <= lease_now_us,
            (s.is_paused == false()) | (due.for_need == 1),
        )
        .group_by(s.kind, s.subject, s.firm, s.business, s.fence)
        .subquery("each")
    )
    turn = func.row_number().over(
        partition_by=(each.c.firm, each.c.business), order_by=(each.c.due_us, each.c.subject)
    )
    by_business = select(each, turn.label("turn")).subquery("by_business")
    b = by_business.c
    firm_turn = func.row_number().over(partition_by=b.firm, order_by=(b.turn, b.due_us, b.subject))
    by_firm = select(by_business, firm_turn.label("firm_turn")).subquery("by_firm")
    f = by_firm.c
    return (
        select(f.kind, f.subject, f.firm, f.fence)
        .order_by(f.firm_turn, f.due_us, f.subject)
        .limit(bindparam("limit", type_=BigInteger))
    )


@cache
def _lock(t: Tables) -> Select[Any]:
    s = t.subjects.c
    names = bindparam("names", type_=Text(), expanding=True)
    return (
        select(s.kind, s.subject, s.fence)
        .where(s.subject.in_(names), s.lease_until_us <= bindparam("now_us", type_=BigInteger))
        .with_for_update(skip_locked=True)
    )


@cache
def _take(t: Tables) -> Update:
    s = t.subjects.c
    return (
        update(t.subjects)
        .where(s.kind == bindparam("p_kind"), s.subject == bindparam("p_subject"))
        .values(
            fence=s.fence + 1,
            owner=bindparam("p_owner"),
            leased_at_us=bindparam("p_now_us"),
            lease_until_us=bindparam("p_until_us"),
        )
    )


@cache
def _take_free(t: Tables) -> Update:
    s = t.subjects.c
    return _take(t).where(
        s.firm == bindparam("p_firm"), s.lease_until_us <= bindparam("p_now_us", type_=BigInteger)
    )


@cache
def _fence(t: Tables) -> Select[tuple[int]]:
    s = t.subjects.c
    return select(s.fence).where(s.kind == bindparam("kind"), s.subject == bindparam("subject"))


@cache
def _next_dues(t: Tables) -> tuple[Select[Any], ...]:
    """The least due of what is free, by each cause through its index; then what is leased, few rows."""
    s, r, n = t.subjects.c, t.routes.c, t.needs.c
    is_free, is_on = s.lease_until_us == 0, s.is_paused == false()
    is_open, is_received = n.answered_at_us.is_(None), r.state == RECEIVED
    kind = s.kind == literal_column(f"'{c.SubjectKind.CONNECTION}'")
    planned = select(func.min(s.next_at_us)).where(is_free, is_on)
    delivered = (
        select(func.min(r.received_at_us))
        .join_from(t.routes, t.subjects, kind & (s.subject == r.connection))
        .where(is_received, is_free, is_on)
    )
    needed = (
        select(func.min(n.check_at_us))
        .join_from(t.needs, t.subjects, kind & (s.subject == n.connection))
        .where(is_open, is_free)
    )
    its_delivery = select(func.min(r.received_at_us)).where(is_received, r.connection == s.subject)
    its_need = select(func.min(n.check_at_us)).where(is_open, n.connection == s.subject)
    causes = (
        (s.next_at_us, is_on),
        (its_delivery.correlate(t.subjects).scalar_subquery(), is_on),
        (its_need.correlate(t.subjects).scalar_subquery(), true()),
    )
    leased = (
        select(func.min(case((due > s.lease_until_us, due), else_=s.lease_until_us))).where(
            s.lease_until_us > 0, counts, due.is_not(None)
        )
        for due, counts in causes
    )
    return planned, delivered, needed, *leased


def _held_where(t: Tables) -> tuple[ColumnElement[bool], ...]:
    s = t.subjects.c
    return (
        s.kind == bindparam("p_kind"),
        s.subject == bindparam("p_subject"),
        s.firm == bindparam("p_firm"),
        s.fence == bindparam("p_fence"),
        s.lease_until_us > 0,
    )


@cache
def _renew(t: Tables) -> Update:
    held = _held_where(t)
    return update(t.subjects).where(*held).values(lease_until_us=bindparam("p_until_us"))


@cache
def _release(t: Tables) -> Update:
    next_at_us = bindparam("p_next_at_us", type_=BigInteger)
    planned = func.coalesce(next_at_us, t.subjects.c.next_at_us)
    held = _held_where(t)
    return update(t.subjects).where(*held).values(next_at_us=planned, lease_until_us=0, owner="")
