"""Subjects' statements: what is due and in which order, and how a lease is taken, kept and given back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    null,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from rowcol.adapters.sql.inbox import RECEIVED
from rowcol.adapters.sql.prepared import prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.core import change as c

PLANNED_MAX = 64
_CONNECTION: ColumnElement[str] = literal_column(f"'{c.SubjectKind.CONNECTION}'")
_NO_NEED = cast(null(), BigInteger)
_FREE: ColumnElement[int] = literal_column("0")


@prepared
def candidates(t: Tables, *, is_of_one: bool) -> Select[Any]:
    """In the order of `subjects`: each lane is numbered, and the numbers are interleaved. `is_of_one`: of one business."""
    s = t.subjects.c
    lease_now_us = bindparam("lease_now_us", type_=BigInteger)
    only = _Only(t, is_of_one=is_of_one)
    due = _dues(t, bindparam("now_us", type_=BigInteger), lease_now_us, only).c
    each = (
        select(
            s.kind,
            s.subject,
            s.firm,
            s.business,
            s.fence,
            func.min(due.due_us).label("due_us"),
            func.min(due.priority).label("priority"),
        )
        .join_from(due.subject.table, t.subjects, (s.kind == due.kind) & (s.subject == due.subject))
        .where(
            s.lease_until_us <= lease_now_us,
            (s.is_paused == false()) | due.priority.is_not(None),
        )
        .group_by(s.kind, s.subject, s.firm, s.business, s.fence)
        .subquery("each")
    )
    is_asked = each.c.priority.is_not(None)
    is_aged = each.c.due_us <= bindparam("aged_us", type_=BigInteger)
    is_first = case((is_asked | is_aged, 0), else_=1).label("lane")
    by_due = (each.c.due_us, each.c.subject)
    business = (is_first, each.c.firm, each.c.business)
    numbered = select(
        each,
        is_first,
        is_asked.label("is_asked"),
        is_aged.label("is_aged"),
        _number(order_by=(each.c.priority.is_(None), each.c.priority, *by_due)).label("asked"),
        _number(order_by=by_due).label("aged"),
        _number(partition_by=business, order_by=by_due).label("turn"),
    ).subquery("numbered")
    n = numbered.c
    firm_turn = _number(partition_by=(n.lane, n.firm), order_by=(n.turn, n.due_us, n.subject))
    asked, aged = 2 * n.asked - 1, 2 * n.aged
    place = case(
        (and_(n.is_asked, n.is_aged, aged < asked), aged),
        (n.is_asked, asked),
        (n.is_aged, aged),
        else_=firm_turn,
    )
    return (
        select(n.kind, n.subject, n.firm, n.fence)
        .order_by(n.lane, place, n.due_us, n.subject)
        .limit(bindparam("limit", type_=BigInteger))
    )


def _number(**over: Any) -> ColumnElement[int]:
    return func.row_number().over(**over)


class _Only:
    """What narrows a statement to the logins of one business, wherever it names one; nothing where all count."""

    def __init__(self, t: Tables, *, is_of_one: bool) -> None:
        k = t.connections.c
        self._its = (
            select(k.id).where(
                k.firm == bindparam("its_firm"), k.business == bindparam("its_business")
            )
            if is_of_one
            else None
        )

    def __call__(self, connection: ColumnElement[str]) -> tuple[ColumnElement[bool], ...]:
        """For `where`."""
        return () if self._its is None else (connection.in_(self._its),)


def _dues(
    t: Tables, now_us: ColumnElement[int], lease_now_us: ColumnElement[int], only: _Only
) -> Any:
    """(kind, subject, due_us, priority) of what is due by `now_us`, a row per cause; a priority where a need is one.

    Of what is planned only the longest due are looked at: the rest is found when these are leased.
    """
    s, r, n = t.subjects.c, t.routes.c, t.needs.c
    plan = select(
        s.kind.label("kind"),
        s.subject.label("subject"),
        s.next_at_us.label("due_us"),
        _NO_NEED.label("priority"),
    ).where(s.is_paused == false(), s.next_at_us <= now_us, *only(s.subject))
    free = plan.where(s.lease_until_us == _FREE)
    expired = plan.where(s.lease_until_us > _FREE, s.lease_until_us <= lease_now_us)
    delivered = (
        select(_CONNECTION, r.connection, func.min(r.received_at_us), _NO_NEED)
        .where(r.state == RECEIVED, *only(r.connection))
        .group_by(r.connection)
    )
    needed = (
        select(_CONNECTION, n.connection, func.min(n.check_at_us), func.min(n.priority))
        .where(n.answered_at_us.is_(None), n.check_at_us <= now_us, *only(n.connection))
        .group_by(n.connection)
    )
    longest = free.order_by(s.next_at_us).limit(literal_column(str(PLANNED_MAX))).subquery()
    return union_all(select(longest), expired, delivered, needed).subquery("due")


@prepared
def lock(t: Tables) -> Select[Any]:
    s = t.subjects.c
    names = bindparam("names", type_=Text(), expanding=True)
    return (
        select(s.kind, s.subject, s.firm, s.fence)
        .where(s.subject.in_(names), s.lease_until_us <= bindparam("now_us", type_=BigInteger))
        .with_for_update(skip_locked=True)
    )


@prepared
def take(t: Tables) -> Update:
    return _taken(t)


def _taken(t: Tables) -> Update:
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


@prepared
def take_free(t: Tables) -> ReturningUpdate[Any]:
    """One of the firm, whether it is due or not."""
    s = t.subjects.c
    is_free = s.lease_until_us <= bindparam("p_now_us", type_=BigInteger)
    return _taken(t).where(s.firm == bindparam("p_firm"), is_free).returning(s.fence)


@prepared
def next_dues(t: Tables, *, is_of_one: bool) -> Select[Any]:
    """One row: the least due of what is free, by each cause through its index; then what is leased, few rows."""
    only = _Only(t, is_of_one=is_of_one)
    s, r, n = t.subjects.c, t.routes.c, t.needs.c
    is_free, is_on = s.lease_until_us == 0, s.is_paused == false()
    is_open, is_received = n.answered_at_us.is_(None), r.state == RECEIVED
    kind = s.kind == _CONNECTION
    planned = select(func.min(s.next_at_us)).where(is_free, is_on, *only(s.subject))
    delivered = (
        select(func.min(r.received_at_us))
        .join_from(t.routes, t.subjects, kind & (s.subject == r.connection))
        .where(is_received, is_free, is_on, *only(r.connection))
    )
    needed = (
        select(func.min(n.check_at_us))
        .join_from(t.needs, t.subjects, kind & (s.subject == n.connection))
        .where(is_open, is_free, *only(n.connection))
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
            s.lease_until_us > 0, counts, due.is_not(None), *only(s.subject)
        )
        for due, counts in causes
    )
    found = (planned, delivered, needed, *leased)
    return select(*(each.scalar_subquery().label(f"due_{n}") for n, each in enumerate(found)))


def _held_where(t: Tables) -> tuple[ColumnElement[bool], ...]:
    s = t.subjects.c
    return (
        s.kind == bindparam("p_kind"),
        s.subject == bindparam("p_subject"),
        s.firm == bindparam("p_firm"),
        s.fence == bindparam("p_fence"),
        s.lease_until_us > 0,
    )


@prepared
def renew(t: Tables) -> Update:
    held = _held_where(t)
    return update(t.subjects).where(*held).values(lease_until_us=bindparam("p_until_us"))


@prepared
def release(t: Tables) -> Update:
    next_at_us = bindparam("p_next_at_us", type_=BigInteger)
    planned = func.coalesce(next_at_us, t.subjects.c.next_at_us)
    held = _held_where(t)
    return update(t.subjects).where(*held).values(next_at_us=planned, lease_until_us=0, owner="")
