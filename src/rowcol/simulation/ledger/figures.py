"""Figures: what a run of the books cost and how stale its decisions were, from its raw events alone."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import nan
from typing import Final

MINUTE: Final = timedelta(minutes=1)
SECOND: Final = timedelta(seconds=1)
DAY: Final = timedelta(days=1)
DAYS_A_MONTH: Final = 30.4


@dataclass(frozen=True, slots=True)
class Edited:
    """A person changed a row at the rail."""

    at: datetime
    company: int
    deed: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The rail was asked. `units`: what it counted as metered; `entities`: how many kinds of rows one call asked for;
    `brings`: the answer holds every change until then."""

    at: datetime
    company: int
    operation: str
    status: int
    units: int
    entities: int
    brings: bool


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody decided on the books. `is_served`: false where they were told not to, or not answered.

    `is_behind`: a row of what they were served was not as the books had it, compared row for row.
    """

    answered_at: datetime
    company: int
    purpose: str
    is_served: bool
    is_behind: bool


@dataclass(frozen=True, slots=True)
class Events:
    """Everything that a figure rests on. Only what is in [starts_at, ends_at) is counted, peaks are over all."""

    companies: int
    starts_at: datetime
    ends_at: datetime
    edits: tuple[Edited, ...]
    requests: tuple[Asked, ...]
    reads: tuple[Read, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """The answer to what it costs and how good it is."""

    metered_calls_per_company_day: float
    metered_calls_per_company_day_if_per_entity: float
    """The same if the rail counts one call for several kinds of rows once for each."""
    stale_decision_reads_pct: float
    peak_per_minute_per_company: int
    peak_per_minute_portfolio: int
    peak_per_second_per_company: int
    metered_calls_per_month: int
    """Of all companies, at the measured rate; the free tier admits 500,000."""
    decision_reads: int
    stale_decision_reads: int
    decision_reads_behind: int
    """Served from rows that were not as the books had them."""
    decision_reads_held: int
    """Not served: held, or not answered. They are in no share."""
    decision_reads_per_company_day: float
    metered_calls: int


def figures_of(events: Events) -> Figures:
    """A decision is stale when a change had been made at the rail before it, after the last look that it rests on, or
    when what it was served was not as the books had it."""
    days = (events.ends_at - events.starts_at) / DAY
    inside = [r for r in events.requests if events.starts_at <= r.at < events.ends_at]
    units = sum(r.units for r in inside)
    asked = [r for r in events.reads if events.starts_at <= r.answered_at < events.ends_at]
    reads = [r for r in asked if r.is_served]
    by_entity = sum(max(1, r.entities) for r in inside if r.units)
    stale = _stale(events, reads)
    by_company: defaultdict[int, list[datetime]] = defaultdict(list)
    for request in events.requests:
        by_company[request.company].append(request.at)
    return Figures(
        metered_calls_per_company_day=round(units / days / events.companies, 4),
        metered_calls_per_company_day_if_per_entity=round(by_entity / days / events.companies, 4),
        stale_decision_reads_pct=round(100 * stale / len(reads), 4) if reads else nan,
        peak_per_minute_per_company=max((peak(at) for at in by_company.values()), default=0),
        peak_per_minute_portfolio=peak([r.at for r in events.requests]),
        peak_per_second_per_company=max(
            (peak(at, SECOND) for at in by_company.values()), default=0
        ),
        metered_calls_per_month=round(units / days * DAYS_A_MONTH),
        decision_reads=len(reads),
        stale_decision_reads=stale,
        decision_reads_behind=sum(r.is_behind for r in reads),
        decision_reads_held=len(asked) - len(reads),
        decision_reads_per_company_day=round(len(asked) / days / events.companies, 4),
        metered_calls=units,
    )


def peak(moments: Iterable[datetime], span: timedelta = MINUTE) -> int:
    """The most that fall into any half-open `span`."""
    ordered = sorted(moments)
    most, first = 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most


def _stale(events: Events, reads: Sequence[Read]) -> int:
    edits: defaultdict[int, list[datetime]] = defaultdict(list)
    looks: defaultdict[int, list[datetime]] = defaultdict(list)
    for edit in sorted(events.edits, key=lambda e: e.at):
        edits[edit.company].append(edit.at)
    for request in sorted(events.requests, key=lambda r: r.at):
        if request.brings:
            looks[request.company].append(request.at)
    return sum(
        r.is_behind or _is_stale(edits[r.company], looks[r.company], r.answered_at) for r in reads
    )


def _is_stale(edits: Sequence[datetime], looks: Sequence[datetime], at: datetime) -> bool:
    n = bisect_right(looks, at)
    known = bisect_right(edits, looks[n - 1]) if n else 0
    return bisect_right(edits, at) > known
