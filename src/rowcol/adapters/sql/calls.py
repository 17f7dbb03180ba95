"""Calls: the first durable write (`open_call`), settling, and the call log.

| call    | event                                          | cost             | units     | budget (price), pool (units)  |
|---------|------------------------------------------------|------------------|-----------|-------------------------------|
| (none)  | open_call, its lease had passed to another     | -                | -         | unchanged, nothing is written |
| (none)  | open_call, every limit admits it               | 0                | reserved  | reserved +                    |
| open    | settled YES or POSSIBLY                        | price            | counted   | reserved -, spent +           |
| open    | settled NO                                     | 0                | 0         | reserved -                    |
| open    | abandoned (its process died), priced or metered| price (POSSIBLY) | counted   | reserved -, spent +           |
| open    | abandoned, free and not metered                | 0                | 0         | unchanged                     |
| open    | `abandon`, while its login is leased           | unchanged        | unchanged | unchanged: the holder ends it |
| settled | settled again                                  | unchanged        | unchanged | unchanged                     |

Rows are locked in one order everywhere: calls, budgets, pools, quotas; of each kind by key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from rowcol.adapters.sql import calls_statements as statements
from rowcol.adapters.sql import pools
from rowcol.adapters.sql.codec import at, call_of, dumps, state_of, storable, us
from rowcol.adapters.sql.prepared import filled
from rowcol.adapters.sql.tx import Tx, own
from rowcol.core import change as c
from rowcol.core.budget import Budget, month_end, month_of
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Billed
from rowcol.core.pause import PAID, switch_of_rail
from rowcol.core.pool import pool_key
from rowcol.core.quota import reserve
from rowcol.core.records import Call, Spending


def open_call(tx: Tx, firm: FirmId, intent: c.Intent) -> c.NotBefore | c.Refused | None:
    """Fence and pauses, then budget, pool and quotas; the rows are locked in that order and nothing is written unless all admit."""
    own(firm, intent.firm)
    paused = _paused(tx, firm, intent)
    if paused is not None:
        return c.Refused(paused)
    month = month_of(intent.opened_at)
    budget = _budget_asked(tx, firm, intent, month)
    if isinstance(budget, c.Refused):
        return budget
    pool = pools.asked(tx, intent, month)
    if isinstance(pool, c.Refused):
        return pool
    quotas = _quotas_asked(tx, intent)
    if isinstance(quotas, c.NotBefore):
        return quotas
    if quotas:
        tx.run(statements.put_quota(tx.t), quotas)
    if pool is not None:
        pools.reserve(tx, pool, intent.units)
    if budget is not None:
        _reserve_money(tx, firm, budget, intent.price, month)
    tx.run(statements.add_call(tx.t), _columns(intent, month))
    return None


def settle(tx: Tx, firm: FirmId, settlement: c.Settlement) -> bool:
    """Settle an open call of the firm. False: there is none, or it was settled before."""
    return settle_all(tx, [(firm, settlement)]) == 1


def settle_all(tx: Tx, ended: Iterable[tuple[FirmId, c.Settlement]]) -> int:
    """Settle open calls; how many there were. Budgets and pools move after all of them, in the order of their keys."""
    count = 0
    budgets: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    counted: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for firm, settlement in sorted(ended, key=lambda each: each[1].call):
        call = _settled(tx, firm, settlement)
        if call is None:
            continue
        count += 1
        if call.budget_key is not None and call.price_micros:
            moved = budgets[call.firm, call.budget_key, call.month]
            moved[0] += call.price_micros
            moved[1] += call.cost_micros
        if call.pool_key is not None:
            moved = counted[call.pool_key, call.month]
            moved[0] += call.units
            moved[1] += 0 if settlement.billed is Billed.NO else call.units
    for (its_firm, key, month), (price_micros, cost_micros) in sorted(budgets.items()):
        place = {"p_firm": its_firm, "p_key": key, "p_month": month}
        moves = {"price_micros": price_micros, "cost_micros": cost_micros}
        tx.run(statements.move_budget(tx.t), {**place, **moves})
    for (key, month), (reserved, spent) in sorted(counted.items()):
        pools.count(tx, key, month, reserved=reserved, spent=spent)
    return count


def _settled(tx: Tx, firm: FirmId, settlement: c.Settlement) -> Any:
    """The call with the units it had reserved, or None."""
    call = tx.row(
        statements.settle(tx.t),
        p_firm=firm,
        p_id=settlement.call,
        is_spent=int(settlement.billed is not Billed.NO),
        p_billed=settlement.billed.value,
        outcome=settlement.outcome.value,
        detail=storable(settlement.detail),
        status=settlement.status,
        settled_at_us=us(settlement.settled_at),
        remote_request_id=storable(settlement.remote_request_id),
    )
    if call is not None and call.units and settlement.billed is Billed.NO:
        tx.run(statements.uncount(tx.t), {"p_firm": firm, "p_id": call.id})
    return call


def abandon(tx: Tx, opened_before: datetime, now: datetime) -> int:
    """Settle what processes that died left open, over all firms. What may have been billed counts as tried."""
    t = tx.t.calls
    is_old = t.c.opened_at_us < us(opened_before)
    statement = select(t).where(t.c.settled_at_us.is_(None), is_old).order_by(t.c.connection)
    left: defaultdict[tuple[str, str | None], list[c.OpenCall]] = defaultdict(list)
    for row in tx.rows(statement):
        left[row.firm, row.connection].append(open_call_of(row))
    lost = []
    for (firm, connection), its in left.items():
        if connection is None or _tried(tx, firm, connection, its, now):
            lost += [(FirmId(firm), call.abandoned(now)) for call in its]
    return settle_all(tx, lost)


def _tried(tx: Tx, firm: str, connection: str, lost: Sequence[c.OpenCall], now: datetime) -> bool:
    """Keep in the login's state that they were made. False: somebody holds the login, and ends them."""
    row = tx.row(statements.held_state(tx.t), firm=firm, connection=connection)
    if row is None:
        return True
    if row.lease_until_us > tx.lease_now_us(now):
        return False
    state = state_of(row.state)
    moved = c.after_loss(state, lost)
    if moved != state:
        values = {"p_firm": firm, "p_id": connection, "p_state": dumps(moved)}
        tx.run(statements.put_state(tx.t), values)
    return True


