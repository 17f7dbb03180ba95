"""Rail: what the engine may ask of a rail. Pure: it builds requests, reads answers, judges and translates deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from rowcol.core.app import App
from rowcol.core.books import Record
from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import Signal, Verdict, VerificationKey
from rowcol.core.evidence import Coverage, Observation
from rowcol.core.ids import AppId, RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.outcome import Outcome
from rowcol.core.pool import MonthPool
from rowcol.core.quota import QuotaRule
from rowcol.core.tariff import Price
from rowcol.core.wire import RawDelivery, Request, Response

CONSENT = "consent"
"""The name in `RailSpec.hosts` of a screen of the rail's own where people consent."""


class Role(StrEnum):
    """What a rail knows of a business."""

    CASH = "CASH"
    """Balances at banks, observed account by account."""
    BOOKS = "BOOKS"
    """A mirror of the books, complete as of one time."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing a rail can be asked. `tariff`: the price item it costs per call, None: free.

    `quotas`: limits by environment. `is_callable`: `call_api` may reach it. `host`: which of the rail's
    hosts, "" for the app's own. `is_metered`: a success counts against the month's pool. `is_write`: it
    changes the remote side. `needs`: what a person's call has to give: `a|b` one of them, `body.x` inside
    the body. `choices`: arguments that are one of a list, whatever their case. `is_told`: a document of the rail's own
    may tell another address (`Rail.addresses_look`).
    """

    name: str
    method: str
    path: str
    timeout_s: float
    tariff: str | None = None
    quotas: Mapping[str, tuple[QuotaRule, ...]] = field(default_factory=dict)
    is_callable: bool = False
    summary: str = ""
    host: str = ""
    is_metered: bool = False
    is_write: bool = False
    needs: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class RailSpec:
    """What a rail is, as data. `events`: (type, code) -> the signals such a delivery means; docs render from it.

    `live`: the priced endpoint that brings a live value, "" where a rail has none. `hosts`: the
    rail's other hosts by name, then environment. `pool`: what a month admits of metered calls.
    `sweep_every`: how long a healthy connection may go without a look, `sweep_gapped`: after a
    delivery was found missing. `is_lazy`: a delivery only marks; nothing is read before somebody asks.
    `repaired`: what is worth a look once a person went through an existing login's page again.
    """

    name: str
    base_urls: Mapping[str, str]
    endpoints: Mapping[str, Endpoint]
    events: Mapping[tuple[str, str], tuple[Signal, ...]]
    prices: tuple[Price, ...]
    live: str = ""
    role: Role = Role.CASH
    hosts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pool: MonthPool | None = None
    sweep_every: timedelta = timedelta(hours=24)
    sweep_gapped: timedelta = timedelta(hours=3)
    is_lazy: bool = False
    repaired: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """One call worth making. `arguments` are the rail's; `stream` is what it pages through, if anything.

    `is_full`: it reads everything there is rather than what changed. `is_page`: it goes on in a reading
    of several calls; nobody else's call moves that. `body`: what a write sends, exact numbers as Decimal.
    `accounts`: it brings these and no others; empty: all.
    """

    endpoint: str
    arguments: Mapping[str, str | int | bool | None] = field(default_factory=dict, repr=False)
    stream: str = ""
    is_full: bool = False
    is_page: bool = False
    body: Mapping[str, object] | None = field(default=None, repr=False)
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CannotHelp:
    """The call would not bring what it is made for; `reason` is a sentence for a person. `until`: when it is tried again."""

    reason: str
    until: datetime | None = None


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
    """What free evidence is wanted for, now. `since`: a look before this does not count as one.

    `balances`: the balances themselves are needed, not only the time of the rail's last look. `streams`: pending
    changes should be fetched too. `omits`: of these entities a list of changes does not tell everything.
    """

    since: datetime | None
    now: datetime
    balances: bool
    streams: bool
    omits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row for the mirror; `body` None is a tombstone.

    `due_on`: when something still open in it is due, None where nothing is open.
    """

    entity: str
    remote_id: RemoteId
    remote_version: str
    remote_at: datetime | None
    body: Mapping[str, object] | None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says. Rows of an unfinished stream are `staged`; `publishes` puts them in the mirror
    together with the state's cursor; `discards` drops what was staged before. What the mirror has of entities that
    were listed whole and the stage has not is published as deleted: of `replaces` once it was asked for by id, of
    `buries` at once, as the rail saw to it itself that the list was whole."""

    state: ConnectionState
    observations: tuple[Observation, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    rows: tuple[Row, ...] = ()
    staged: tuple[Row, ...] = ()
    publishes: str | None = None
    discards: bool = False
    replaces: tuple[str, ...] = ()
    buries: tuple[str, ...] = ()
    remote_request_id: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is no reading. `detail` is a code or short text safe to store and show. `gone`: tombstones
    of what it says that there is none of. `advice`: what to do next, for whoever made the call; never stored."""

    outcome: Outcome
    detail: str
    state: ConnectionState
    discards: bool = False
    remote_request_id: str = ""
    gone: tuple[Row, ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets for one request: the app's keys and the connection's token. Never logged.

    `remote_id`: whose connection it is, as the rail names it; "" where the call belongs to none.
    """

    app: Mapping[str, str] = field(repr=False)
    token: str | None = field(default=None, repr=False)
    remote_id: RemoteId = RemoteId("")


@dataclass(frozen=True, slots=True)
class Renewed:
    """A new token in place of the old one. It is stored before it is used."""

    token: str = field(repr=False)
    state: ConnectionState
    remote_request_id: str = ""


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """An account as the rail's page names it. `mask` "" where the bank gives none."""

    name: str
    mask: str
    type: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person chose at the rail's page. `institution`: the rail's id of the bank, "" where it is not known."""

    institution: str = ""
    institution_name: str = ""
    accounts: tuple[ShownAccount, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person consented to at the rail's page: a token good for one exchange, and the accounts they chose."""

    public_token: str = field(repr=False)
    shown: Shown


@dataclass(frozen=True, slots=True)
class Progress:
    """How far people came at the rail's page. `is_open`: somebody is there now. `is_over`: somebody went through to
    the end; `offers`: what came of it, empty where an existing login was repaired. `failure`: in words, why the last
    one left without; `advice`: what to do then."""

    is_open: bool = False
    is_over: bool = False
    offers: tuple[Offer, ...] = ()
    failure: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a step of connecting a login gave: a link or public token on the way, an access token at the end.

    `remote_id` is set with the access token. `url`: where a person consents, if anywhere. `session`: our id of what
    was begun. `progress`: how far people came at `url`, for the call that asks that.
    """

    value: str = field(repr=False)
    remote_id: RemoteId = RemoteId("")
    expires_at: datetime | None = None
    url: str = field(default="", repr=False)
    remote_request_id: str = ""
    session: str = ""
    progress: Progress | None = None


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
        """What a step of connecting gave (link token, how far a person came, public token, exchange)."""

    def consent_url(self, app: App, state: str) -> str:
        """Where a person consents, to be sent back to the app's `callback_url` with `state`; "" where the rail
        gives a link token instead."""

    def addresses_look(self, app: App) -> Look | None:
        """The free call that tells where consent and tokens are; None where that is settled."""

    def read_addresses(self, app: App, response: Response) -> Mapping[str, str] | Failure:
        """Whole addresses by endpoint and `CONSENT`; a `Failure` where one is not the rail's own."""

    def callback_look(self, app: App, answers: Mapping[str, str]) -> Look:
        """The exchange of what the callback brought; `BadInput` where something is missing or was refused."""

    def proof_look(self) -> Look | None:
        """The call that only a token of that very `remote_id` can make, where the rail takes the person's word for
        whose consent it is; None where the exchange itself told."""

    def rows_looks(self, entity: str, ids: Sequence[RemoteId]) -> tuple[Look, ...]:
        """The calls that fetch these rows and no others; empty where the rail has no such call."""

    def units(self, look: Look, app: App) -> int:
        """How much of the month's pool a success of this call uses, at most; 0: not metered."""

    def renewal(self, token: str, state: ConnectionState, now: datetime) -> Look | None:
        """The call that renews this token, if it must be renewed before it is used."""

    def read_renewal(
        self, look: Look, response: Response, token: str, state: ConnectionState
    ) -> Renewed | Failure:
        """What the answer to `renewal` says; `token` is the one that was sent."""

    def record(self, row: MirrorRow, state: ConnectionState) -> Record | None:
        """A row of the mirror as the books' own value; None where it has none. `ValueError`: not readable.

        `state`: of the row's connection, which knows what a row leaves out (its company's currency)."""

    def authenticate(
        self,
        delivery: RawDelivery,
        keys: Mapping[str, VerificationKey],
        secrets: Mapping[str, str],
    ) -> Verdict:
        """Whether the raw bytes are the rail's and recent; judged before anything in the body is parsed.

        `secrets`: the app's own, for rails that sign with one we share."""

    def key_look(self, key_id: str) -> Look:
        """The free call that fetches a verification key."""

    def read_key(self, app: AppId, response: Response) -> VerificationKey | Failure:
        """The key in the answer to `key_look`."""

    def route(self, body: bytes) -> tuple[str, tuple[RemoteId, ...]]:
        """Kind of the delivery and the remote ids it speaks of; `ValueError` where the bytes say neither."""

    def translate(self, body: bytes, remote_id: RemoteId) -> tuple[Signal, ...]:
        """What a delivery hints at for that connection; unknown kinds are a hint to look at everything. `ValueError`: not readable."""
