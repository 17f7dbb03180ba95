"""Pools: how the month's metered calls of each app go, for people and for metrics. Reads only; the rule is in `core/pool`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rowcol.core.app import App
from rowcol.core.budget import month_of
from rowcol.core.pool import Pace, Peaks, Pool, pace_of, peaks_of, pool_key
from rowcol.engine.gateway import pool_limit
from rowcol.services.plane import OpenPlane

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One app's pool. `pace` is None for a month that is not this one. `peaks`: of the last day's metered calls, at
    most the last 1,000 of them."""

    app: App
    pool: Pool
    pace: Pace | None
    metering: Mapping[str, str]
    peaks: Peaks


async def pools(plane: OpenPlane, month: str | None = None) -> tuple[PoolRow, ...]:
    """A row for each app whose rail meters calls, by rail and name; one read each."""
    now = plane.clock.now()
    asked = month or month_of(now)
    metered = [a for a in plane.apps.values() if plane.rails[a.rail].spec.pool is not None]
    return tuple(
        [
            await _row(plane, app, asked, now)
            for app in sorted(metered, key=lambda a: (a.rail, a.id))
        ]
    )


async def _row(plane: OpenPlane, app: App, month: str, now: datetime) -> PoolRow:
    """The limit is the one that settings name now, as the next call is judged by it."""
    key = pool_key(app.rail, app.id)
    limit = pool_limit(plane.rails[app.rail], app)
    found = await plane.store.read_pool(key, month)
    is_now = month == month_of(now)
    pool = Pool(key, month, limit) if found is None else found
    if is_now:
        pool = replace(pool, limit=limit)
    recent = await plane.store.list_throttles(app.id, now - DAY) if is_now else ()
    # A call before there is a connection (a consent's proof) is a company of its own.
    peaks = peaks_of(
        (str(call.connection or f"new {n}"), call.opened_at) for n, call in enumerate(recent)
    )
    return PoolRow(app, pool, pace_of(pool, now) if is_now else None, app.metering, peaks)
