"""Clock back in memory: what a clock that ran ahead stamped, taken back. As in `adapters/sql/clock_back`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rowcol.adapters.memory.state import LONG_AGO, Login, State
from rowcol.core.clock_back import ASKED_WITHIN, LEASE_MAX, UNKNOWN_AT, asked_by, is_after
from rowcol.core.evidence import Observation
from rowcol.core.records import LinkEnd


def newest_stamp(s: State) -> datetime | None:
    settled = (call.settled_at for call in s.calls.values() if call.settled_at is not None)
    leased = (login.leased_at for login in s.logins.values() if login.leased_at != LONG_AGO)
    return max((*settled, *leased), default=None)


def forget_after(s: State, now: datetime) -> None:
    for name in s.budget_keys:
        if is_after(s.calls[name].opened_at, now):
            s.calls[name] = replace(s.calls[name], opened_at=now)
    for login in s.logins.values():
        _login(login, now)
        s.touch(login)
    _sessions(s, now)


def _login(login: Login, now: datetime) -> None:
    if _is_touched(login, now):
        login.next_at = now
    if login.lease_until > now + LEASE_MAX:
        login.owner, login.lease_until = "", LONG_AGO
    login.leased_at = min(login.leased_at, now)
    for seen in login.seen.values():
        seen.latest, seen.live = _look(seen.latest, now), _look(seen.live, now)
    for place, known in login.coverages.items():
        if is_after(known.complete_as_of, now):
            login.coverages[place] = replace(known, complete_as_of=UNKNOWN_AT)
    created_at = min(login.connection.created_at, now)
    login.connection = replace(login.connection, created_at=created_at)
    for route in login.received.values():
        received_at = min(route.incoming.received_at, now)
        route.incoming = replace(route.incoming, received_at=received_at)
    for waiting in login.open_needs.values():
        moved = asked_by(replace(waiting.need, check_at=waiting.check_at), now)
        waiting.need, waiting.check_at = moved, moved.check_at


def _is_touched(login: Login, now: datetime) -> bool:
    looks = [o for seen in login.seen.values() for o in (seen.latest, seen.live) if o is not None]
    stamps = [
        login.leased_at,
        *(at for o in looks for at in (o.true_at, o.received_at)),
        *(known.complete_as_of for known in login.coverages.values()),
    ]
    return any(is_after(at, now) for at in stamps)


def _look(seen: Observation | None, now: datetime) -> Observation | None:
    if seen is None or not (is_after(seen.true_at, now) or is_after(seen.received_at, now)):
        return seen
    true_at = UNKNOWN_AT if is_after(seen.true_at, now) else seen.true_at
    return replace(seen, true_at=true_at, received_at=min(seen.received_at, now))


def _sessions(s: State, now: datetime) -> None:
    for name, link in s.links.items():
        moved = link
        if is_after(link.created_at, now):
            lasts = link.expires_at - link.created_at
            moved = replace(moved, expires_at=now + lasts, created_at=now)
        if moved.lease_until is not None and moved.lease_until > now + LEASE_MAX:
            moved = replace(moved, lease_until=None, owner="")
        if moved.next_at is not None and moved.next_at > now + ASKED_WITHIN:
            moved = replace(moved, next_at=now)
        is_early = moved.ended is LinkEnd.EXPIRED and moved.expires_at > now
        if is_early and moved.sealed is not None:
            moved = replace(moved, ended=None, failure="", next_at=now)
        s.links[name] = moved
