"""Rhythm: when the rail will look at the bank by itself, learned from when it did.

A day is 24 hours back from now, so the same time of day is compared, in UTC: twice a year the
clocks of a bank move by an hour, and the rhythm follows within two weeks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

DAYS_MIN = 5
DAYS_MAX = 28
SHARE_MIN = 0.5
"""On at least this share of past days a pull fell into the same time of day."""
JITTER = timedelta(minutes=10)
"""Added to the usual time, so that a pull which is a little late is met by one look instead of two."""
SILENCE = timedelta(days=3)
"""Longer without a pull is an interruption, unless the rail is always that slow."""
BURST = timedelta(minutes=5)
"""Pulls closer than this are one pull that was tried again."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Expected:
    """A pull will probably have come by `at`; `share` of past days say so."""

    at: datetime
    share: float


def next_pull(pulls: Iterable[datetime], now: datetime, deadline: datetime) -> Expected | None:
    """The pull to expect in (now, deadline], or None when fewer than half of the past days had one there.

    Over a horizon of more than a day a pull is certain where one a day is usual. Days before the
    first known pull and days of a past interruption tell nothing and are not counted; a rail that
    is silent now is not expected to speak. The order and number of copies of `pulls` do not matter.
    """
    known = _known(pulls, now)
    horizon = min(deadline - now, _DAY)
    if not known or horizon <= timedelta(0):
        return None
    silence = _interruption(known)
    if now - known[-1] > silence:
        return None
    waits: list[float] = []
    observed = 0
    for back in range(1, DAYS_MAX + 1):
        start = now - back * _DAY
        if start < known[0]:
            break
        index = bisect_right(known, start)
        if index < len(known) and known[index] <= start + horizon:
            waits.append((known[index] - start).total_seconds())
        elif index < len(known) and known[index] - known[index - 1] > silence:
            continue
        observed += 1
    if observed < DAYS_MIN or len(waits) < SHARE_MIN * observed:
        return None
    at = now + timedelta(seconds=median(waits)) + JITTER
    share = 1.0 if deadline - now > _DAY else len(waits) / observed
    return Expected(min(at, deadline), share)


def _known(pulls: Iterable[datetime], now: datetime) -> list[datetime]:
    """Pulls up to now, oldest first, the first of each burst."""
    known: list[datetime] = []
    for pull in sorted(pull for pull in pulls if pull <= now):
        if not known or pull - known[-1] >= BURST:
            known.append(pull)
    return known


def _interruption(known: Sequence[datetime]) -> timedelta:
    """How long without a pull is more than this rail's habit."""
    steps = [(later - earlier).total_seconds() for earlier, later in pairwise(known)]
    return max(SILENCE, timedelta(seconds=4 * median(steps))) if steps else SILENCE
