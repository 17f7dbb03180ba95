"""Flows: what moves on the operating account of a synthetic business, as a table for each of four archetypes.

Shares are of annual revenue, + in, - out; what is left over goes to the owner, who also puts money in when it runs
low. Start with `postings_of`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import exp, log
from typing import Final

from rowcol.sandbox.world import Posting
from rowcol.simulation.bankdays import (
    Calendar,
    bank_day_from,
    bank_day_until,
    bank_days,
    days,
)
from rowcol.simulation.chance import Random, normal, poisson

DAYS_A_YEAR: Final = 365.25
WEEKS_A_YEAR: Final = DAYS_A_YEAR / 7
DRAW_ABOVE: Final = 1.6
DRAW_TO: Final = 1.1
INJECT_BELOW: Final = 0.35
INJECT_TO: Final = 0.8
OWNER_LOOKS_EVERY_DAYS: Final = 17


class Rhythm(StrEnum):
    """When a flow happens."""

    SOMETIMES = "sometimes"
    """`times` a week, on any bank days."""
    DAILY = "daily"
    """`times` on each bank day."""
    PAYROLL = "payroll"
    """Every other Friday or twice a month, by the business; on the bank day before a closed one."""
    MONTHLY = "monthly"
    """`times` a month, each on a day of its own."""
    QUARTERLY = "quarterly"
    """Estimated tax on the 15th of January, April, June and September."""
    PAYMENT_RUN = "payment run"
    """`times` bills, the bank day after each run."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One row. `spread`: sigma of its lognormal amounts; `parts`: how its postings fall on the posting windows."""

    name: str
    rhythm: Rhythm
    times: float
    share: float
    spread: float
    parts: tuple[float, float, float]


_NIGHT: Final = (0.9, 0.07, 0.03)
_DAY: Final = (0.3, 0.4, 0.3)
_LATE: Final = (0.15, 0.35, 0.5)
_COMMON: Final = (
    Flow("Rent", Rhythm.MONTHLY, 1, -0.05, 0.0, _NIGHT),
    Flow("Fixed monthly", Rhythm.MONTHLY, 10, -0.06, 0.5, _NIGHT),
    Flow("Estimated tax", Rhythm.QUARTERLY, 1, -0.03, 0.1, _NIGHT),
    Flow("Payroll tax", Rhythm.PAYROLL, 1, -0.07, 0.05, _DAY),
)
ARCHETYPES: Final[Mapping[str, tuple[Flow, ...]]] = {
    "services": (
        *_COMMON,
        Flow("Invoice paid", Rhythm.SOMETIMES, 8, 1.0, 1.1, _DAY),
        Flow("Payroll", Rhythm.PAYROLL, 1, -0.42, 0.05, _NIGHT),
        Flow("Bill", Rhythm.PAYMENT_RUN, 3, -0.16, 0.9, _NIGHT),
        Flow("Check", Rhythm.SOMETIMES, 4, -0.06, 0.8, _LATE),
        Flow("Card purchase", Rhythm.SOMETIMES, 13.3, -0.05, 1.0, _LATE),
    ),
    "retail": (
        *_COMMON,
        Flow("Card settlement", Rhythm.DAILY, 2, 0.9, 0.35, _NIGHT),
        Flow("Cash deposit", Rhythm.SOMETIMES, 1, 0.1, 0.5, _LATE),
        Flow("Payroll", Rhythm.PAYROLL, 1, -0.2, 0.06, _NIGHT),
        Flow("Bill", Rhythm.PAYMENT_RUN, 3, -0.36, 0.8, _NIGHT),
        Flow("Check", Rhythm.SOMETIMES, 5, -0.1, 0.8, _LATE),
        Flow("Card purchase", Rhythm.SOMETIMES, 9.7, -0.05, 1.0, _LATE),
    ),
    "e-commerce": (
        *_COMMON,
        Flow("Stripe payout", Rhythm.DAILY, 1, 0.8, 0.4, _NIGHT),
        Flow("Marketplace payout", Rhythm.SOMETIMES, 3, 0.2, 0.6, _DAY),
        Flow("Payroll", Rhythm.PAYROLL, 1, -0.14, 0.05, _NIGHT),
        Flow("Bill", Rhythm.PAYMENT_RUN, 3, -0.36, 0.9, _NIGHT),
        Flow("Check", Rhythm.SOMETIMES, 2, -0.04, 0.8, _LATE),
        Flow("Card purchase", Rhythm.SOMETIMES, 15.4, -0.17, 0.9, _LATE),
    ),
    "trades": (
        *_COMMON,
        Flow("Progress payment", Rhythm.SOMETIMES, 2, 0.7, 0.9, _DAY),
        Flow("Customer check", Rhythm.SOMETIMES, 4, 0.3, 0.8, _LATE),
        Flow("Payroll", Rhythm.PAYROLL, 1, -0.3, 0.08, _NIGHT),
        Flow("Bill", Rhythm.PAYMENT_RUN, 3, -0.24, 1.0, _NIGHT),
        Flow("Check", Rhythm.SOMETIMES, 8, -0.08, 0.9, _LATE),
        Flow("Card purchase", Rhythm.SOMETIMES, 11.3, -0.09, 1.0, _LATE),
    ),
}


@dataclass(frozen=True, slots=True)
class Trade:
    """What one business is like. Revenue and opening balance in minor units."""

    archetype: str
    revenue_minor: int
    buffer_days: float
    is_semi_monthly: bool
    payment_weekdays: tuple[int, ...]
    extra_payment_share: float

    @property
    def daily_outflow_minor(self) -> float:
        """Mean outflow a day, owner not counted."""
        out = sum(flow.share for flow in ARCHETYPES[self.archetype] if flow.share < 0)
        return -out * self.revenue_minor / DAYS_A_YEAR

    @property
    def buffer_minor(self) -> int:
        """What it likes to keep."""
        return int(self.buffer_days * self.daily_outflow_minor)


