"""Throttles: what a refusal for asking too often means. The rail says the same for a second, a minute and a month.

Our own counts tell them apart: we keep to half of a company's limits, so a refusal below that is
somebody else's use of it, and every company refused at once is the month's pool.
"""

from __future__ import annotations

from datetime import timedelta

from rowcol.core.budget import month_end, month_of
from rowcol.core.change import Intent
from rowcol.core.outcome import Outcome
from rowcol.core.pool import BLOCKED_FOR, PROBED_WITHIN, RECENT, is_exhausted_remotely, pool_key
from rowcol.ports import Clock, PlaneStore

SILENT = (Outcome.NOT_SENT, Outcome.NO_ANSWER, Outcome.UNREADABLE, Outcome.TRY_AGAIN)
"""What says nothing about a limit."""
BURST = 3
"""Calls of ours within a second from which on it is rather the second's limit that was met than the minute's."""
_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def meaning_of(store: PlaneStore, clock: Clock, intent: Intent) -> str:
    """What this refusal of a metered call means, as text for the log; a month's end also blocks the pool for a while."""
    now = clock.now()
    key, month = pool_key(intent.rail, intent.app), month_of(now)
    pool = await store.read_pool(key, month)
    blocked_until = None if pool is None else pool.blocked_until
    since = now - RECENT
    if blocked_until is not None and now - blocked_until < PROBED_WITHIN:
        since = min(since, blocked_until)
    recent = [t for t in await store.list_throttles(intent.app, since) if t.outcome not in SILENT]
    calls = [(str(t.connection), t.outcome is Outcome.RATE_LIMITED, t.settled_at) for t in recent]
    calls.append((str(intent.connection), True, now))
    if is_exhausted_remotely(calls, blocked_until, now):
        used = 0 if pool is None else pool.used
        reason = (
            f"the rail refuses every company; by our count {used:,} of {intent.pool_limit:,} "
            f"metered calls of {month} are used, so it counts more than we do"
        )
        until = min(now + BLOCKED_FOR, month_end(now))
        await store.block_pool(key, month, until, reason)
        return "the month's pool is used up at the rail"
    mine = [at for who, _, at in calls if who == str(intent.connection) and now - at <= _MINUTE]
    last = sum(now - at < _SECOND for at in mine)
    span = "second" if last >= BURST else "minute"
    return (
        f"{len(mine)} calls of ours in that minute, {last} of them in its last second: "
        f"others use this company's limit a {span} too"
    )
