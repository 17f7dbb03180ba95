"""Link tokens and their sessions: what was asked for, and how far each person came on the hosted page.

State only. What a request may ask is in `link_requests`, what a person does in `link_flow`, the page in `hosted_link`.
A token is forgotten, as an unknown one, 6 h after its end and its last session: how long Plaid knows it is not documented.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from rowcol.sandbox.dice import Dice
from rowcol.sandbox.plaid.catalog import Institution
from rowcol.sandbox.plaid.items import Item, Login

SESSION_KEPT: Final = timedelta(hours=6)
"""Session data is given for six hours after the session ended (docs "Hosted Link")."""
N_SESSIONS_MAX: Final = 50
_N_EVENTS_KEPT: Final = 100


class Stage(StrEnum):
    """Where a session stands; the value is the name of the form on the page."""

    BANK = "bank"
    LOGIN = "login"
    ACCOUNTS = "accounts"
    CONSENT = "consent"
    SUCCESS = "success"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """What `/link/token/create` asked for, checked."""

    client_id: str
    client_name: str
    language: str
    country_codes: tuple[str, ...]
    products: tuple[str, ...] = ()
    webhook: str | None = None
    days_requested: int = 90
    redirect_uri: str | None = None
    account_filters: Mapping[str, Any] | None = None
    user_id: str | None = None
    is_hosted: bool = False
    completion_redirect_uri: str | None = None
    item: Item | None = None
    """The Item to update; None for a new one."""
    has_account_selection: bool = False
    """Update mode offers the accounts again."""


@dataclass(slots=True)
class LinkSession:
    """One visit to the page, by one person."""

    session_id: str
    started_at: datetime
    stage: Stage
    bank: Institution | None = None
    login: Login | None = None
    chosen_ids: tuple[str, ...] = ()
    """World accounts."""
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_N_EVENTS_KEPT))
    """Newest first, as the API lists them."""
    n_events: int = 0
    n_wrong_logins: int = 0
    error: dict[str, Any] | None = None
    """What the page says went wrong at the last step; at the end, what the person left with."""
    finished_at: datetime | None = None
    exit_status: str | None = None
    item_add_result: dict[str, Any] | None = None

    @property
    def public_tokens(self) -> list[str]:
        """At most one: several Items in a session are not offered."""
        return [] if self.item_add_result is None else [self.item_add_result["public_token"]]


@dataclass(slots=True)
class LinkToken:
    """A token and its sessions, oldest first."""

    token: str
    hosted_id: str
    """The last part of the page's address."""
    request: LinkRequest
    created_at: datetime
    expires_at: datetime
    sessions: list[LinkSession] = field(default_factory=list)
    is_invalidated: bool = False
    """Too many wrong logins (docs, error INVALID_LINK_TOKEN)."""

    @property
    def is_used(self) -> bool:
        """Whether a session succeeded: a token is good for one success."""
        return any(session.stage is Stage.SUCCESS for session in self.sessions)

    def is_open(self, now: datetime) -> bool:
        """Whether a person may still begin or go on."""
        return not self.is_used and not self.is_invalidated and now < self.expires_at

    def session(self, session_id: str) -> LinkSession | None:
        """None when this token never had it."""
        return next((one for one in self.sessions if one.session_id == session_id), None)

    def visible_sessions(self, now: datetime) -> list[LinkSession]:
        """Those that `/link/token/get` still tells of."""
        return [
            one
            for one in self.sessions
            if one.finished_at is None or now <= one.finished_at + SESSION_KEPT
        ]

    def known_until(self) -> datetime:
        """From when on the token is as good as unknown."""
        ends = [one.finished_at for one in self.sessions if one.finished_at is not None]
        return max([self.expires_at, *ends]) + SESSION_KEPT


class LinkTokens:
    """Every token that is not forgotten."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._by_token: dict[str, LinkToken] = {}
        self._by_hosted_id: dict[str, LinkToken] = {}

    def add(self, token: str, request: LinkRequest, now: datetime, life: timedelta) -> LinkToken:
        """A new token. Those whose time is over are forgotten meanwhile."""
        for old in [one for one in self._by_token.values() if now > one.known_until()]:
            del self._by_token[old.token], self._by_hosted_id[old.hosted_id]
        hosted_id = self._dice.ident("hosted link", token)
        made = LinkToken(token, hosted_id, request, now, now + life)
        self._by_token[token] = self._by_hosted_id[hosted_id] = made
        return made

    def find(self, token: str, now: datetime) -> LinkToken | None:
        """None when unknown or forgotten."""
        found = self._by_token.get(token)
        return None if found is None or now > found.known_until() else found

    def hosted(self, hosted_id: str) -> LinkToken | None:
        """The token of a page; None where no page is."""
        found = self._by_hosted_id.get(hosted_id)
        return None if found is None or not found.request.is_hosted else found

    def all(self) -> list[LinkToken]:
        """In the order of creation."""
        return list(self._by_token.values())

    def open_session(self, link_token: LinkToken, now: datetime) -> LinkSession | None:
        """A person opens the page; None when that happened too often."""
        if len(link_token.sessions) >= N_SESSIONS_MAX:
            return None
        item = link_token.request.item
        session = LinkSession(
            self._dice.guid("link session", link_token.token, len(link_token.sessions)),
            now,
            Stage.BANK if item is None else Stage.LOGIN,
            None if item is None else item.institution,
        )
        link_token.sessions.append(session)
        return session

    def event_id(self, session: LinkSession) -> str:
        """The id of the session's next event."""
        session.n_events += 1
        return self._dice.guid("link event", session.session_id, session.n_events)
