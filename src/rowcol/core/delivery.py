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
from datetime import datetime
from enum import StrEnum

from rowcol.core.ids import AppId, ConnectionId, DeliveryId, FirmId, RemoteId

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
