"""Pool: the metered calls a month admits to all connections of an app, and who may still spend of it.

| stage   | when                                            | what still goes out                              |
|---------|-------------------------------------------------|--------------------------------------------------|
| OPEN    | the forecast stays below 80 %                   | everything                                       |
| SAVING  | the forecast passes 80 %                        | all but sweeps of connections that nobody reads  |
| DELTAS  | 75 % are used                                   | for the machine only reads of what changed       |
| STOPPED | 85 % are used                                   | what a person waits for                          |
| CLOSED  | 99.8 % are used, or the rail refuses everything | nothing: the mirror answers, and says since when |

The rail blocks every client at once at its limit, so the last stage begins before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from rowcol.core.budget import PEOPLE_SHARE_PCT, month_end
from rowcol.core.need import Trigger

SAVING_PCT, DELTAS_PCT, STOPPED_PCT = 80, 75, 100 - PEOPLE_SHARE_PCT
MARGIN_PER_MILLE = 2
"""Kept unspent by everybody: our count and the rail's may differ by what is on its way."""
SETTLING = timedelta(days=2)
"""A month younger than this is forecast as if it were this old: connecting reads everything once."""
REFUSED_FOR = timedelta(minutes=2)
COMPANIES_REFUSED = 3
BLOCKED_FOR = timedelta(hours=1)
"""How long nobody asks after the rail was found to refuse everybody; then whoever is due finds out."""
PROBED_WITHIN = timedelta(minutes=15)
RECENT = timedelta(minutes=4)
"""How far back calls are looked at to tell the meanings of a refusal apart."""
OVERDUE = timedelta(days=24)
"""A sweep this late goes out while saving: past 30 days the whole company would have to be read again."""


@dataclass(frozen=True, slots=True)
class MonthPool:
    """A rail's own rule: `limit` metered calls a calendar month (UTC) over all connections of an app."""

    limit: int
    source: str
    checked_on: date
    is_assumed: bool = True


@dataclass(frozen=True, slots=True)
class Pool:
    """A month's pool of one app. `spent`: settled and possibly counted units, `reserved`: of calls on their way.

    `blocked_until`: the rail refused everybody though our count is below the limit; asked again then.
    """

    key: str
    month: str
    limit: int
    spent: int = 0
    reserved: int = 0
    blocked_until: datetime | None = None
    blocked_reason: str = ""

    @property
    def used(self) -> int:
        """Units gone or on their way."""
        return self.spent + self.reserved


class Stage(StrEnum):
    """How far a month's pool is used; the table is at the top of this file."""

    OPEN = "OPEN"
    SAVING = "SAVING"
    DELTAS = "DELTAS"
    STOPPED = "STOPPED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Ask:
    """A metered call about to be made. `looked_at`: when its connection was last read, None: never.

    `is_asked`: somebody waits for what it brings, whatever triggers it.
    """

    units: int
    trigger: Trigger
    is_full: bool
    looked_at: datetime | None
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How a month goes: `expected`: used by now if the limit were spread evenly; `forecast`: at the month's end."""

    used: int
    expected: int
    forecast: int
    stage: Stage
    runs_out_on: date | None


@dataclass(frozen=True, slots=True)
class Peaks:
    """The fullest spans of a month's calls, to hold against the rail's limits a second and a minute."""

    company_second: int = 0
    company_minute: int = 0
    portfolio_minute: int = 0


def pool_key(rail: str, app: str) -> str:
    """The key of an app's pools; a pool is one month's under it."""
    return f"{rail}/{app}"


def peaks_of(calls: Iterable[tuple[str, datetime]]) -> Peaks:
    """`calls`: (connection, when) in any order. A span is half-open; the portfolio is all connections together."""
    by_company: dict[str, list[datetime]] = {}
    for connection, at in calls:
        by_company.setdefault(connection, []).append(at)
    each = [sorted(moments) for moments in by_company.values()]
    return Peaks(
        company_second=max((_fullest(m, timedelta(seconds=1)) for m in each), default=0),
        company_minute=max((_fullest(m, timedelta(minutes=1)) for m in each), default=0),
        portfolio_minute=_fullest(sorted(at for m in each for at in m), timedelta(minutes=1)),
    )


