"""Links in memory: consents on their way, each good for one callback."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rowcol.adapters.memory.state import State, own
from rowcol.core.ids import ConnectionId, FirmId
from rowcol.core.records import Link
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
        if link.state_hash == state_hash and link.used_at is None and now < link.expires_at:
            s.links[link.id] = replace(link, used_at=now)
            return s.links[link.id]
    return None


def end_link(
    s: State, firm: FirmId, link: str, connection: ConnectionId | None, failure: str
) -> None:
    known = read_link(s, firm, link)
    if known is not None:
        s.links[link] = replace(known, connection=connection, failure=failure)
