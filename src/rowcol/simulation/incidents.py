"""Incidents: what goes wrong in a demo, drawn from the seed: one bank is down for hours, one login breaks for days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import partial
from math import log
from typing import Final

from rowcol.core.connection import Connection
from rowcol.sandbox.plaid.faults import Outage
from rowcol.sandbox.plaid.items import Item, consent_end
from rowcol.simulation.bankdays import bank_day_from
from rowcol.simulation.chance import Random, stream
from rowcol.simulation.judge import Trouble
from rowcol.simulation.rig import Rig
from rowcol.simulation.workload import Workload, spec

BROKEN_FOR: Final = timedelta(days=2, hours=5)
OUTAGE_AT_LEAST: Final = timedelta(hours=3)
RENEWED_BEFORE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happens to the world at a moment."""

    at: datetime
    act: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Plot:
    """All that goes wrong: what happens, to whom, and the sentences that say so."""

    incidents: tuple[Incident, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    texts: tuple[str, ...] = ()


def plotted(rig: Rig, workload: Workload, connections: Sequence[Connection]) -> Plot:
    """An outage at the bank of one client and a broken login of another; in a firm of one, the outage alone.

    Consents that would end before the weeks do are renewed in time, and nothing is said of it.
    """
    dice = stream(workload.seed, "incidents")
    order = list(range(len(connections)))
    dice.shuffle(order)
    outage = _outage(rig, workload, connections, order[0], dice)
    down = outage.troubles[0].clients
    renewals = tuple(_renewals(rig, workload, connections))
    healthy = [n for n in order if n not in down]
    if not healthy:
        return replace(outage, incidents=outage.incidents + renewals)
    broken = _broken(rig, workload, connections, healthy[0], dice)
    return Plot(
        outage.incidents + broken.incidents + renewals,
        outage.troubles + broken.troubles,
        outage.texts + broken.texts,
    )


def _outage(
    rig: Rig, workload: Workload, connections: Sequence[Connection], client: int, dice: Random
) -> Plot:
    bank = rig.item_of(connections[client]).institution
    starts_at = _office_moment(workload, 1, dice)
    hours = spec().bank.outage_hours_median * dice.expovariate(log(2))
    ends_at = starts_at + max(OUTAGE_AT_LEAST, timedelta(minutes=round(60 * hours)))
    clients = frozenset(
        n
        for n, connection in enumerate(connections)
        if rig.item_of(connection).institution.institution_id == bank.institution_id
    )
    outage = Outage(bank.institution_id, starts_at, ends_at)
    return Plot(
        (Incident(starts_at, lambda: rig.emulator.faults.outages.append(outage)),),
        (Trouble(clients, starts_at, ends_at),),
        (f"{bank.name} ({len(clients)} logins) could not be reached: {_span(starts_at, ends_at)}",),
    )


def _broken(
    rig: Rig, workload: Workload, connections: Sequence[Connection], client: int, dice: Random
) -> Plot:
    item = rig.item_of(connections[client])
    breaks_at = _office_moment(workload, 2, dice)
    repaired_at = breaks_at + BROKEN_FOR
    return Plot(
        (
            Incident(breaks_at, lambda: rig.emulator.break_login(item)),
            Incident(repaired_at, lambda: rig.emulator.repair(item)),
        ),
        (Trouble(frozenset({client}), breaks_at, repaired_at),),
        (f"{workload.clients[client].name} had to log in again: {_span(breaks_at, repaired_at)}",),
    )


def _renewals(
    rig: Rig, workload: Workload, connections: Sequence[Connection]
) -> Iterator[Incident]:
    def renew(item: Item, now: datetime) -> None:
        item.consent_expiration_at = consent_end(item.wish, now)

    for connection in connections:
        item = rig.item_of(connection)
        ends_at = item.consent_expiration_at
        if ends_at is not None and ends_at <= workload.ends_at + RENEWED_BEFORE:
            at = ends_at - RENEWED_BEFORE
            yield Incident(at, partial(renew, item, at))


def _office_moment(workload: Workload, week: int, dice: Random) -> datetime:
    """On a bank day early in a measured week of this number (the last one if there are fewer), in the morning."""
    week = min(week, workload.weeks - 1)
    monday = workload.calendar.day_of(workload.starts_at) + timedelta(weeks=week)
    day = bank_day_from(monday + timedelta(days=dice.randrange(3)))
    second = int(dice.random() * 3 * 3600)
    return workload.calendar.moment(day, time(8)) + timedelta(seconds=second)


def _span(starts_at: datetime, ends_at: datetime) -> str:
    return f"{starts_at:%m-%d %H:%M} to {ends_at:%m-%d %H:%M} UTC"
