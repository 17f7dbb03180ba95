"""Pools in memory: the metered calls of an app's month. The semantics are in `adapters/sql/pools`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rowcol.adapters.memory.state import State
from rowcol.core import change as c
from rowcol.core.budget import month_of
from rowcol.core.ids import AppId, BusinessId, FirmId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Billed
from rowcol.core.pool import Ask, Peaks, Pool, peaks_of, pool_key, refusal
from rowcol.core.records import THROTTLES_MAX, Burn, Call, Throttle, most_first


def asked(s: State, intent: c.Intent, month: str) -> Pool | c.Refused | None:
    """The pool, if it admits the call; None: not metered. The limit is always the caller's."""
    if not intent.units:
        return None
    key = pool_key(intent.rail, intent.app)
    known = s.pools.get((key, month), Pool(key, month, 0))
    pool = replace(known, limit=intent.pool_limit)
    ask = Ask(
        intent.units, intent.trigger, intent.is_full, intent.looked_at, intent.purpose is not None
    )
    refused = refusal(pool, ask, intent.opened_at)
    return pool if refused is None else c.Refused(*refused)


def reserve(s: State, intent: c.Intent, pool: Pool) -> None:
    """Count the call's units as on their way."""
    place = (pool.key, pool.month)
    s.pools[place] = replace(pool, reserved=pool.reserved + intent.units)
    s.metered[intent.id] = place


def count(s: State, call: Call, billed: Billed) -> None:
    """What an open call had reserved is given back, or gone."""
    place = s.metered.get(call.id)
    if place is not None:
        pool = s.pools[place]
        spent = pool.spent + (0 if billed is Billed.NO else call.units)
        s.pools[place] = replace(pool, spent=spent, reserved=pool.reserved - call.units)


def read_pool(s: State, key: str, month: str) -> Pool | None:
    """None as long as nobody was admitted."""
    pool = s.pools.get((key, month))
    is_empty = pool is not None and not pool.limit and pool.blocked_until is None
    return None if is_empty else pool


def block_pool(s: State, key: str, month: str, until: datetime | None, reason: str) -> None:
    """None: it is open again."""
    if until is not None or (key, month) in s.pools:
        known = s.pools.get((key, month), Pool(key, month, 0))
        s.pools[key, month] = replace(known, blocked_until=until, blocked_reason=reason)


def list_throttles(s: State, app: AppId, since: datetime) -> tuple[Throttle, ...]:
    """Oldest first; of more than 1,000 the newest."""
    found = sorted(
        (call.settled_at, call.id)
        for name in s.metered
        if (call := s.calls[name]).app == app
        and call.settled_at is not None
        and call.settled_at >= since
    )
    return tuple(
        Throttle(s.calls[name].connection, outcome, settled_at, s.calls[name].opened_at)
        for settled_at, name in found[-THROTTLES_MAX:]
        if (outcome := s.calls[name].outcome) is not None
    )


def read_peaks(s: State, app: AppId, endpoints: Sequence[str], since: datetime) -> Peaks:
    """Of settled calls of that month from then on."""
    return peaks_of(
        (call.connection or call.id, call.opened_at)
        for call in s.calls.values()
        if call.app == app
        and call.endpoint in endpoints
        and call.settled_at is not None
        and call.opened_at >= since
        and month_of(call.opened_at) == month_of(since)
    )


def sum_units(s: State, firm: FirmId, month: str) -> tuple[Burn, ...]:
    """Settled calls that were counted, the most first."""
    sums: dict[tuple[str, AppId, BusinessId | None, Trigger, str], list[int]] = {}
    for name in s.metered:
        call = s.calls[name]
        is_mine = call.firm == firm and month_of(call.opened_at) == month
        if is_mine and call.settled_at is not None and call.units:
            who = (call.rail, call.app, call.business, call.trigger, call.endpoint)
            counted = sums.setdefault(who, [0, 0])
            counted[0] += 1
            counted[1] += call.units
    burns = (Burn(*who, calls, units) for who, (calls, units) in sums.items())
    return tuple(sorted(burns, key=most_first))
