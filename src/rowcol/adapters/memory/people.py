"""People in memory: firms, businesses, connections, API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rowcol.adapters.memory import inbox
from rowcol.adapters.memory.state import Login, OpenNeed, State, own
from rowcol.core.connection import Connection
from rowcol.core.ids import ConnectionId, FirmId
from rowcol.core.need import Need
from rowcol.core.records import Business
from rowcol.core.refusal import Conflict, NotFound

_TAKEN = "use the existing one"


def add_business(s: State, firm: FirmId, business: Business) -> None:
    """Raise `Conflict` where the id or the external id is taken in this firm."""
    own(firm, business.firm)
    external_id = business.external_id
    taken = (firm, business.id) in s.businesses or (
        external_id
        and any(
            each.firm == firm and each.external_id == external_id for each in s.businesses.values()
        )
    )
    if taken:
        raise Conflict(f"business {external_id or business.id} is there already", _TAKEN)
    s.businesses[firm, business.id] = business


def add_connection(s: State, firm: FirmId, connection: Connection, token: bytes) -> None:
    """Raise `Conflict` where the rail's id is connected already, `NotFound` for a business of another firm."""
    own(firm, connection.firm)
    if (firm, connection.business) not in s.businesses:
        raise NotFound("no such business in this firm", "list them with `rowcol business list`")
    same = s.by_remote.setdefault((connection.app, connection.remote_id), [])
    login = Login(connection, token, next_at=connection.created_at)
    is_taken = inbox.is_live(login) and any(inbox.is_live(each) for each in same)
    if is_taken or connection.id in s.logins:
        raise Conflict(f"the login {connection.remote_id} is there already", _TAKEN)
    same.append(login)
    s.logins[connection.id] = login
    mine = s.by_business.setdefault((firm, connection.business), [])
    mine.append(login)
    mine.sort(key=lambda each: each.connection.id)
    inbox.adopt(s, login)
    s.touch(login)


def set_paused(s: State, firm: FirmId, connection: ConnectionId, *, is_paused: bool) -> bool:
    """A resumed connection is due at once."""
    login = s.login(firm, connection)
    if login is None:
        return False
    login.connection = replace(login.connection, is_paused=is_paused)
    if not is_paused:
        login.next_at = login.connection.created_at
    s.touch(login)
    return True


def add_needs(s: State, firm: FirmId, needs: Sequence[Need]) -> None:
    """All or none. Raise `NotFound` where one is for a connection of another firm."""
    logins = []
    for need in needs:
        own(firm, need.firm)
        login = s.login(firm, need.connection)
        if login is None:
            what_to_do = "list them with `rowcol connect list`"
            raise NotFound("no such connection in this firm", what_to_do)
        logins.append(login)
    for need, login in zip(needs, logins, strict=True):
        if need.id not in s.needs:
            kept = OpenNeed(need, need.check_at)
            s.needs[need.id] = login.open_needs[need.id] = kept
            s.touch(login)


def revoke_token(s: State, firm: FirmId, token_hash: str, at: datetime) -> bool:
    """False: the firm has no such token, or it was revoked before."""
    token = s.tokens.get(token_hash)
    if token is None or token.firm != firm or token.revoked_at is not None:
        return False
    s.tokens[token_hash] = replace(token, revoked_at=at)
    return True