def open_call_of(row: Any) -> c.OpenCall:
    """From a row of calls that nobody ended."""
    return c.OpenCall(
        row.id,
        is_counted=bool(row.price_micros or row.units),
        opened_at=at(row.opened_at_us),
        price=Cost(row.price_micros),
        purpose=None if row.purpose is None else Purpose(row.purpose),
    )


def list_calls(
    tx: Tx, firm: FirmId, business: BusinessId | None, after: str, limit: int
) -> tuple[Call, ...]:
    """Newest first."""
    t = tx.t.calls
    statement = select(t).where(t.c.firm == firm).order_by(t.c.id.desc()).limit(limit)
    if business is not None:
        statement = statement.where(t.c.business == business)
    if after:
        statement = statement.where(t.c.id < after)
    return tuple(call_of(row) for row in tx.rows(statement))


def read_spending(tx: Tx, firm: FirmId, month: str) -> tuple[Spending, ...]:
    """By key."""
    t = tx.t.budgets
    statement = select(t).where(t.c.firm == firm, t.c.month == month).order_by(t.c.key)
    return tuple(
        Spending(
            month,
            Budget(
                row.key, Cost(row.limit_micros), Cost(row.spent_micros), Cost(row.reserved_micros)
            ),
        )
        for row in tx.rows(statement)
    )


def sum_costs(tx: Tx, firm: FirmId, month: str) -> dict[BusinessId, Cost]:
    """By business, those that cost something."""
    rows = tx.rows(statements.sum_costs(tx.t), firm=firm, month=month)
    return {row.business: Cost(int(row.cost_micros)) for row in rows}


def _holds(tx: Tx, lease: c.Lease) -> bool:
    """Whether nobody took it over. One that only ran out still holds: nobody else works there."""
    row = tx.row(statements.fence(tx.t), kind=lease.kind, subject=lease.subject)
    return row is not None and row.fence == lease.fence


