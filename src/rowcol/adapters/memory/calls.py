"""Calls in memory: `open_call`, settling, the call log. The table of states is in `adapters/sql/calls`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from rowcol.adapters.memory import pools
from rowcol.adapters.memory.state import State, own
from rowcol.core import change as c
from rowcol.core.budget import Budget, month_end, month_of
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Trigger
from rowcol.core.outcome import Billed
from rowcol.core.pause import PAID, switch_of_rail
from rowcol.core.quota import reserve
from rowcol.core.records import Call, Spending

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
T = TypeVar("T", Call, c.DecisionRecord)


def open_call(s: State, firm: FirmId, intent: c.Intent) -> c.NotBefore | c.Refused | None:
    """Fence and pauses, then budget, pool and quotas; nothing is written unless all admit."""
    own(firm, intent.firm)
    paused = _paused(s, firm, intent)
    if paused is not None:
        return c.Refused(paused)
    month = month_of(intent.opened_at)
    budget = _budget_asked(s, firm, intent, month)
    if isinstance(budget, c.Refused):
        return budget
    pool = pools.asked(s, intent, month)
    if isinstance(pool, c.Refused):
        return pool
    tats = _reserved(s, intent)
    if isinstance(tats, c.NotBefore):
        return tats
    s.quotas.update(tats)
    if budget is not None:
        reserved = budget.reserved.micros + intent.price.micros
        moved = (budget.limit.micros, budget.spent.micros, reserved)
        s.spending[firm, budget.key, month] = moved
    if pool is not None:
        pools.reserve(s, intent, pool)
    s.calls[intent.id] = _call(intent)
    s.budget_keys[intent.id] = (intent.budget_key, month)
    if intent.connection is not None:
        s.logins[intent.connection].open_calls[intent.id] = None
    return None


def settle(s: State, firm: FirmId, settlement: c.Settlement) -> bool:
    """Settle an open call of the firm. False: there is none, or it was settled before."""
    call = s.calls.get(settlement.call)
    if call is None or call.firm != firm or call.settled_at is not None:
        return False
    cost = call.price if settlement.billed is not Billed.NO else FREE
    s.calls[call.id] = replace(
        call,
        cost=cost,
        billed=settlement.billed if open_call_of(call).is_counted else Billed.NO,
        outcome=settlement.outcome,
        detail=settlement.detail,
        status=settlement.status,
        settled_at=settlement.settled_at,
        remote_request_id=settlement.remote_request_id,
        units=0 if settlement.billed is Billed.NO else call.units,
    )
    pools.count(s, call, settlement.billed)
    key, month = s.budget_keys.pop(call.id)
    if key is not None and call.price != FREE:
        limit, spent, reserved = s.spending[firm, key, month]
        s.spending[firm, key, month] = (limit, spent + cost.micros, reserved - call.price.micros)
    if call.connection is not None:
        s.logins[call.connection].open_calls.pop(call.id, None)
    return True


def abandon(s: State, opened_before: datetime, now: datetime) -> int:
    """Settle what processes that died left open, over all firms. What may have been billed counts as tried."""
    old = [s.calls[name] for name in s.budget_keys if s.calls[name].opened_at < opened_before]
    lost = [call for call in old if not _is_held(s, call, now)]
    for call in lost:
        login = None if call.connection is None else s.logins.get(call.connection)
        if login is not None:
            state = c.after_loss(login.connection.state, [open_call_of(call)])
            login.connection = replace(login.connection, state=state)
        settle(s, call.firm, open_call_of(call).abandoned(now))
    return len(lost)


def open_call_of(call: Call) -> c.OpenCall:
    """What a line of the log is while nobody ended it."""
    is_counted = call.price != FREE or call.units > 0
    return c.OpenCall(
        call.id,
        is_counted=is_counted,
        opened_at=call.opened_at,
        price=call.price,
        purpose=call.purpose,
    )


def _is_held(s: State, call: Call, now: datetime) -> bool:
    """Whether somebody holds its login, and ends it."""
    login = None if call.connection is None else s.logins.get(call.connection)
    return login is not None and login.is_leased and login.lease_until > now


def page(
    records: Iterable[T], firm: FirmId, business: BusinessId | None, after: str, limit: int
) -> tuple[T, ...]:
    """A firm's records, newest first."""
    mine = [
        each
        for each in records
        if each.firm == firm
        and (business is None or each.business == business)
        and (not after or each.id < after)
    ]
    mine.sort(key=lambda each: each.id, reverse=True)
    return tuple(mine[:limit])