def _fullest(moments: Sequence[datetime], span: timedelta) -> int:
    first = most = 0
    for last, at in enumerate(moments):
        while at - moments[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most


def pace_of(pool: Pool, now: datetime) -> Pace:
    """The month so far, carried on at its mean rate. `runs_out_on` is None where it lasts."""
    ends_at = month_end(now)
    starts_at = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    whole, elapsed = ends_at - starts_at, max(now - starts_at, SETTLING)
    forecast = pool.used * whole // elapsed if elapsed < whole else pool.used
    runs_out_on = None
    if forecast > pool.limit and pool.used:
        runs_out_on = (starts_at + elapsed * (pool.limit / pool.used)).date()
    expected = int(pool.limit * ((now - starts_at) / whole))
    return Pace(
        pool.used, expected, int(forecast), _stage(pool, int(forecast), 0, now), runs_out_on
    )


def refusal(pool: Pool, ask: Ask, now: datetime) -> tuple[str, datetime] | None:
    """Why this call may not go out now and when to ask again, or None."""
    stage = _stage(pool, pace_of(pool, now).forecast, ask.units, now)
    is_person = ask.trigger is Trigger.PERSON
    used = f"{pool.used:,} of {pool.limit:,} metered calls of {pool.month} are used"
    if stage is Stage.CLOSED:
        if pool.blocked_until is not None and now < pool.blocked_until:
            return pool.blocked_reason, pool.blocked_until
        return f"{used}: nothing is read until the month ends", month_end(now)
    if stage is Stage.STOPPED and not is_person:
        return f"{used}: the last {PEOPLE_SHARE_PCT} % are kept for people", month_end(now)
    if stage is Stage.DELTAS and ask.is_full and not is_person:
        return f"{used}: only changes are read until the month ends", month_end(now)
    is_idle = ask.trigger is Trigger.SWEEP and not ask.is_full and not ask.is_asked
    if stage is not Stage.OPEN and is_idle and not _is_overdue(ask, now):
        return f"{used}, ahead of pace: companies that nobody reads wait", now + timedelta(days=1)
    return None


def _is_overdue(ask: Ask, now: datetime) -> bool:
    return ask.looked_at is not None and now - ask.looked_at >= OVERDUE


def _stage(pool: Pool, forecast: int, units: int, now: datetime) -> Stage:
    used = (pool.used + units) * 1000
    is_blocked = pool.blocked_until is not None and now < pool.blocked_until
    if is_blocked or used > pool.limit * (1000 - MARGIN_PER_MILLE):
        return Stage.CLOSED
    if used > pool.limit * STOPPED_PCT * 10:
        return Stage.STOPPED
    if used > pool.limit * DELTAS_PCT * 10:
        return Stage.DELTAS
    return Stage.SAVING if forecast * 100 > pool.limit * SAVING_PCT else Stage.OPEN


def is_exhausted_remotely(
    calls: Sequence[tuple[str, bool, datetime]], blocked_until: datetime | None, now: datetime
) -> bool:
    """Whether refusals mean the end of the month's pool rather than one company's minute.

    `calls`: (connection, was it refused, when) of the last minutes, the oldest first. Every company
    refused for `REFUSED_FOR` with no success between is no company's own limit; nor is a refusal
    just after a block of this kind ran out, before any success.
    """
    if blocked_until is not None and timedelta(0) <= now - blocked_until < PROBED_WITHIN:
        is_answered = any(not is_refused and at >= blocked_until for _, is_refused, at in calls)
        if not is_answered:
            return True
    since_success: list[tuple[str, datetime]] = []
    for connection, is_refused, at in calls:
        since_success = [*since_success, (connection, at)] if is_refused else []
    if not since_success:
        return False
    is_long = now - since_success[0][1] >= REFUSED_FOR
    return is_long and len({connection for connection, _ in since_success}) >= COMPANIES_REFUSED
