"""Retention: how long rows are kept that nobody needs any more, and how many of them go at once.

A firm's own retention rules what is plainly over; the rest is kept at least as long as it may still be of use.
A delivery that is still to be worked through is never too old.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

PRUNE_MAX = 5000
"""Rows that one transaction deletes (routes beside their deliveries), so that nobody waits long behind it."""
LOST_KEPT = timedelta(days=90)
"""Deliveries of nobody's and those that could not be read: a quarter, so that whoever connects the bank or mends our
reading still finds them. Later a first look brings more than they could say."""
LINKS_KEPT = timedelta(days=30)
"""Consents that ran out, used or not: as long as somebody may ask what became of one."""
SUPERSEDED_KEPT = timedelta(days=400)
"""Looks at an account that a newer one has replaced: a year to compare with, and the month it is compared in."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """What lies before these moments goes. `over`: drained deliveries, settled calls, decisions, answered needs; `lost`:
    unmatched and parked deliveries; `links`: by when they ran out; `superseded`: observations but an account's newest
    and its newest live one."""

    over: datetime
    lost: datetime
    links: datetime
    superseded: datetime


def horizon(now: datetime, retention: timedelta) -> Horizon:
    """None of the spans is shorter than the firm's own retention."""
    return Horizon(
        over=now - retention,
        lost=now - max(retention, LOST_KEPT),
        links=now - max(retention, LINKS_KEPT),
        superseded=now - max(retention, SUPERSEDED_KEPT),
    )