def _paused(tx: Tx, firm: FirmId, intent: c.Intent) -> str | None:
    """Why nothing may be called now. The connection's own pause has no reason beside itself."""
    if intent.lease is not None and not _holds(tx, intent.lease):
        return c.TAKEN_OVER
    of_rail = switch_of_rail(intent.rail)
    of_paid = of_rail if intent.price == FREE else PAID
    row = tx.row(
        statements.pauses(tx.t), of_rail=of_rail, of_paid=of_paid, firm=firm, id=intent.connection
    )
    if row.reason is not None:
        return str(row.reason)
    if intent.connection is None:
        return None
    if row.is_paused is None:
        return "this login is not connected any more"
    return "this connection is paused" if row.is_paused else None


def _budget_asked(tx: Tx, firm: FirmId, intent: c.Intent, month: str) -> Budget | c.Refused | None:
    """The month's budget with its row locked, if it admits the call; None where none applies. The limit is always the caller's."""
    if intent.budget_key is None or intent.price == FREE:
        return None
    place = {"firm": firm, "key": intent.budget_key, "month": month}
    if tx.t.is_postgres:
        empty = {"limit_micros": 0, "spent_micros": 0, "reserved_micros": 0}
        tx.run(statements.new_budget(tx.t), {**place, **empty})
    row = tx.row(statements.budget(tx.t), **place)
    spent, reserved = (0, 0) if row is None else (row.spent_micros, row.reserved_micros)
    budget = Budget(intent.budget_key, intent.budget_limit, Cost(spent), Cost(reserved))
    reason = budget.refusal(intent.price, is_person=intent.trigger is Trigger.PERSON)
    return budget if reason is None else c.Refused(reason, month_end(intent.opened_at))


def _reserve_money(tx: Tx, firm: FirmId, budget: Budget, price: Cost, month: str) -> None:
    tx.run(
        statements.put_budget(tx.t),
        {
            "firm": firm,
            "key": budget.key,
            "month": month,
            "limit_micros": budget.limit.micros,
            "spent_micros": budget.spent.micros,
            "reserved_micros": budget.reserved.micros + price.micros,
        },
    )


def _quotas_asked(tx: Tx, intent: c.Intent) -> list[dict[str, object]] | c.NotBefore:
    """The next timestamp of every quota, or the moment at which all of them admit the call."""
    keys = sorted({quota.key for quota in intent.quotas})
    if not keys:
        return []
    if tx.t.is_postgres:
        tx.run(statements.new_quota(tx.t), [{"key": key, "tat_us": None} for key in keys])
    places = filled(keys)
    rows = tx.rows(statements.quotas(tx.t, len(places)), **places)
    stored = {row.key: row.tat_us for row in rows}
    known = dict(stored)
    now_us = us(intent.opened_at)
    latest: tuple[int, str] | None = None
    for quota in intent.quotas:
        tat_us, not_before_us = reserve(quota, known.get(quota.key), now_us)
        if not_before_us is not None:
            latest = max(latest or (0, ""), (not_before_us, quota.key))
        known[quota.key] = tat_us
    if latest is not None:
        # Stamped by a clock that ran ahead: unless the bound is kept, it would move on with each try.
        bound = [{"key": k, "tat_us": known[k]} for k in stored if known[k] < (stored[k] or 0)]
        if bound:
            tx.run(statements.put_quota(tx.t), bound)
        reason = f"the limit {latest[1]} is used up for the moment"
        return c.NotBefore(at(latest[0]), reason)
    return [{"key": key, "tat_us": known[key]} for key in keys]


def _columns(intent: c.Intent, month: str) -> dict[str, object]:
    return {
        "id": intent.id,
        "firm": intent.firm,
        "business": intent.business,
        "connection": intent.connection,
        "rail": intent.rail,
        "app": intent.app,
        "environment": intent.environment,
        "endpoint": intent.endpoint,
        "cause": intent.trigger,
        "purpose": intent.purpose,
        "reason": storable(intent.reason),
        "price_micros": intent.price.micros,
        "cost_micros": 0,
        "budget_key": intent.budget_key,
        "month": month,
        "billed": None,
        "outcome": None,
        "detail": "",
        "status": None,
        "opened_at_us": us(intent.opened_at),
        "settled_at_us": None,
        "remote_request_id": "",
        "units": intent.units,
        "pool_key": pool_key(intent.rail, intent.app) if intent.units else None,
    }