def postings_of(
    trade: Trade, calendar: Calendar, first: date, end: date, dice: Random
) -> tuple[Posting, ...]:
    """Everything that posts in [`first`, `end`), on bank days, oldest first."""
    dated = [
        (day, _seconds(calendar, flow, dice), amount, flow.name)
        for flow in ARCHETYPES[trade.archetype]
        for day, amount in _amounts(flow, trade, first, end, dice)
        if first <= day < end
    ]
    dated = sorted([*dated, *_owner(trade, calendar, sorted(dated), (first, end), dice)])
    return tuple(
        Posting(f"p{n}", calendar.moment(day, second), amount, name)
        for n, (day, second, amount, name) in enumerate(dated)
    )


_Dated = tuple[date, int, int, str]


def _owner(
    trade: Trade,
    calendar: Calendar,
    dated: Sequence[_Dated],
    span: tuple[date, date],
    dice: Random,
) -> Iterator[_Dated]:
    """Draws and injections that keep the buffer where this owner likes it; nobody outside knows of them."""
    balance, target, at = trade.buffer_minor, trade.buffer_minor, 0
    day, end = span
    while True:
        day += timedelta(days=1 + int(dice.expovariate(1 / OWNER_LOOKS_EVERY_DAYS)))
        looks_on = bank_day_from(day)
        if looks_on >= end:
            return
        while at < len(dated) and dated[at][0] < looks_on:
            balance += dated[at][2]
            at += 1
        amount, name = 0, ""
        if balance > DRAW_ABOVE * target:
            amount, name = int(DRAW_TO * target) - balance, "Owner draw"
        elif balance < INJECT_BELOW * target:
            amount, name = int(INJECT_TO * target) - balance, "Owner injection"
        if amount:
            balance += amount
            yield looks_on, calendar.within(calendar.windows[1], dice.random()), amount, name


def _amounts(
    flow: Flow, trade: Trade, first: date, end: date, dice: Random
) -> Iterator[tuple[date, int]]:
    on = list(_days_of(flow, trade, first, end, dice))
    if not on:
        return
    expected = flow.share * trade.revenue_minor / _times_a_year(flow, trade)
    for day in on:
        factor = exp(flow.spread * normal(dice) - flow.spread**2 / 2)
        yield day, int(expected * factor) or (1 if flow.share > 0 else -1)


def _times_a_year(flow: Flow, trade: Trade) -> float:
    match flow.rhythm:
        case Rhythm.SOMETIMES:
            return flow.times * WEEKS_A_YEAR
        case Rhythm.DAILY:
            return flow.times * 250
        case Rhythm.PAYROLL:
            return flow.times * (24 if trade.is_semi_monthly else 26)
        case Rhythm.MONTHLY:
            return flow.times * 12
        case Rhythm.QUARTERLY:
            return flow.times * 4
        case Rhythm.PAYMENT_RUN:
            bills = flow.times + trade.extra_payment_share
            return bills * len(trade.payment_weekdays) * WEEKS_A_YEAR


def _days_of(flow: Flow, trade: Trade, first: date, end: date, dice: Random) -> Iterator[date]:
    match flow.rhythm:
        case Rhythm.SOMETIMES:
            open_days = bank_days(first, end)
            mean = flow.times * (end - first).days / 7 / len(open_days) if open_days else 0.0
            return (day for day in open_days for _ in range(poisson(dice, mean)))
        case Rhythm.DAILY:
            return (day for day in bank_days(first, end) for _ in range(int(flow.times)))
        case Rhythm.PAYROLL:
            return _paydays(trade, first, end)
        case Rhythm.MONTHLY:
            return _monthly(int(flow.times), first, end, dice)
        case Rhythm.QUARTERLY:
            tax_days = (d for d in days(first, end) if d.day == 15 and d.month in {1, 4, 6, 9})
            return map(bank_day_from, tax_days)
        case Rhythm.PAYMENT_RUN:
            return _after_runs(flow, trade, first, end, dice)


def _monthly(times: int, first: date, end: date, dice: Random) -> Iterator[date]:
    own_days = [1 if times == 1 else dice.randint(1, 28) for _ in range(times)]
    for day in days(first, end):
        yield from [bank_day_from(day)] * own_days.count(day.day)


def _after_runs(flow: Flow, trade: Trade, first: date, end: date, dice: Random) -> Iterator[date]:
    for day in days(first, end):
        if day.weekday() in trade.payment_weekdays:
            n_extra = dice.random() < trade.extra_payment_share
            posts_on = bank_day_from(bank_day_from(day) + timedelta(days=1))
            yield from [posts_on] * (int(flow.times) + n_extra)


def _paydays(trade: Trade, first: date, end: date) -> Iterator[date]:
    parity = trade.revenue_minor % 2
    for day in days(first, end):
        if trade.is_semi_monthly:
            is_payday = day.day == 15 or (day + timedelta(days=1)).day == 1
        else:
            is_payday = day.weekday() == 4 and day.toordinal() // 7 % 2 == parity
        if is_payday:
            yield bank_day_until(day)


def _seconds(calendar: Calendar, flow: Flow, dice: Random) -> int:
    (window,) = dice.choices(calendar.windows, flow.parts)
    return calendar.within(window, dice.random())


def lognormal_between(dice: Random, median: float, p05: float, p95: float) -> float:
    """A lognormal in two halves that has these quantiles."""
    z = normal(dice)
    sigma = (log(p95 / median) if z > 0 else log(median / p05)) / 1.6449
    return median * exp(sigma * z)