def read_spending(s: State, firm: FirmId, month: str) -> tuple[Spending, ...]:
    """By key."""
    return tuple(
        Spending(month, Budget(key, Cost(limit), Cost(spent), Cost(reserved)))
        for (its_firm, key, its_month), (limit, spent, reserved) in sorted(s.spending.items())
        if its_firm == firm and its_month == month
    )


def sum_costs(s: State, firm: FirmId, month: str) -> dict[BusinessId, Cost]:
    """By business, those that cost something."""
    sums: Counter[BusinessId] = Counter()
    for call in s.calls.values():
        is_mine = call.firm == firm and month_of(call.opened_at) == month
        if call.business is not None and call.cost != FREE and is_mine:
            sums[call.business] += call.cost.micros
    return {business: Cost(micros) for business, micros in sums.items()}


def _budget_asked(
    s: State, firm: FirmId, intent: c.Intent, month: str
) -> Budget | c.Refused | None:
    if intent.budget_key is None or intent.price == FREE:
        return None
    _, spent, reserved = s.spending.get((firm, intent.budget_key, month), (0, 0, 0))
    budget = Budget(intent.budget_key, intent.budget_limit, Cost(spent), Cost(reserved))
    reason = budget.refusal(intent.price, is_person=intent.trigger is Trigger.PERSON)
    return budget if reason is None else c.Refused(reason, month_end(intent.opened_at))


def _paused(s: State, firm: FirmId, intent: c.Intent) -> str | None:
    if intent.lease is not None and not s.logins[intent.lease.subject].holds(intent.lease):
        return c.TAKEN_OVER
    for name in (switch_of_rail(intent.rail), *((PAID,) if intent.price != FREE else ())):
        if name in s.switches:
            return s.switches[name]
    if intent.connection is None:
        return None
    login = s.login(firm, intent.connection)
    if login is None:
        return "this login is not connected any more"
    return "this connection is paused" if login.connection.is_paused else None


def _reserved(s: State, intent: c.Intent) -> dict[str, int] | c.NotBefore:
    now_us = (intent.opened_at - _EPOCH) // _MICROSECOND
    tats: dict[str, int] = {}
    latest: tuple[int, str] | None = None
    for quota in intent.quotas:
        tat_us = tats.get(quota.key, s.quotas.get(quota.key))
        tats[quota.key], not_before_us = reserve(quota, tat_us, now_us)
        if not_before_us is not None:
            latest = max(latest or (0, ""), (not_before_us, quota.key))
    if latest is None:
        return tats
    for key, tat_us in tats.items():  # stamped by a clock that ran ahead: the bound is kept
        if tat_us < s.quotas.get(key, 0):
            s.quotas[key] = tat_us
    until = _EPOCH + timedelta(microseconds=latest[0])
    return c.NotBefore(until, f"the limit {latest[1]} is used up for the moment")


def _call(intent: c.Intent) -> Call:
    return Call(
        id=intent.id,
        firm=intent.firm,
        business=intent.business,
        connection=intent.connection,
        rail=intent.rail,
        app=intent.app,
        environment=intent.environment,
        endpoint=intent.endpoint,
        trigger=intent.trigger,
        purpose=intent.purpose,
        reason=intent.reason,
        price=intent.price,
        cost=FREE,
        billed=None,
        outcome=None,
        detail="",
        status=None,
        opened_at=intent.opened_at,
        settled_at=None,
        remote_request_id="",
        units=intent.units,
    )
