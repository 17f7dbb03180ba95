"""Records: rows of the call log and of the people behind it, as they are listed. What a reconcile writes is in `change`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rowcol.core.budget import Budget
from rowcol.core.ids import AppId, BusinessId, CallId, ConnectionId, FirmId
from rowcol.core.money import Cost
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Billed, Outcome


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the call log."""

    id: CallId
    firm: FirmId
    business: BusinessId | None
    connection: ConnectionId | None
    rail: str
    app: AppId
    environment: str
    endpoint: str
    trigger: Trigger
    purpose: Purpose | None
    reason: str
    price: Cost
    cost: Cost
    billed: Billed | None
    outcome: Outcome | None
    detail: str
    status: int | None
    opened_at: datetime
    settled_at: datetime | None
    remote_request_id: str
    units: int = 0
    """Of the app's month pool: reserved while open, afterwards what was counted."""


@dataclass(frozen=True, slots=True)
class Burn:
    """Who used how much of a month's pool: `calls` that were counted, and their units."""

    rail: str
    app: AppId
    business: BusinessId | None
    trigger: Trigger
    endpoint: str
    calls: int
    units: int


def most_first(burn: Burn) -> tuple[object, ...]:
    """How burns are ordered: whoever used the most, and where that is equal, by who and what."""
    what = (burn.rail, burn.app, burn.business or "", burn.trigger, burn.endpoint)
    return (-burn.units, -burn.calls, *what)


THROTTLES_MAX = 1000
"""Of an app's metered calls, the newest that are listed at once."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """How a recent metered call of an app ended, for telling one company's limit from the month's."""

    connection: ConnectionId | None
    outcome: Outcome
    settled_at: datetime
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Spending:
    """What a month cost one firm under one key of the budget, for `cost`."""

    month: str
    budget: Budget


class LinkKind(StrEnum):
    """What a link is for. A CONSENT ends with a callback; of the others the rail is asked (`services/sessions`)."""

    CONSENT = "CONSENT"
    CONNECT = "CONNECT"
    REPAIR = "REPAIR"
    ADD_ACCOUNTS = "ADD_ACCOUNTS"


class LinkEnd(StrEnum):
    """How a link session ended."""

    DONE = "DONE"
    FAILED = "FAILED"
    DUPLICATE = "DUPLICATE"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Link:
    """A consent or a link session that was begun. `state_hash`: of the secret that the rail sends a person back with,
    or of the link token.

    It is used once, before `expires_at`. `connection` or `failure` say how it ended. Of a session alone: `target`, the
    login that it is for; `sealed`, token and address; `next_at`, when to ask the rail next, None: never; `polls`, how
    often it was asked; `owner` and `lease_until`, who does. `used_at` is of a consent alone.
    """

    id: str
    state_hash: str
    firm: FirmId
    business: BusinessId
    app: AppId
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    connection: ConnectionId | None = None
    failure: str = ""
    kind: LinkKind = LinkKind.CONSENT
    target: ConnectionId | None = None
    sealed: bytes | None = field(default=None, repr=False)
    next_at: datetime | None = None
    polls: int = 0
    owner: str = ""
    lease_until: datetime | None = None
    ended: LinkEnd | None = None
    is_double_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as listed; the token itself is only known to its holder (we keep its SHA-256)."""

    token_hash: str = field(repr=False)
    firm: FirmId
    role: str
    label: str
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Firm:
    """The tenant. `settings`: what the firm chose (policy, price book, budget) as JSON-able data."""

    id: FirmId
    name: str
    created_at: datetime
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Business:
    """One client business. `external_id` is the host's or the firm's own id for it."""

    id: BusinessId
    firm: FirmId
    name: str
    external_id: str
    created_at: datetime
