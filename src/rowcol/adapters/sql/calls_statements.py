"""Calls' statements: built once per installation, so that the database's plan and SQLAlchemy's text are reused."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Insert,
    Integer,
    Select,
    Text,
    Update,
    bindparam,
    case,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from rowcol.adapters.sql.prepared import listed, prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import insert_new, upsert
from rowcol.core.outcome import Billed


@prepared
def pauses(t: Tables) -> Select[Any]:
    """A switch that forbids the call, the rail's before that of all paid ones; and whether the connection is there, and paused."""
    k, w = t.connections.c, t.switches.c
    names = (bindparam("of_rail", type_=Text), bindparam("of_paid", type_=Text))
    reason = select(w.reason).where(w.name.in_(names)).order_by(w.name.desc()).limit(1)
    is_paused = select(k.is_paused).where(k.firm == bindparam("firm"), k.id == bindparam("id"))
    return select(
        reason.scalar_subquery().label("reason"), is_paused.scalar_subquery().label("is_paused")
    )


@prepared
def fence(t: Tables) -> Select[tuple[int]]:
    s = t.subjects.c
    its = (s.kind == bindparam("kind"), s.subject == bindparam("subject"))
    return select(s.fence).where(*its).with_for_update(read=True)


@prepared
def held_state(t: Tables) -> Select[tuple[int, str]]:
    """A login's state, and until when it is leased; the lease's row is locked first, as everywhere."""
    s, k = t.subjects.c, t.connections.c
    its = (k.firm == bindparam("firm"), k.id == bindparam("connection"))
    return (
        select(s.lease_until_us, k.state)
        .join_from(t.subjects, t.connections, s.subject == k.id)
        .where(*its)
        .with_for_update()
    )


@prepared
def put_state(t: Tables) -> Update:
    k = t.connections.c
    its = (k.firm == bindparam("p_firm"), k.id == bindparam("p_id"))
    return update(t.connections).where(*its).values(state=bindparam("p_state"))


@prepared
def new_budget(t: Tables) -> Insert:
    return insert_new(t, t.budgets)


@prepared
def budget(t: Tables) -> Select[tuple[int, int]]:
    b = t.budgets.c
    mine = (b.firm == bindparam("firm"), b.key == bindparam("key"), b.month == bindparam("month"))
    return select(b.spent_micros, b.reserved_micros).where(*mine).with_for_update()


@prepared
def put_budget(t: Tables) -> Insert:
    return upsert(t, t.budgets)


@prepared
def move_budget(t: Tables) -> Update:
    b = t.budgets.c
    return (
        update(t.budgets)
        .where(
            b.firm == bindparam("p_firm"),
            b.key == bindparam("p_key"),
            b.month == bindparam("p_month"),
        )
        .values(
            reserved_micros=b.reserved_micros - bindparam("price_micros"),
            spent_micros=b.spent_micros + bindparam("cost_micros"),
        )
    )


@prepared
def new_quota(t: Tables) -> Insert:
    return insert_new(t, t.quotas)


@prepared
def quotas(t: Tables, count: int) -> Select[tuple[str, int]]:
    """In the order of keys, so that callers who lock several never wait for each other in a circle."""
    q = t.quotas.c
    return select(q.key, q.tat_us).where(q.key.in_(listed(count))).order_by(q.key).with_for_update()


@prepared
def put_quota(t: Tables) -> Insert:
    return upsert(t, t.quotas)


@prepared
def add_call(t: Tables) -> Insert:
    return t.calls.insert()


@prepared
def settle(t: Tables) -> ReturningUpdate[Any]:
    """Of an open call. What it cost is its price if it `is_spent`; one that is free and not metered is never billed."""
    k = t.calls.c
    given = ("outcome", "detail", "status", "settled_at_us", "remote_request_id")
    is_spent = bindparam("is_spent", type_=Integer) == 1
    is_billable = (k.price_micros > 0) | (k.units > 0)
    return (
        update(t.calls)
        .where(k.firm == bindparam("p_firm"), k.id == bindparam("p_id"), k.settled_at_us.is_(None))
        .values(
            cost_micros=case((is_spent, k.price_micros), else_=0),
            billed=case((is_billable, bindparam("p_billed", type_=Text)), else_=Billed.NO.value),
            **{name: bindparam(name) for name in given},
        )
        .returning(
            k.id, k.firm, k.month, k.budget_key, k.price_micros, k.cost_micros, k.pool_key, k.units
        )
    )


@prepared
def uncount(t: Tables) -> Update:
    k = t.calls.c
    return (
        update(t.calls)
        .where(k.firm == bindparam("p_firm"), k.id == bindparam("p_id"))
        .values(units=literal_column("0"))
    )


@prepared
def sum_costs(t: Tables) -> Select[Any]:
    """Through an index that holds priced calls only."""
    k = t.calls.c
    return (
        select(k.business, func.sum(k.cost_micros).label("cost_micros"))
        .where(
            k.firm == bindparam("firm"),
            k.month == bindparam("month"),
            k.cost_micros > literal_column("0"),
            k.business.is_not(None),
        )
        .group_by(k.business)
    )
