"""Inbox in memory: deliveries stored once, a route per connection. States: `core/delivery`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rowcol.adapters.memory.state import Login, Route, State
from rowcol.core.delivery import Incoming, Listed, RouteState
from rowcol.core.evidence import Health
from rowcol.core.ids import AppId, ConnectionId, DeliveryId, FirmId, RemoteId


def receive(s: State, incoming: Sequence[Incoming]) -> tuple[bool, ...]:
    """Which of them are new."""
    return tuple(_receive_one(s, item) for item in incoming)


def owner_of(s: State, app: AppId, remote_id: RemoteId) -> Login | None:
    """The live connection, else one that was retired."""
    logins = s.by_remote.get((app, remote_id), ())
    return max(logins, key=lambda each: (is_live(each), each.connection.created_at), default=None)


def is_live(login: Login) -> bool:
    """Not removed at the rail."""
    return login.connection.state.health is not Health.RETIRED


def adopt(s: State, login: Login) -> None:
    """UNMATCHED to RECEIVED, for a connection that has just appeared."""
    connection = login.connection
    for route in s.unmatched.pop((connection.app, connection.remote_id), ()):
        route.state, route.firm, route.connection = (
            RouteState.RECEIVED,
            connection.firm,
            connection.id,
        )
        login.received[route.incoming.id] = route


def replay(s: State, firm: FirmId, delivery: DeliveryId) -> bool:
    """DRAINED or PARKED to RECEIVED, for the firm's own routes."""
    found = False
    for route in s.deliveries.get(delivery, ()):
        if route.firm == firm and route.state in (RouteState.DRAINED, RouteState.PARKED):
            route.state, route.drained_at, route.note = RouteState.RECEIVED, None, ""
            login = s.logins[route.connection]
            login.received[delivery] = route
            s.touch(login)
            found = True
    return found


def list_routes(
    s: State, firm: str, state: RouteState | None, after: str, limit: int
) -> tuple[Listed, ...]:
    """Newest first; `limit` counts deliveries, all routes of each are listed."""
    out: list[Listed] = []
    pages = 0
    for name in sorted(s.deliveries, reverse=True):
        if after and name >= after:
            continue
        mine = [
            route
            for route in s.deliveries[name]
            if route.firm == firm and (state is None or route.state is state)
        ]
        if mine:
            out.extend(_listed(mine))
            pages += 1
            if pages == limit:
                break
    return tuple(out)


def _receive_one(s: State, item: Incoming) -> bool:
    place = (item.app, item.dedup_key)
    if place in s.dedup:
        return False
    s.dedup.add(place)
    routes = s.deliveries[item.id] = []
    for remote_id in dict.fromkeys(item.remote_ids or (RemoteId(""),)):
        login = owner_of(s, item.app, remote_id)
        if login is None:
            route = Route(item, remote_id, "", "", RouteState.UNMATCHED)
            s.unmatched.setdefault((item.app, remote_id), []).append(route)
        else:
            connection = login.connection
            route = Route(item, remote_id, connection.firm, connection.id, RouteState.RECEIVED)
            login.received[item.id] = route
            s.touch(login)
        routes.append(route)
    return True


def _listed(routes: Iterable[Route]) -> list[Listed]:
    return [
        Listed(
            route.incoming.id,
            route.incoming.rail,
            route.incoming.app,
            route.incoming.kind,
            route.state,
            FirmId(route.firm) if route.firm else None,
            ConnectionId(route.connection) if route.connection else None,
            RemoteId(route.remote_id),
            route.incoming.signed_at,
            route.incoming.received_at,
            route.drained_at,
            route.note,
        )
        for route in sorted(routes, key=lambda each: each.remote_id)
    ]
