"""Upkeep in memory: pruning what is over. What goes and what stays is in `core/retention`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from rowcol.adapters.memory.state import Login, Route, State
from rowcol.core.delivery import RouteState
from rowcol.core.evidence import Observation
from rowcol.core.retention import PRUNE_MAX, Horizon


def prune(s: State, horizon: Horizon) -> int:
    """One helping. What is open or undrained stays, however old it is."""
    over = horizon.over
    tables: tuple[tuple[dict[Any, Any], Callable[[Any], bool]], ...] = (
        (s.deliveries, lambda routes: _is_over(routes, horizon)),
        (s.calls, lambda call: call.settled_at is not None and call.settled_at < over),
        (s.decisions, lambda record: record.decided_at < over),
        (s.needs, lambda need: need.answer is not None and need.answer.answered_at < over),
        (s.links, lambda link: link.expires_at < horizon.links),
    )
    left = PRUNE_MAX
    for table, is_over in tables:
        gone = list(islice((name for name, each in table.items() if is_over(each)), left))
        left -= len(gone)
        for name in gone:
            removed = table.pop(name)
            if table is s.calls:
                s.metered.pop(name, None)
            if table is s.deliveries:
                _forget(s, removed)
    for login in s.logins.values():
        left -= _prune_superseded(login, horizon, left)
    return PRUNE_MAX - left


def _is_over(routes: Sequence[Route], horizon: Horizon) -> bool:
    received_at = routes[0].incoming.received_at
    states = {route.state for route in routes}
    is_drained = states == {RouteState.DRAINED}
    is_lost = RouteState.RECEIVED not in states and received_at < horizon.lost
    return received_at < horizon.over and (is_drained or is_lost)


def _forget(s: State, routes: Sequence[Route]) -> None:
    for route in routes:
        incoming = route.incoming
        s.dedup.discard((incoming.app, incoming.dedup_key))
        place = (incoming.app, route.remote_id)
        if route.state is RouteState.UNMATCHED:
            rest = [each for each in s.unmatched.pop(place) if each is not route]
            if rest:
                s.unmatched[place] = rest


def _prune_superseded(login: Login, horizon: Horizon, left: int) -> int:
    newest = {
        _look_of(seen)
        for kept in login.seen.values()
        for seen in (kept.latest, kept.live)
        if seen is not None
    }
    old = (
        place
        for place, seen in login.observations.items()
        if max(seen.true_at, seen.received_at) < horizon.superseded and _look_of(seen) not in newest
    )
    gone = list(islice(old, left))
    for place in gone:
        del login.observations[place]
    return len(gone)


def _look_of(seen: Observation) -> tuple[object, ...]:
    return seen.remote_account, seen.true_at, seen.source, seen.balance
