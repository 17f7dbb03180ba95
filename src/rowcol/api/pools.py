"""Pools: the month's metered calls of each app, how they go, and who of the firm used them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from rowcol.api.gate import Asking
from rowcol.api.reads import Month
from rowcol.core.budget import month_of
from rowcol.core.ids import AppId, FirmId
from rowcol.core.pool import Peaks
from rowcol.core.records import Burn
from rowcol.services.plane import OpenPlane
from rowcol.services.pools import PoolRow, pools


@dataclass(frozen=True, slots=True)
class PoolOut:
    """One app's metered calls of a month, of all firms on the plane. `used` counts `reserved`, calls on their way.

    `expected`: used by now if spread evenly; `forecast`: at the month's end at this rate; `runs_out_on` null: it
    lasts. All of them, and `stage`, are null for a month that is not this one. `metering`: how the rail is assumed
    to count what it does not tell. `peak_*`: the fullest second and minute of the month, writes too;
    over HTTP they are five minutes old at most.
    """

    rail: str
    app: str
    month: str
    limit: int
    used: int
    reserved: int
    expected: int | None
    forecast: int | None
    stage: str | None
    runs_out_on: date | None
    blocked_until: datetime | None
    blocked_reason: str
    metering: dict[str, str]
    peak_per_second_per_company: int
    peak_per_minute_per_company: int
    peak_per_minute_portfolio: int


@dataclass(frozen=True, slots=True)
class BurnOut:
    """Who of the firm used how much: `calls` that were counted, and their `units`."""

    rail: str
    app: str
    business: str | None
    trigger: str
    endpoint: str
    calls: int
    units: int


@dataclass(frozen=True, slots=True)
class PoolsOut:
    """A month's pools, and the firm's own part in them, the most first."""

    month: str
    pools: tuple[PoolOut, ...]
    burns: tuple[BurnOut, ...]


async def read_pools(asking: Asking, month: Month = None) -> PoolsOut:
    """Metered calls of a month by app, with pace, forecast and stage, and who of the firm used them."""
    asked = month or month_of(asking.plane.clock.now())
    kept = await asking.counts.peaks(asking.plane, asked)
    return await pools_out(asking.plane, asking.firm, asked, kept)


async def pools_out(
    plane: OpenPlane, firm: FirmId, month: str, peaks: Mapping[AppId, Peaks]
) -> PoolsOut:
    """What `/v1/pools` and `rowcol cost` show."""
    rows = await pools(plane, month)
    burns = await plane.store.sum_units(firm, month) if rows else ()
    out = tuple(pool_of(row, peaks.get(row.app.id, Peaks())) for row in rows)
    return PoolsOut(month, out, tuple(burn_of(b) for b in burns))


def pool_of(row: PoolRow, peaks: Peaks) -> PoolOut:
    pace, pool = row.pace, row.pool
    return PoolOut(
        rail=row.app.rail,
        app=row.app.id,
        month=pool.month,
        limit=pool.limit,
        used=pool.used,
        reserved=pool.reserved,
        expected=None if pace is None else pace.expected,
        forecast=None if pace is None else pace.forecast,
        stage=None if pace is None else pace.stage.value,
        runs_out_on=None if pace is None else pace.runs_out_on,
        blocked_until=pool.blocked_until,
        blocked_reason=pool.blocked_reason,
        peak_per_second_per_company=peaks.company_second,
        peak_per_minute_per_company=peaks.company_minute,
        peak_per_minute_portfolio=peaks.portfolio_minute,
        metering=dict(row.metering),
    )


def burn_of(row: Burn) -> BurnOut:
    return BurnOut(
        rail=row.rail,
        app=row.app,
        business=row.business,
        trigger=row.trigger.value,
        endpoint=row.endpoint,
        calls=row.calls,
        units=row.units,
    )
