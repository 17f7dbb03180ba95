"""Links in memory: consents, each good for one callback, and link sessions, each moved by who holds its lease."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rowcol.adapters.memory.state import State, own
from rowcol.core.delivery import SESSION, RouteState
from rowcol.core.ids import BusinessId, ConnectionId, FirmId
from rowcol.core.records import Link, LinkKind
from rowcol.core.refusal import Conflict, NotFound


def add_link(s: State, firm: FirmId, link: Link) -> None:
    """Raise `Conflict` for an id or state that is there, `NotFound` for a business of another firm."""
    own(firm, link.firm)
    if (firm, link.business) not in s.businesses:
        raise NotFound("no such business in this firm", "list them with `rowcol business list`")
    if link.id in s.links or any(each.state_hash == link.state_hash for each in s.links.values()):
        raise Conflict("this link is there already", "use the existing one")
    s.links[link.id] = link


def read_link(s: State, firm: FirmId, link: str) -> Link | None:
    found = s.links.get(link)
    return found if found is not None and found.firm == firm else None


def take_link(s: State, state_hash: str, now: datetime) -> Link | None:
    """Marked used by this very call."""
    for link in s.links.values():
        is_free = link.used_at is None and link.kind is LinkKind.CONSENT and now < link.expires_at
        if link.state_hash == state_hash and is_free:
            s.links[link.id] = replace(link, used_at=now)
            return s.links[link.id]
    return None


def end_link(
    s: State, firm: FirmId, link: str, connection: ConnectionId | None, failure: str
) -> None:
    known = read_link(s, firm, link)
    if known is not None:
        s.links[link] = replace(known, connection=connection, failure=failure)


def list_open_links(s: State, firm: FirmId, business: BusinessId) -> tuple[Link, ...]:
    mine = (k for k in s.links.values() if (k.firm, k.business) == (firm, business))
    return tuple(sorted((k for k in mine if k.next_at is not None), key=lambda k: k.id))


def due_links(s: State, now: datetime, limit: int) -> tuple[Link, ...]:
    due = [
        (link.next_at, link)
        for link in s.links.values()
        if link.next_at is not None and not _is_held(link, now)
        if link.next_at <= now or s.unmatched.get(_hints(link))
    ]
    return tuple(link for _, link in sorted(due, key=lambda pair: (pair[0], pair[1].id))[:limit])


def claim_link(
    s: State, firm: FirmId, link: str, owner: str, now: datetime, lease_s: int
) -> Link | None:
    known = read_link(s, firm, link)
    if known is None or known.sealed is None or (_is_held(known, now) and known.owner != owner):
        return None
    for route in s.unmatched.pop(_hints(known), ()):
        route.state, route.drained_at = RouteState.DRAINED, now
    s.links[link] = replace(known, owner=owner, lease_until=now + timedelta(seconds=lease_s))
    return s.links[link]


def move_link(s: State, firm: FirmId, link: Link) -> bool:
    known = read_link(s, firm, link.id)
    if known is None or known.owner != link.owner:
        return False
    s.links[link.id] = replace(link, owner="", lease_until=None)
    return True


def _is_held(link: Link, now: datetime) -> bool:
    return link.lease_until is not None and link.lease_until > now


def _hints(link: Link) -> tuple[str, str]:
    """Where deliveries that name it wait."""
    return link.app, f"{SESSION}{link.state_hash}"
