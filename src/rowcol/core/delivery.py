"""Delivery: the life of a webhook, from raw bytes to drained. A delivery is a hint, it carries no data onwards.

States of a row per connection (`RouteState`); a body is stored once, a row per connection it speaks of:

    | from      | event                                   | to        |
    |-----------|-----------------------------------------|-----------|
    | (new)     | a connection is known for it            | RECEIVED  |
    | (new)     | none is                                 | UNMATCHED |
    | UNMATCHED | a connection with that id appears       | RECEIVED  |
    | RECEIVED  | the commit that stored its signals      | DRAINED   |
    | RECEIVED  | its body could not be translated        | PARKED    |
    | PARKED    | an operator replays it                  | RECEIVED  |
    | DRAINED   | an operator replays it                  | RECEIVED  |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rowcol.core.ids import AppId, ConnectionId, DeliveryId, FirmId, RemoteId

SESSION = "session:"
"""Begins the remote id of a delivery that speaks of a link session, by the hash of its token, and of no login."""
PENDING_MAX = 500
"""Deliveries of one connection that one view carries; the rest keeps it due."""


class RouteState(StrEnum):
    """Where a delivery stands for one connection."""

    RECEIVED = "RECEIVED"
    UNMATCHED = "UNMATCHED"
    DRAINED = "DRAINED"
    PARKED = "PARKED"


@dataclass(frozen=True, slots=True)
class Signal:
    """Something at the rail is worth a look. `stream` is the rail's word for what to look at."""

    stream: str
    reason: str


class NoticeKind(StrEnum):
    """What a rail announces of a login before it happens."""

    CONSENT_ENDS = "CONSENT_ENDS"
    """The person's consent runs out."""
    DISCONNECT = "DISCONNECT"
    """The rail lets go of the login, for a reason of the bank's or its own."""
    NEW_ACCOUNTS = "NEW_ACCOUNTS"
    """The bank has accounts that the login was not consented to show."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An announcement that no call can tell. `until`: when it comes true, None where no readable time was named.

    `since`: when the first delivery of it came. `reason`: the rail's code. `over_at`: when it was answered (a
    repair, added accounts, a later consent); it is kept, so that a late copy does not open it again.
    """

    kind: NoticeKind
    since: datetime | None
    until: datetime | None = None
    reason: str = ""
    over_at: datetime | None = None

    @property
    def text(self) -> str:
        """What is said of it."""
        why = f" ({self.reason})" if self.reason else ""
        if self.kind is NoticeKind.NEW_ACCOUNTS:
            return f"the bank has accounts that this login does not show{why}"
        what = "its consent ends" if self.kind is NoticeKind.CONSENT_ENDS else "it is disconnected"
        return f"{what} {'soon' if self.until is None else f'on {self.until:%Y-%m-%d}'}{why}"


NOTICE = "notice."
"""Begins the stream of a signal that is a notice: it travels as signals do, and the state keeps it apart."""
COPIES_COME = timedelta(minutes=15)
"""A notice without a time, so soon after the last one was answered, is taken for a late copy of it."""


def announcement(kind: NoticeKind, until: datetime | None, reason: str) -> Signal:
    """A notice as a signal; `notice_of` reads it."""
    return Signal(f"{NOTICE}{kind}", f"{'' if until is None else until.isoformat()}|{reason}")


def notice_of(stream: str, reason: str, since: datetime | None) -> Notice:
    """The notice in a signal that `announcement` made."""
    when, _, why = reason.partition("|")
    until = datetime.fromisoformat(when) if when else None
    return Notice(NoticeKind(stream.removeprefix(NOTICE)), since, until, why)


def heard(notices: tuple[Notice, ...], new: Notice) -> tuple[Notice, ...]:
    """With one more, one of a kind. Of two the one for the later time counts, in whatever order and number they come."""
    old = next((each for each in notices if each.kind is new.kind), None)
    if old is not None and not _says_more(new, old):
        return notices
    return tuple(sorted((*(n for n in notices if n.kind is not new.kind), new), key=_by_kind))


def _says_more(new: Notice, old: Notice) -> bool:
    if new.until is not None:
        return old.until is None or new.until > old.until
    if new.since is None:
        return False
    if old.over_at is None:
        return old.until is not None and old.until <= new.since
    return new.since - old.over_at >= COPIES_COME


def _by_kind(notice: Notice) -> str:
    return notice.kind


@dataclass(frozen=True, slots=True)
class Authentic:
    """The bytes are the rail's. `dedup_key` is equal only for copies of one delivery, so it is stored once."""

    signed_at: datetime | None
    dedup_key: str


@dataclass(frozen=True, slots=True)
class NeedsKey:
    """Cannot be judged before the verification key `key_id` is known."""

    key_id: str


@dataclass(frozen=True, slots=True)
class Unauthentic:
    """Not the rail's, or too old; `reason` is for our logs, never for the sender."""

    reason: str


Verdict = Authentic | NeedsKey | Unauthentic


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A rail's public key. `jwk` is the rail's JSON; `expired_at` once the rail has retired it.

    `fetched_at`: when we asked for it; it is asked for again after a day, and when another appears.
    """

    app: AppId
    key_id: str
    jwk: str
    expired_at: datetime | None
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Incoming:
    """An authenticated, routed delivery, ready to be stored."""

    id: DeliveryId
    rail: str
    app: AppId
    remote_ids: tuple[RemoteId, ...]
    kind: str
    dedup_key: str
    signed_at: datetime | None
    received_at: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pending:
    """A stored delivery as reconcile claims it for one connection."""

    id: DeliveryId
    rail: str
    kind: str
    received_at: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listed:
    """A delivery as people list it; `firm` and `connection` are None while unmatched."""

    id: DeliveryId
    rail: str
    app: AppId
    kind: str
    state: RouteState
    firm: FirmId | None
    connection: ConnectionId | None
    remote_id: RemoteId
    signed_at: datetime | None
    received_at: datetime
    drained_at: datetime | None
    note: str
