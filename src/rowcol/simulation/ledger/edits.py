"""Edits: when people change the books of which company, and what they do. Pure, from a seed.

They sit down for a while, so changes come in bursts on working days; companies differ in how much they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import exp
from typing import Final

from rowcol.simulation.bankdays import Calendar, is_bank_day
from rowcol.simulation.chance import Random, normal, poisson, stream

OPENS_S: Final = 8 * 3600
CLOSES_S: Final = 18 * 3600
BURST: Final = 3
"""Changes that a person makes at one sitting, on average."""
SITTING_S: Final = 600
WEEKEND_SHARE: Final = 0.05
TAIL: Final = 0.5
"""Sigma of how much more one company works than another."""
DEEDS: Final = {
    "enter bill": 18,
    "pay bill": 16,
    "send invoice": 14,
    "receive payment": 13,
    "card purchase": 12,
    "deposit": 7,
    "edit bill": 6,
    "edit invoice": 4,
    "transfer": 2,
    "delete bill": 1,
    "void invoice": 1,
    "edit vendor": 3,
    "edit customer": 2,
    "deactivate vendor": 1,
}
"""What is done, by weight."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change by a person."""

    at: datetime
    company: int
    deed: str


def edits_of(
    per_company_day: float, calendar: Calendar, first: date, until: date, companies: int, seed: int
) -> tuple[Edit, ...]:
    """All changes from `first` until before `until`, in order; `per_company_day` over all calendar days."""
    weights = [exp(TAIL * normal(stream(seed, "books", n))) for n in range(companies)]
    mean = sum(weights) / companies
    days = [first + timedelta(days=n) for n in range((until - first).days)]
    shares = [1.0 if is_bank_day(day) else WEEKEND_SHARE for day in days]
    scale = per_company_day * len(days) / sum(shares)
    found: list[Edit] = []
    for n, weight in enumerate(weights):
        dice = stream(seed, "edits", n)
        for day, share in zip(days, shares, strict=True):
            found += _day(n, day, scale * share * weight / mean, calendar, dice)
    return tuple(sorted(found, key=lambda edit: (edit.at, edit.company)))


def _day(company: int, day: date, mean: float, calendar: Calendar, dice: Random) -> list[Edit]:
    left, found = poisson(dice, mean), []
    names, weights = list(DEEDS), list(DEEDS.values())
    while left > 0:
        burst = min(left, 1 + poisson(dice, BURST - 1))
        left -= burst
        begins_s = OPENS_S + dice.random() * (CLOSES_S - OPENS_S - SITTING_S)
        for _ in range(burst):
            at = calendar.moment(day, int(begins_s + dice.random() * SITTING_S))
            found.append(Edit(at, company, dice.choices(names, weights)[0]))
    return found
