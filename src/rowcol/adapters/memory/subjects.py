"""Subjects in memory: leases and what is due. The table of a lease's life is in `adapters/sql/subjects`."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from rowcol.adapters.memory.state import LONG_AGO, Login, State
from rowcol.core import change as c
from rowcol.core.need import priority_of
from rowcol.core.records import Business

AGED = timedelta(seconds=60)
_NOT_ASKED = (1 << 10, datetime.max.replace(tzinfo=UTC))
Due = tuple[datetime, Login]


def claim(
    s: State, owner: str, now: datetime, lease_s: int, limit: int, only: Business | None
) -> tuple[c.Lease, ...]:
    """Up to `limit` of what is due, in the order of `adapters/sql/subjects`."""
    taken = _in_order(_pop_due(s, now) if only is None else _due_of(s, only, now), now)
    until = now + timedelta(seconds=lease_s)
    leases = tuple(_taken(login, owner, now, until) for login in taken[:limit])
    for login in taken:
        s.touch(login)
    return leases


def claim_one(
    s: State, firm: str, connection: str, owner: str, now: datetime, lease_s: int
) -> c.Lease | None:
    """Take a connection that nobody holds, whether it is due or not."""
    login = s.login(firm, connection)
    if login is None or login.lease_until > now:
        return None
    lease = _taken(login, owner, now, now + timedelta(seconds=lease_s))
    s.touch(login)
    return lease


def _taken(login: Login, owner: str, now: datetime, until: datetime) -> c.Lease:
    login.fence += 1
    login.owner, login.leased_at, login.lease_until = owner, now, until
    k = login.connection
    return c.Lease(k.firm, c.SubjectKind.CONNECTION, k.id, owner, until, login.fence)


def next_due_at(s: State, only: Business | None) -> datetime | None:
    """A leased subject counts from the end of its lease."""
    if only is not None:
        return min((when for when, _ in _wakes_of(s, only)), default=None)
    first = s.first_due()
    return None if first is None else first[0]


def renew(s: State, leases: Sequence[c.Lease], now: datetime, lease_s: int) -> None:
    """Extend those that are still held by their fence."""
    for lease in leases:
        login = s.login(lease.firm, lease.subject)
        if login is not None and login.is_leased and login.holds(lease):
            login.lease_until = now + timedelta(seconds=lease_s)
            s.touch(login)


def release(s: State, lease: c.Lease, next_at: datetime | None) -> None:
    """Give it back; `next_at` None leaves what was planned."""
    login = s.login(lease.firm, lease.subject)
    if login is None or not login.is_leased or not login.holds(lease):
        return
    login.owner, login.lease_until = "", LONG_AGO
    if next_at is not None:
        login.next_at = next_at
    s.touch(login)


def _pop_due(s: State, now: datetime) -> list[Due]:
    """Everything due and free by `now`, taken off the heap."""
    found = []
    while (first := s.first_due()) is not None and first[0] <= now:
        heapq.heappop(s.due)
        del s.due_of[first[1]]
        login = s.logins[first[1]]
        due_at = login.due_at()
        if due_at is not None:
            found.append((due_at, login))
    return found


def _due_of(s: State, only: Business, now: datetime) -> list[Due]:
    """What is due and free by `now` of one business; the heap keeps it, until `touch`."""
    found = [login for when, login in _wakes_of(s, only) if when <= now]
    return [(due_at, login) for login in found if (due_at := login.due_at()) is not None]


def _wakes_of(s: State, only: Business) -> list[Due]:
    mine = s.by_business.get((only.firm, only.id), ())
    return [(when, login) for login in mine if (when := login.wakes_at()) is not None]


def _in_order(found: list[Due], now: datetime) -> list[Login]:
    """Two lanes that go in turn, one of each: asked for, and due for long. Then the rest."""
    found.sort(key=lambda each: (each[0], each[1].connection.id))
    asked = [login for _, login in sorted(found, key=lambda each: _priority(each[1], now))]
    asked = [login for login in asked if _priority(login, now) < _NOT_ASKED]
    aged = [login for due_at, login in found if due_at <= now - AGED]
    first = (login for pair in zip_longest(asked, aged) for login in pair if login is not None)
    ordered = {login.connection.id: login for login in first}
    rest = [each for each in found if each[1].connection.id not in ordered]
    return [*ordered.values(), *_in_turn(rest)]


def _priority(login: Login, now: datetime) -> tuple[int, datetime]:
    """Of its most pressing need that is due."""
    needs = (each for each in login.open_needs.values() if each.check_at <= now)
    return min((priority_of(each.need.question) for each in needs), default=_NOT_ASKED)


def _in_turn(found: list[Due]) -> list[Login]:
    """The longest due first, but firm by firm and within a firm business by business."""
    by_firm: defaultdict[str, list[tuple[int, datetime, str, Login]]] = defaultdict(list)
    turns: Counter[tuple[str, str]] = Counter()
    for due_at, login in found:
        k = login.connection
        by_firm[k.firm].append((turns[k.firm, k.business], due_at, k.id, login))
        turns[k.firm, k.business] += 1
    ranked = []
    for mine in by_firm.values():
        mine.sort(key=lambda each: each[:3])
        ranked += [(turn, *each[1:]) for turn, each in enumerate(mine)]
    ranked.sort(key=lambda each: each[:3])
    return [each[3] for each in ranked]
