"""Evidence: what is known, when it was true at the rail, and who says so. Two shapes: a look and a coverage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from rowcol.core.money import Money, is_currency, shown

if TYPE_CHECKING:
    from rowcol.core.ids import CallId, RemoteId


CLOCK_SKEW_MAX = timedelta(seconds=2)
"""How far the clocks of two processes may be apart. What is stamped later than that after now is of a clock that ran
ahead: its age is not known."""


class Source(StrEnum):
    """Who says so, and so how far the evidence reaches."""

    LIVE = "LIVE"
    """The rail asked the bank for this call: true from the moment it was sent."""
    CACHED = "CACHED"
    """The rail's own last look: true at the time it names for that look, read before the value."""
    FILE = "FILE"
    """A person's upload: true at its confirmed export time; never gives coverage."""


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's balance fields as one look gave them; `current` is what cash is counted in.

    `uncounted`: why there is no `current` though the bank gave something, with every digit of it: `0.00512345 BTC: no
    currency of ISO 4217`; "" where there is nothing to say. Such an amount is no money of ours: it enters no sum.
    """

    current: Money | None
    available: Money | None
    limit: Money | None = None
    uncounted: str = ""

    def __post_init__(self) -> None:
        """Rows of before codes were checked hold coins rounded to two digits: what those were is lost."""
        kept = (self.current, self.available, self.limit)
        foreign = [m.currency for m in kept if m is not None and not is_currency(m.currency)]
        if not foreign:
            return
        why = f"an amount in {shown(foreign[0])!a}: no currency of ISO 4217"
        for name in ("current", "available", "limit"):
            object.__setattr__(self, name, None)
        object.__setattr__(self, "uncounted", self.uncounted or why)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look saw. `true_at` is a lower bound at the rail; `received_at` is our clock.

    `balance` is None when the look saw that the account is gone.
    """

    remote_account: RemoteId
    true_at: datetime
    received_at: datetime
    source: Source
    balance: Balance | None
    call: CallId | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Everything in `scope` is known as of `complete_as_of` (at the rail)."""

    scope: str
    complete_as_of: datetime
    source: Source


class Health(StrEnum):
    """Whether a connection can be looked at, and who has to act if not."""

    OK = "OK"
    NEEDS_RECONNECT = "NEEDS_RECONNECT"
    """A person has to log in again; a paid call cannot help."""
    INSTITUTION_DOWN = "INSTITUTION_DOWN"
    """The bank does not answer the rail; tried again later."""
    UNSUPPORTED = "UNSUPPORTED"
    """The rail will never answer this question for this login."""
    MISCONFIGURED = "MISCONFIGURED"
    """Our keys or request are wrong; an operator has to act."""
    DEGRADED = "DEGRADED"
    """Well, but its stream of changes is refused or read anew; only told to people, never stored."""
    RETIRED = "RETIRED"
    """Removed at the rail; kept for its history."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything the freshness policy may know of one connection at one moment.

    `as_of`: the oldest `true_at` over the accounts that count, None when one was never seen.
    `live_as_of`: the same over live looks only. `looked_at`: when we last asked for free evidence.
    `pulls`: the rail's own past looks at the bank, oldest first. `cannot_pay`: a sentence saying
    why another look would not help, or None. `paid_is_unknown`: the paid call that failed may have been billed. `read_at`: when the last look that succeeded was sent. `closed_days_proven`: the account's own history shows
    no posting on days when banks are closed.
    """

    as_of: datetime | None
    live_as_of: datetime | None
    looked_at: datetime | None
    health: Health = Health.OK
    pulls: tuple[datetime, ...] = ()
    cannot_pay: str | None = None
    paid_failed_at: datetime | None = None
    paid_is_unknown: bool = False
    closed_days_proven: bool = False
    price_micros: int = 0
    read_at: datetime | None = None
    health_reason: str = ""
    is_hinted: bool = False
    """A delivery spoke of changes that were not read yet."""


def age_of(as_of: datetime | None, now: datetime) -> timedelta | None:
    """How old an answer is: from the rail's time, never from receipt. Never negative."""
    return None if as_of is None else max(now - as_of, timedelta(0))
