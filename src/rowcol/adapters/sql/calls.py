"""Calls: the first durable write (`open_call`), settling, and the call log.

| call    | event                                    | cost             | budget                     |
|---------|------------------------------------------|------------------|----------------------------|
| (none)  | open_call, every limit admits it         | 0                | reserved + price           |
| open    | settled YES or POSSIBLY                  | price            | reserved - price, + spent  |
| open    | settled NO                               | 0                | reserved - price           |
| open    | abandoned (its process died), priced     | price (POSSIBLY) | reserved - price, + spent  |
| open    | abandoned, free                          | 0                | unchanged                  |
| settled | settled again                            | unchanged        | unchanged                  |
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from rowcol.adapters.sql import calls_statements as statements
from rowcol.adapters.sql.codec import at, call_of, clean, us
from rowcol.adapters.sql.prepared import filled
from rowcol.adapters.sql.tx import Tx, own
from rowcol.core import change as c
from rowcol.core.budget import Budget, month_end, month_of
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.pause import PAID, switch_of_rail
from rowcol.core.quota import reserve


def open_call(tx: Tx, firm: FirmId, intent: c.Intent) -> c.NotBefore | c.Refused | None:
    """Pauses, then budget, then quotas; the rows are locked in that order and nothing is written unless all admit."""
    own(firm, intent.firm)
    paused = _paused(tx, firm, intent)
    if paused is not None:
        return c.Refused(paused)
    month = month_of(intent.opened_at)
    budget = _locked_budget(tx, firm, intent, month)
    if budget is not None:
        reason = budget.refusal(intent.price, is_person=intent.trigger is Trigger.PERSON)
        if reason is not None:
            return c.Refused(reason, month_end(intent.opened_at))
    reserved = _reserved(tx, intent)
    if isinstance(reserved, c.NotBefore):
        return reserved
    if reserved:
        tx.run(statements.put_quota(tx.t), reserved)
    if budget is not None:
        tx.run(
            statements.put_budget(tx.t),
            {
                "firm": firm,
                "key": budget.key,
                "month": month,
                "limit_micros": budget.limit.micros,
                "spent_micros": budget.spent.micros,
                "reserved_micros": budget.reserved.micros + intent.price.micros,
            },
        )
    tx.run(statements.add_call(tx.t), _columns(intent, month))
    return None


def settle(tx: Tx, firm: FirmId, settlement: c.Settlement) -> bool:
    """Settle an open call of the firm. False: there is none, or it was settled before."""
    call = tx.row(
        statements.settle(tx.t),
        p_firm=firm,
        p_id=settlement.call,
        is_spent=int(settlement.billed is not Billed.NO),
        p_billed=settlement.billed.value,
        outcome=settlement.outcome.value,
        detail=clean(settlement.detail),
        status=settlement.status,
        settled_at_us=us(settlement.settled_at),
        remote_request_id=clean(settlement.remote_request_id),
    )
    if call is None:
        return False
    if call.budget_key is not None and call.price_micros:
        tx.run(
            statements.move_budget(tx.t),
            {
                "p_firm": firm,
                "p_key": call.budget_key,
                "p_month": call.month,
                "price_micros": call.price_micros,
                "cost_micros": call.cost_micros,
            },
        )
    return True


def abandon(tx: Tx, opened_before: datetime, now: datetime) -> int:
    """Settle what processes that died left open, over all firms."""
    t = tx.t.calls
    statement = select(t.c.firm, t.c.id, t.c.price_micros).where(
        t.c.settled_at_us.is_(None), t.c.opened_at_us < us(opened_before)
    )
    count = 0
    for row in tx.rows(statement.order_by(t.c.id)):
        billed = Billed.POSSIBLY if row.price_micros else Billed.NO
        why = "the process ended before the answer was stored"
        lost = c.Settlement(row.id, Outcome.NO_ANSWER, why, billed, None, now)
        count += settle(tx, row.firm, lost)
    return count


def list_calls(
    tx: Tx, firm: FirmId, business: BusinessId | None, after: str, limit: int
) -> tuple[c.Call, ...]:
    """Newest first."""
    t = tx.t.calls
    statement = select(t).where(t.c.firm == firm).order_by(t.c.id.desc()).limit(limit)
    if business is not None:
        statement = statement.where(t.c.business == business)
    if after:
        statement = statement.where(t.c.id < after)
    return tuple(call_of(row) for row in tx.rows(statement))


def read_spending(tx: Tx, firm: FirmId, month: str) -> tuple[c.Spending, ...]:
    """By key."""
    t = tx.t.budgets
    statement = select(t).where(t.c.firm == firm, t.c.month == month).order_by(t.c.key)
    return tuple(
        c.Spending(
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


def _paused(tx: Tx, firm: FirmId, intent: c.Intent) -> str | None:
    """Why nothing may be called now. The connection's own pause has no reason beside itself."""
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


def _locked_budget(tx: Tx, firm: FirmId, intent: c.Intent, month: str) -> Budget | None:
    """The month's pool with its row locked; None where none applies. The limit is always the caller's."""
    if intent.budget_key is None or intent.price == FREE:
        return None
    place = {"firm": firm, "key": intent.budget_key, "month": month}
    if tx.t.is_postgres:
        empty = {"limit_micros": 0, "spent_micros": 0, "reserved_micros": 0}
        tx.run(statements.new_budget(tx.t), {**place, **empty})
    row = tx.row(statements.budget(tx.t), **place)
    if row is None:
        return Budget(intent.budget_key, intent.budget_limit)
    spent, reserved = Cost(row.spent_micros), Cost(row.reserved_micros)
    return Budget(intent.budget_key, intent.budget_limit, spent, reserved)


def _reserved(tx: Tx, intent: c.Intent) -> list[dict[str, object]] | c.NotBefore:
    """The next timestamp of every quota, or the moment at which all of them admit the call."""
    keys = sorted({quota.key for quota in intent.quotas})
    if not keys:
        return []
    if tx.t.is_postgres:
        tx.run(statements.new_quota(tx.t), [{"key": key, "tat_us": None} for key in keys])
    places = filled(keys)
    rows = tx.rows(statements.quotas(tx.t, len(places)), **places)
    known = {row.key: row.tat_us for row in rows}
    now_us = us(intent.opened_at)
    latest: tuple[int, str] | None = None
    for quota in intent.quotas:
        tat_us, not_before_us = reserve(quota, known.get(quota.key), now_us)
        if not_before_us is not None:
            latest = max(latest or (0, ""), (not_before_us, quota.key))
        known[quota.key] = tat_us
    if latest is not None:
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
        "reason": clean(intent.reason),
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
    }
