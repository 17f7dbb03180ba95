"""Commit in memory. What the fence guards is in `adapters/sql/commit`. Everything is checked before anything is written."""

from __future__ import annotations

from dataclasses import replace

from rowcol.adapters.memory import calls, mirror
from rowcol.adapters.memory.state import LONG_AGO, Login, Seen, State, own
from rowcol.core import change as c
from rowcol.core.delivery import RouteState
from rowcol.core.evidence import Observation, Source
from rowcol.core.ids import ConnectionId, FirmId


def commit(s: State, firm: FirmId, change: c.Change) -> c.Committed:
    """All or nothing."""
    own(firm, change.lease.firm)
    for record in change.decisions:
        own(firm, record.firm)
    login = s.login(firm, change.lease.subject)
    holds = login is not None and login.holds(change.lease)
    if login is not None:
        if holds:
            _write_guarded(login, change)
        _observe(login, change)
    for settlement in change.settlements:
        calls.settle(s, firm, settlement)
    for record in change.decisions if holds else ():
        s.decisions.setdefault(record.id, record)
    if login is not None:
        s.touch(login)
    return c.Committed(is_fenced=not holds)


def store_token(
    s: State, firm: FirmId, connection: ConnectionId, old: bytes | None, new: bytes
) -> bool:
    """Swap the sealed token if it is still `old` (None: there is none)."""
    login = s.login(firm, connection)
    if login is None or login.token != old:
        return False
    login.previous_token, login.token = login.token, new
    return True


def _write_guarded(login: Login, change: c.Change) -> None:
    if change.next_at is not None:
        login.next_at = change.next_at
    if change.releases:
        login.owner, login.lease_until = "", LONG_AGO
    if change.state is not None:
        login.connection = replace(login.connection, state=change.state)
    if change.discards:
        login.staged.clear()
    mirror.put(login.mirror, change.rows)
    login.looks.update({look.remote_account: look for look in change.looks})
    mirror.put(login.staged, change.staged)
    if change.publishes is not None:
        mirror.publish(login)
    _cover(login, change)
    _drain(login, change)
    _answer(login, change)


def _drain(login: Login, change: c.Change) -> None:
    if not change.drained and not change.parked:
        return
    moments = (
        *(each.settled_at for each in change.settlements),
        *(each.answered_at for each in change.answered),
        *(each.decided_at for each in change.decisions),
    )
    drained_at = max(moments, default=login.leased_at)
    for delivery in change.drained:
        route = login.received.pop(delivery, None)
        if route is not None:
            route.state, route.drained_at = RouteState.DRAINED, drained_at
    for delivery, note in change.parked.items():
        route = login.received.pop(delivery, None)
        if route is not None:
            route.state, route.note = RouteState.PARKED, note


def _answer(login: Login, change: c.Change) -> None:
    for answered in change.answered:
        kept = login.open_needs.pop(answered.need, None)
        if kept is not None:
            kept.answer = answered
    for postponed in change.postponed:
        waiting = login.open_needs.get(postponed.need)
        if waiting is not None:
            waiting.check_at = postponed.check_at


def _observe(login: Login, change: c.Change) -> None:
    for seen in change.observations:
        place = (seen.remote_account, seen.true_at, seen.source, seen.balance)
        login.observations.setdefault(place, seen)
        kept = login.seen.setdefault(seen.remote_account, Seen())
        if _is_newer(seen, kept.latest):
            kept.latest = seen
        if seen.source is Source.LIVE and _is_newer(seen, kept.live):
            kept.live = seen


def _cover(login: Login, change: c.Change) -> None:
    for coverage in change.coverages:
        scope = (coverage.scope, coverage.source)
        known = login.coverages.get(scope)
        if known is None or coverage.complete_as_of >= known.complete_as_of:
            login.coverages[scope] = coverage


def _is_newer(seen: Observation, known: Observation | None) -> bool:
    return known is None or (seen.true_at, seen.received_at) > (known.true_at, known.received_at)
