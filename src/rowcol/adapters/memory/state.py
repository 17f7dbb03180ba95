"""State: the dicts that the memory store keeps, and what is due in them.

Due is derived as in `adapters/sql/subjects`. A heap holds a guess per connection, refreshed by
`touch` whenever something of it changed, so that finding what is due does not walk over everything.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rowcol.core import change as c
from rowcol.core.connection import Connection
from rowcol.core.delivery import Incoming, RouteState, VerificationKey
from rowcol.core.evidence import Coverage, Observation, Source
from rowcol.core.identity import AccountRef, AccountVerdict
from rowcol.core.need import Need
from rowcol.core.pool import Pool
from rowcol.core.rail import Row
from rowcol.core.records import Business, Call, Firm, Link, Token
from rowcol.core.refusal import NotFound

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Route:
    """A delivery for one connection; `connection` '' while unmatched."""

    incoming: Incoming
    remote_id: str
    firm: str
    connection: str
    state: RouteState
    drained_at: datetime | None = None
    note: str = ""


@dataclass(slots=True)
class OpenNeed:
    """A need with its answer, if it has one."""

    need: Need
    check_at: datetime
    answer: c.Answered | None = None


@dataclass(slots=True)
class Seen:
    """An account's newest observations."""

    latest: Observation | None = None
    live: Observation | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the mirror or the stage. `body` outlives a tombstone: a closed account still has its name."""

    row: Row
    body: Mapping[str, object] | None


@dataclass(slots=True)
class Login:
    """A connection with everything that hangs on it, its subject included."""

    connection: Connection
    token: bytes | None
    previous_token: bytes | None = None
    next_at: datetime | None = None
    owner: str = ""
    leased_at: datetime = LONG_AGO
    lease_until: datetime = LONG_AGO
    fence: int = 0
    mirror: dict[tuple[str, str], Kept] = field(default_factory=dict)
    staged: dict[tuple[str, str], Kept] = field(default_factory=dict)
    roles: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    looks: dict[str, c.AccountLook] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    observations: dict[tuple[object, ...], Observation] = field(default_factory=dict)
    coverages: dict[tuple[str, Source], Coverage] = field(default_factory=dict)
    received: dict[str, Route] = field(default_factory=dict)
    open_needs: dict[str, OpenNeed] = field(default_factory=dict)
    open_calls: dict[str, None] = field(default_factory=dict)

    @property
    def is_leased(self) -> bool:
        """Held by somebody, perhaps dead."""
        return self.lease_until != LONG_AGO

    def due_at(self) -> datetime | None:
        """The least of its causes; a paused one is due for its needs only."""
        due = min((n.check_at for n in self.open_needs.values()), default=None)
        if self.connection.is_paused:
            return due
        if self.next_at is not None and (due is None or self.next_at < due):
            due = self.next_at
        for route in self.received.values():
            if due is None or route.incoming.received_at < due:
                due = route.incoming.received_at
        return due

    def holds(self, lease: c.Lease) -> bool:
        """Whether the lease's fence is still the one in force."""
        return self.fence == lease.fence and self.connection.firm == lease.firm


@dataclass(slots=True)
class State:
    """Every table."""

    firms: dict[str, Firm] = field(default_factory=dict)
    businesses: dict[tuple[str, str], Business] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    by_business: dict[tuple[str, str], list[Login]] = field(default_factory=dict)
    by_remote: dict[tuple[str, str], list[Login]] = field(default_factory=dict)
    deliveries: dict[str, list[Route]] = field(default_factory=dict)
    dedup: set[tuple[str, str]] = field(default_factory=set)
    unmatched: dict[tuple[str, str], list[Route]] = field(default_factory=dict)
    needs: dict[str, OpenNeed] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    budget_keys: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    spending: dict[tuple[str, str, str], tuple[int, int, int]] = field(default_factory=dict)
    pools: dict[tuple[str, str], Pool] = field(default_factory=dict)
    metered: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The pool, by key and month, of every metered call."""
    links: dict[str, Link] = field(default_factory=dict)
    verdicts: dict[tuple[str, str, frozenset[AccountRef]], AccountVerdict] = field(
        default_factory=dict
    )
    quotas: dict[str, int] = field(default_factory=dict)
    decisions: dict[str, c.DecisionRecord] = field(default_factory=dict)
    keys: dict[tuple[str, str], VerificationKey] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    switches: dict[str, str] = field(default_factory=dict)
    due: list[tuple[datetime, str]] = field(default_factory=list)
    due_of: dict[str, datetime] = field(default_factory=dict)

    def login(self, firm: str, connection: str) -> Login | None:
        """The firm's own, else None."""
        found = self.logins.get(connection)
        return found if found is not None and found.connection.firm == firm else None

    def touch(self, login: Login) -> None:
        """Keep the heap's guess right after a change: never later than the truth."""
        name = login.connection.id
        due_at = login.due_at()
        if due_at is None:
            self.due_of.pop(name, None)
            return
        when = max(due_at, login.lease_until) if login.is_leased else due_at
        if self.due_of.get(name) != when:
            self.due_of[name] = when
            heapq.heappush(self.due, (when, name))

    def first_due(self) -> tuple[datetime, str] | None:
        """The head of the heap, without entries that are out of date."""
        while self.due:
            when, name = self.due[0]
            if self.due_of.get(name) == when:
                return when, name
            heapq.heappop(self.due)
        return None


def own(firm: str, value_firm: str) -> None:
    """Raise `NotFound` for a value that belongs to another firm than the one that speaks."""
    if value_firm != firm:
        raise NotFound("no such thing in this firm", "check the firm and the id")
