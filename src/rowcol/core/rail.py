"""Rail: what the engine may ask of a rail. Pure: it builds requests, reads answers, judges and translates deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import Signal, Verdict, VerificationKey
from rowcol.core.evidence import Coverage, Observation
from rowcol.core.ids import AppId, RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.quota import QuotaRule
from rowcol.core.tariff import Price
from rowcol.core.wire import RawDelivery, Request, Response


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing a rail can be asked. `tariff`: the price item it costs per call, None: free.

    `quotas`: limits by environment. `is_live`: the rail contacts the bank for it. `is_callable`:
    `call_api` may reach it.
    """

    name: str
    method: str
    path: str
    timeout_s: float
    tariff: str | None = None
    quotas: Mapping[str, tuple[QuotaRule, ...]] = field(default_factory=dict)
    is_live: bool = False
    is_callable: bool = False
    summary: str = ""


@dataclass(frozen=True, slots=True)
class RailSpec:
    """What a rail is, as data. `events`: (type, code) -> the signals such a delivery means; docs render from it.

    `live`: the priced endpoint that brings a live value, "" where a rail has none.
    """

    name: str
    base_urls: Mapping[str, str]
    endpoints: Mapping[str, Endpoint]
    events: Mapping[tuple[str, str], tuple[Signal, ...]]
    prices: tuple[Price, ...]
    live: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One call worth making. `arguments` are the rail's; `stream` is what it pages through, if anything."""

    endpoint: str
    arguments: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    stream: str = ""


@dataclass(frozen=True, slots=True)
class CannotHelp:
    """The call would not bring what it is made for; `reason` is a sentence for a person."""

    reason: str


class Deed(StrEnum):
    """What is done to a login at a person's word only; no plan proposes it."""

    REMOVE = "REMOVE"
    """End the login at the rail, and its fee. It cannot be taken back."""
    POINT_WEBHOOK = "POINT_WEBHOOK"
    """Have its deliveries sent to the app's address."""
    REFRESH = "REFRESH"
    """Have the rail look at the bank for changes, at a price."""


@dataclass(frozen=True, slots=True)
class Want:
    """What free evidence is wanted for. `since`: a look before this does not count as one.

    `balances`: the balances themselves are needed, not only the time of the rail's last look.
    `streams`: pending changes should be fetched too.
    """

    since: datetime | None
    balances: bool
    streams: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row for the mirror; `body` None is a tombstone."""

    entity: str
    remote_id: RemoteId
    remote_version: str
    remote_at: datetime | None
    body: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says. Rows of an unfinished stream are `staged`; `publishes` puts them in the mirror
    together with the state's cursor; `discards` drops them."""

    state: ConnectionState
    observations: tuple[Observation, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    rows: tuple[Row, ...] = ()
    staged: tuple[Row, ...] = ()
    publishes: str | None = None
    discards: str | None = None
    remote_request_id: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is no reading. `detail` is a code or short text safe to store and show."""

    outcome: Outcome
    detail: str
    state: ConnectionState
    discards: str | None = None
    remote_request_id: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets for one request: the app's keys and the connection's token. Never logged."""

    app: Mapping[str, str] = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a step of connecting a login gave: a link or public token on the way, an access token at the end.

    `remote_id` is set with the access token. `url`: where a person consents, if anywhere.
    """

    value: str = field(repr=False)
    remote_id: RemoteId = RemoteId("")
    expires_at: datetime | None = None
    url: str = ""


class Rail(Protocol):
    """One rail. Everything here is a pure function of its arguments; bad input raises nothing but what is named."""

    @property
    def spec(self) -> RailSpec:
        """What the rail is, as data."""

    def free_look(self, state: ConnectionState, want: Want) -> Look | None:
        """The next free call that would bring evidence which `state` lacks; None when there is none."""

    def paid_look(self, state: ConnectionState) -> Look | CannotHelp:
        """The priced call that brings a live value, or why it would not."""

    def deed_look(self, deed: Deed, state: ConnectionState, webhook: str) -> Look | CannotHelp:
        """The call that does it, or why it would do nothing. `webhook`: the app's address for deliveries."""

    def request(self, look: Look, credentials: Credentials) -> Request:
        """The request of a look."""

    def read(self, look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
        """What the answer says, whatever its bytes: anything unexpected is a `Failure`."""

    def silent(
        self, look: Look, outcome: Outcome, detail: str, at: datetime, state: ConnectionState
    ) -> Failure:
        """The same for a call that got no answer."""

    def read_grant(self, look: Look, response: Response) -> Grant | Failure:
        """What a step of connecting gave (link token, public token, exchange)."""

    def authenticate(self, delivery: RawDelivery, keys: Mapping[str, VerificationKey]) -> Verdict:
        """Whether the raw bytes are the rail's and recent; judged before anything in the body is parsed."""

    def key_look(self, key_id: str) -> Look:
        """The free call that fetches a verification key."""

    def read_key(self, app: AppId, response: Response) -> VerificationKey | Failure:
        """The key in the answer to `key_look`."""

    def route(self, body: bytes) -> tuple[str, tuple[RemoteId, ...]]:
        """Kind of the delivery and the remote ids it speaks of; `ValueError` where the bytes say neither."""

    def translate(self, body: bytes) -> tuple[Signal, ...]:
        """What a delivery hints at; unknown kinds are a hint to look at everything. `ValueError`: not readable."""
