"""Reads: who asks when, for which decision. The mix of `workload.toml`, heavy-tailed over businesses, in business hours.

Rituals come weekly at the business's slot, guardrail checks on the days when bills are released, verification on any bank
day, displays cluster around other work, a forced look-up is rare. Start with `reads_of`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import exp
from typing import Final

from rowcol.core.need import Purpose
from rowcol.simulation.bankdays import Calendar, bank_day_from, bank_day_until, is_bank_day
from rowcol.simulation.chance import Random, normal, poisson, stream

OPENS_S: Final = 8 * 3600 + 1800
CLOSES_S: Final = 17 * 3600
RELEASES_UNTIL_S: Final = 15 * 3600 + 1800
RITUAL_SPREAD_S: Final = 1800
RITUAL_HOURS: Final = (9, 9, 9, 10, 11, 14)
RITUAL_WEEKDAYS: Final = (4, 4, 4, 0, 1, 2, 3)
PATIENCE: Final = timedelta(hours=3)
TAIL: Final = 0.8
"""Sigma of how much more one business is read than another."""
CLUSTERED: Final = 0.55
"""Share of displays within the hour after another read of that business."""


@dataclass(frozen=True, slots=True)
class Read:
    """One question. `deadline`: the last moment at which its answer is of use, None: the purpose's own patience."""

    at: datetime
    client: int
    purpose: Purpose
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mix:
    """Reads a business and week, on average."""

    ritual: float
    guardrail: float
    verify: float
    display: float
    forced: float


def reads_of(
    mix: Mix,
    calendar: Calendar,
    payment_weekdays: Sequence[tuple[int, ...]],
    first: date,
    weeks: int,
    *,
    seed: int,
) -> tuple[Read, ...]:
    """All reads of `weeks` weeks from `first`, in order; one entry of `payment_weekdays` for each business."""
    weights = [exp(TAIL * normal(stream(seed, "weight", n))) for n in range(len(payment_weekdays))]
    mean = sum(weights) / len(weights) if weights else 1.0
    found: list[Read] = []
    for n, weekdays in enumerate(payment_weekdays):
        dice = stream(seed, "reads", n)
        habits = _Habits(calendar, mix, n, weights[n] / mean, weekdays, dice)
        slot = dice.choice(RITUAL_WEEKDAYS), dice.choice(RITUAL_HOURS) * 3600
        for week in range(weeks):
            found += habits.week(first + timedelta(weeks=week), slot)
    return tuple(sorted(found, key=lambda read: (read.at, read.client, read.purpose)))


@dataclass(frozen=True, slots=True)
class _Habits:
    """How one business is read."""

    calendar: Calendar
    mix: Mix
    client: int
    weight: float
    payment_weekdays: tuple[int, ...]
    dice: Random

    def week(self, monday: date, slot: tuple[int, int]) -> list[Read]:
        """The reads of the seven days from `monday`."""
        open_days = [d for d in (monday + timedelta(days=n) for n in range(7)) if is_bank_day(d)]
        if not open_days:
            return []
        reads = [*self._ritual(monday, slot), *self._guardrails(open_days)]
        for purpose, mean in ((Purpose.VERIFY, self.mix.verify), (Purpose.FORCED, self.mix.forced)):
            reads += [
                self._at(self.dice.choice(open_days), self._office_s(), purpose)
                for _ in range(poisson(self.dice, mean * self.weight))
            ]
        return [*reads, *self._displays(open_days, reads)]

    def _ritual(self, monday: date, slot: tuple[int, int]) -> Iterator[Read]:
        weekday, slot_s = slot
        if self.dice.random() < self.mix.ritual:
            offset = (weekday - monday.weekday()) % 7
            day = bank_day_until(monday + timedelta(days=offset))
            day = bank_day_from(monday) if day < monday else day
            before_s = int(self.dice.random() * RITUAL_SPREAD_S)
            yield self._decision(day, slot_s - before_s, Purpose.RITUAL)

    def _guardrails(self, open_days: Sequence[date]) -> Iterator[Read]:
        run_days = [day for day in open_days if day.weekday() in self.payment_weekdays]
        if not run_days:
            return
        for _ in range(poisson(self.dice, self.mix.guardrail * self.weight)):
            at_s = OPENS_S + int(self.dice.random() * (RELEASES_UNTIL_S - OPENS_S))
            yield self._decision(self.dice.choice(run_days), at_s, Purpose.GUARDRAIL)

    def _displays(self, open_days: Sequence[date], others: Sequence[Read]) -> Iterator[Read]:
        for _ in range(poisson(self.dice, self.mix.display * self.weight)):
            if others and self.dice.random() < CLUSTERED:
                near = self.dice.choice(others).at
                after = timedelta(seconds=int(self.dice.random() * 3600))
                yield Read(near + after, self.client, Purpose.DISPLAY)
            else:
                yield self._at(self.dice.choice(open_days), self._office_s(), Purpose.DISPLAY)

    def _office_s(self) -> int:
        return OPENS_S + int(self.dice.random() * (CLOSES_S - OPENS_S))

    def _at(self, day: date, at_s: int, purpose: Purpose) -> Read:
        return Read(self.calendar.moment(day, at_s), self.client, purpose)

    def _decision(self, day: date, at_s: int, purpose: Purpose) -> Read:
        """A read that may wait, for three hours and never past the close of business."""
        at = self.calendar.moment(day, at_s)
        deadline = min(at + PATIENCE, self.calendar.moment(day, time(17)))
        return Read(at, self.client, purpose, deadline)
