"""Pools: how the month's metered calls of each app go, for people and for metrics. Reads only; the rule is in `core/pool`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rowcol.core.app import App
from rowcol.core.budget import month_of
from rowcol.core.ids import AppId
from rowcol.core.pool import Pace, Peaks, Pool, pace_of, pool_key
from rowcol.core.quota import QuotaScope
from rowcol.core.rail import Endpoint
from rowcol.engine.gateway import pool_limit
from rowcol.services.plane import OpenPlane


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One app's pool. `pace` is None for a month that is not this one."""

    app: App
    pool: Pool
    pace: Pace | None
    metering: Mapping[str, str]


async def pools(plane: OpenPlane, month: str | None = None) -> tuple[PoolRow, ...]:
    """A row for each app whose rail meters calls, by rail and name; one read each."""
    now = plane.clock.now()
    asked = month or month_of(now)
    return tuple([await _row(plane, app, asked, now) for app in _metered(plane)])


async def peaks(plane: OpenPlane, month: str) -> Mapping[AppId, Peaks]:
    """The fullest spans of a month, by app: of all calls that count against a company's limits, writes too. Each is a
    read of all these calls: seconds for half a million."""
    return {app.id: await _peaks(plane, app, month) for app in _metered(plane)}


def _metered(plane: OpenPlane) -> list[App]:
    found = [a for a in plane.apps.values() if plane.rails[a.rail].spec.pool is not None]
    return sorted(found, key=lambda a: (a.rail, a.id))


async def _peaks(plane: OpenPlane, app: App, month: str) -> Peaks:
    """Of the endpoints that share a company's limits; of the metered ones where the rail names no such limit."""
    endpoints = plane.rails[app.rail].spec.endpoints.values()
    limited = [e.name for e in endpoints if _is_companys(e)]
    names = limited or [e.name for e in endpoints if e.is_metered]
    since = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
    return await plane.store.read_peaks(app.id, names, since)


def _is_companys(endpoint: Endpoint) -> bool:
    rules = (rule for each in endpoint.quotas.values() for rule in each)
    return any(rule.scope is QuotaScope.COMPANY for rule in rules)


async def _row(plane: OpenPlane, app: App, month: str, now: datetime) -> PoolRow:
    """The limit is the one that settings name now, as the next call is judged by it."""
    key = pool_key(app.rail, app.id)
    limit = pool_limit(plane.rails[app.rail], app)
    found = await plane.store.read_pool(key, month)
    is_now = month == month_of(now)
    pool = Pool(key, month, limit) if found is None else found
    if is_now:
        pool = replace(pool, limit=limit)
    return PoolRow(app, pool, pace_of(pool, now) if is_now else None, app.metering)
