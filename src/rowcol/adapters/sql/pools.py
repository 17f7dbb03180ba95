"""Pools: the metered calls of an app's month, over all its firms; who used them; and how they ended of late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Insert,
    Row,
    Select,
    Update,
    bindparam,
    func,
    literal_column,
    select,
    update,
)

from rowcol.adapters.sql.codec import at, at_or_none, storable, us, us_or_none
from rowcol.adapters.sql.prepared import filled, listed, prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, insert_new, upsert
from rowcol.core import change as c
from rowcol.core.budget import month_of
from rowcol.core.ids import AppId, FirmId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome
from rowcol.core.pool import Ask, Peaks, Pool, pool_key, refusal
from rowcol.core.records import THROTTLES_MAX, Burn, Throttle, most_first

_MICROSECOND = timedelta(microseconds=1)
_EMPTY = {
    "limit_units": 0,
    "spent_units": 0,
    "reserved_units": 0,
    "blocked_until_us": None,
    "blocked_reason": "",
}


def asked(tx: Tx, intent: c.Intent, month: str) -> Pool | c.Refused | None:
    """The pool with its row locked, if it admits the call; None: not metered. The limit is always the caller's."""
    if not intent.units:
        return None
    key = pool_key(intent.rail, intent.app)
    place = {"key": key, "month": month}
    if tx.t.is_postgres:
        tx.run(_new_pool(tx.t), {**place, **_EMPTY})
    row = tx.row(_pool(tx.t, is_locked=True), **place)
    empty = Pool(key, month, intent.pool_limit)
    pool = empty if row is None else _pool_of(row, intent.pool_limit)
    ask = Ask(
        intent.units, intent.trigger, intent.is_full, intent.looked_at, intent.purpose is not None
    )
    refused = refusal(pool, ask, intent.opened_at)
    return pool if refused is None else c.Refused(*refused)


def reserve(tx: Tx, pool: Pool, units: int) -> None:
    """Write the call's units beside the others' that are on their way. Its row is locked."""
    tx.run(
        _put_pool(tx.t),
        {
            "key": pool.key,
            "month": pool.month,
            "limit_units": pool.limit,
            "spent_units": pool.spent,
            "reserved_units": pool.reserved + units,
            "blocked_until_us": us_or_none(pool.blocked_until),
            "blocked_reason": pool.blocked_reason,
        },
    )


def count(tx: Tx, key: str, month: str, *, reserved: int, spent: int) -> None:
    """Give back what calls had `reserved`; `spent` of it is gone."""
    values = {"p_key": key, "p_month": month, "p_reserved": reserved, "p_spent": spent}
    tx.run(_count(tx.t), values)


def read_pool(tx: Tx, key: str, month: str) -> Pool | None:
    """None also where a first call was refused: it left a row for its lock, and nothing in it."""
    row = tx.row(_pool(tx.t, is_locked=False), key=key, month=month)
    if row is None or (not row.limit_units and row.blocked_until_us is None):
        return None
    return _pool_of(row, row.limit_units)


def block_pool(tx: Tx, key: str, month: str, until: datetime | None, reason: str) -> None:
    """None: it is open again."""
    if until is not None:
        tx.run(_new_pool(tx.t), {"key": key, "month": month, **_EMPTY})
    values = {"p_until_us": us_or_none(until), "p_reason": storable(reason)}
    tx.run(_block(tx.t), {"p_key": key, "p_month": month, **values})


def list_throttles(tx: Tx, app: AppId, since: datetime) -> tuple[Throttle, ...]:
    """Oldest first; of more than 1,000 the newest."""
    rows = tx.rows(_throttles(tx.t), app=app, since_us=us(since))
    return tuple(
        Throttle(row.connection, Outcome(row.outcome), at(row.settled_at_us), at(row.opened_at_us))
        for row in reversed(rows)
    )


def read_peaks(tx: Tx, app: AppId, endpoints: Sequence[str], since: datetime) -> Peaks:
    """The database counts, so that a month of calls is never in our memory."""
    if not endpoints:
        return Peaks()
    names = filled(sorted(endpoints))
    values = {"app": app, "month": month_of(since), "since_us": us(since), **names}
    row = tx.row(_peaks(tx.t, len(names)), **values)
    return Peaks(row.company_second or 0, row.company_minute or 0, row.portfolio_minute or 0)


