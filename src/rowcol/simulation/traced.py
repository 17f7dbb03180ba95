"""Traced: a workload whose truth is a file of transactions. Times within a day are drawn from the seed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from rowcol.sandbox.world import Posting
from rowcol.simulation.bankdays import Calendar, window_of
from rowcol.simulation.chance import Random, stream
from rowcol.simulation.transactions import Entry, TracedAccount, read
from rowcol.simulation.workload import (
    Client,
    Workload,
    assembled,
    institutions_of,
    payment_weekdays,
    spec,
)

POSTS_WITHIN: Final = window_of("02:00-18:00")
"""Where the times of rows without one are drawn: in New York the same date as in UTC."""


def traced(path: Path, *, seed: int, weeks: int = 4, first: date | None = None) -> Workload:
    """A firm of one business for each account of the file. Raise `BadInput` naming what is wrong with it.

    The weeks start on `first`, or else on the Monday from which on the most rows fall into them.
    """
    calendar = spec().calendar
    accounts = read(path, calendar)
    banks = institutions_of(seed, len(accounts))
    clients, weekdays = [], []
    for n, account in enumerate(accounts):
        dice = stream(seed, "account", account.name)
        clients.append(
            Client(
                account.name, account.opening_minor, postings_of(account, calendar, dice), banks[n]
            )
        )
        weekdays.append(payment_weekdays(dice))
    starts_on = first or busiest_monday([e.day for a in accounts for e in a.entries], weeks)
    return assembled(seed, clients, weekdays, starts_on, weeks)


def busiest_monday(days: Sequence[date], weeks: int) -> date:
    """The Monday from which on `weeks` weeks hold the most of these days; the earliest of equals.

    Only weeks with a posting are tried: a span that starts in an empty one loses nothing by starting later.
    """
    ordered = sorted(days)
    span = timedelta(weeks=weeks)

    def n_within(monday: date) -> int:
        return bisect_left(ordered, monday + span) - bisect_left(ordered, monday)

    mondays = {day - timedelta(days=day.weekday()) for day in ordered}
    return min(mondays, key=lambda monday: (-n_within(monday), monday))


def postings_of(account: TracedAccount, calendar: Calendar, dice: Random) -> tuple[Posting, ...]:
    """The rows as postings that keep the order of the file, oldest first."""
    out: list[Posting] = []
    entries = account.entries
    start = 0
    while start < len(entries):
        end = start
        while end < len(entries) and entries[end].day == entries[start].day:
            end += 1
        for entry, at in zip(
            entries[start:end], _times(entries[start:end], calendar, dice), strict=True
        ):
            out.append(Posting(f"line {entry.line}", at, entry.amount_minor, f"Line {entry.line}"))
        start = end
    return tuple(out)


def _times(entries: Sequence[Entry], calendar: Calendar, dice: Random) -> list[datetime]:
    """One moment for each row of a day, never running backwards; rows with a time stamp keep theirs if they can."""
    draws = sorted(dice.random() for _ in entries)
    day = entries[0].day
    times: list[datetime] = []
    for entry, draw in zip(entries, draws, strict=True):
        drawn = calendar.moment(day, calendar.within(POSTS_WITHIN, draw))
        at = entry.at or drawn
        times.append(max(at, times[-1]) if times else at)
    if any(entry.at is not None for entry in entries):
        return _under_stamps(entries, times, calendar.moment(day, time(0)))
    return times


def _under_stamps(
    entries: Sequence[Entry], times: list[datetime], midnight: datetime
) -> list[datetime]:
    """Rows without a time never push a later time stamp of the file."""
    latest: datetime | None = None
    for n in range(len(entries) - 1, -1, -1):
        stamp = entries[n].at
        if stamp is not None:
            latest = stamp if latest is None else min(latest, stamp)
        if latest is not None:
            times[n] = max(min(times[n], latest), midnight)
    return times
