"""Calls' statements: built once per installation, so that the database's plan and SQLAlchemy's text are reused."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Insert, Select, Text, Update, bindparam, select, update

from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import insert_new, upsert


@cache
def switches(t: Tables) -> Select[tuple[str]]:
    names = bindparam("names", type_=Text(), expanding=True)
    return select(t.switches.c.reason).where(t.switches.c.name.in_(names)).limit(1)


@cache
def pause(t: Tables) -> Select[tuple[bool]]:
    cs = t.connections.c
    return select(cs.is_paused).where(cs.firm == bindparam("firm"), cs.id == bindparam("id"))


@cache
def new_budget(t: Tables) -> Insert:
    return insert_new(t, t.budgets)


@cache
def budget(t: Tables) -> Select[tuple[int, int]]:
    b = t.budgets.c
    mine = (b.firm == bindparam("firm"), b.key == bindparam("key"), b.month == bindparam("month"))
    return select(b.spent_micros, b.reserved_micros).where(*mine).with_for_update()


@cache
def put_budget(t: Tables) -> Insert:
    return upsert(t, t.budgets)


@cache
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


@cache
def new_quota(t: Tables) -> Insert:
    return insert_new(t, t.quotas)


@cache
def quotas(t: Tables) -> Select[tuple[str, int]]:
    """In the order of keys, so that callers who lock several never wait for each other in a circle."""
    q = t.quotas.c
    keys = bindparam("keys", type_=Text(), expanding=True)
    return select(q.key, q.tat_us).where(q.key.in_(keys)).order_by(q.key).with_for_update()


@cache
def put_quota(t: Tables) -> Insert:
    return upsert(t, t.quotas)


@cache
def add_call(t: Tables) -> Insert:
    return t.calls.insert()


@cache
def open_of(t: Tables) -> Select[tuple[str | None, str, int]]:
    k = t.calls.c
    mine = (k.firm == bindparam("firm"), k.id == bindparam("id"), k.settled_at_us.is_(None))
    return select(k.budget_key, k.month, k.price_micros).where(*mine).with_for_update()


@cache
def settle(t: Tables) -> Update:
    k = t.calls.c
    return (
        update(t.calls)
        .where(k.firm == bindparam("p_firm"), k.id == bindparam("p_id"))
        .values(
            {
                name: bindparam(name)
                for name in (
                    "cost_micros",
                    "billed",
                    "outcome",
                    "detail",
                    "status",
                    "settled_at_us",
                    "remote_request_id",
                )
            }
        )
    )