def sum_units(tx: Tx, firm: FirmId, month: str) -> tuple[Burn, ...]:
    """Settled calls that were counted, the most first."""
    burns = (
        Burn(
            row.rail,
            row.app,
            row.business,
            Trigger(row.cause),
            row.endpoint,
            int(row.calls),
            int(row.units),
        )
        for row in tx.rows(_burns(tx.t), firm=firm, month=month)
    )
    return tuple(sorted(burns, key=most_first))


def _pool_of(row: Row[Any], limit: int) -> Pool:
    return Pool(
        row.key,
        row.month,
        limit,
        row.spent_units,
        row.reserved_units,
        at_or_none(row.blocked_until_us),
        row.blocked_reason,
    )


@prepared
def _new_pool(t: Tables) -> Insert:
    return insert_new(t, t.pools)


@prepared
def _put_pool(t: Tables) -> Insert:
    return upsert(t, t.pools)


@prepared
def _pool(t: Tables, *, is_locked: bool) -> Select[Any]:
    p = t.pools.c
    found = select(t.pools).where(p.key == bindparam("key"), p.month == bindparam("month"))
    return found.with_for_update() if is_locked else found


def _move(t: Tables) -> Update:
    p = t.pools.c
    return update(t.pools).where(p.key == bindparam("p_key"), p.month == bindparam("p_month"))


@prepared
def _count(t: Tables) -> Update:
    p = t.pools.c
    return _move(t).values(
        reserved_units=p.reserved_units - bindparam("p_reserved"),
        spent_units=p.spent_units + bindparam("p_spent"),
    )


@prepared
def _block(t: Tables) -> Update:
    return _move(t).values(
        blocked_until_us=bindparam("p_until_us"), blocked_reason=bindparam("p_reason")
    )


@prepared
def _throttles(t: Tables) -> Select[Any]:
    k = t.calls.c
    return (
        select(k.connection, k.outcome, k.settled_at_us, k.opened_at_us)
        .where(
            k.app == bindparam("app"),
            k.pool_key.is_not(None),
            k.settled_at_us >= bindparam("since_us"),
        )
        .order_by(k.settled_at_us.desc(), k.id.desc())
        .limit(literal_column(str(THROTTLES_MAX)))
    )


@prepared
def _peaks(t: Tables, count: int) -> Select[Any]:
    """For each call, how many there were in the span that ends with it; then the most. Spans are half-open."""
    k = t.calls.c
    company = func.coalesce(k.connection, k.id)  # before there is a connection, each is its own

    def fullest(name: str, span: timedelta, who: Any = None) -> Any:
        back = -((span - _MICROSECOND) // _MICROSECOND)
        over = func.count().over(partition_by=who, order_by=k.opened_at_us, range_=(back, 0))
        return over.label(name)

    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    spans = (
        select(
            fullest("company_second", second, company),
            fullest("company_minute", minute, company),
            fullest("portfolio_minute", minute),
        )
        .where(
            k.app == bindparam("app"),
            k.month == bindparam("month"),
            k.endpoint.in_(listed(count)),
            k.opened_at_us >= bindparam("since_us"),
            # Nothing is settled before it was opened: so an index leaves earlier months out.
            k.settled_at_us >= bindparam("since_us"),
        )
        .subquery()
    )
    return select(*(func.max(column).label(column.name) for column in spans.c))


@prepared
def _burns(t: Tables) -> Select[Any]:
    """Through an index that holds metered calls only."""
    k = t.calls.c
    who = (k.rail, k.app, k.business, k.cause, k.endpoint)
    return (
        select(*who, func.count().label("calls"), func.sum(k.units).label("units"))
        .where(
            k.firm == bindparam("firm"),
            k.month == bindparam("month"),
            k.units > literal_column("0"),
            k.settled_at_us.is_not(None),
        )
        .group_by(*who)
    )
