"""Ports: every Protocol on one screen. Adapters implement them, tests fake them, `bootstrap` joins them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Protocol

from rowcol.core import change as c
from rowcol.core.connection import Connection
from rowcol.core.delivery import Incoming, Listed, RouteState, VerificationKey
from rowcol.core.identity import AccountTies
from rowcol.core.ids import AppId, BusinessId, ConnectionId, DeliveryId, FirmId, NeedId, RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.money import Cost
from rowcol.core.need import Need
from rowcol.core.pool import Peaks, Pool
from rowcol.core.rail import Row
from rowcol.core.records import Burn, Business, Call, Firm, Link, Spending, Throttle, Token
from rowcol.core.retention import Horizon
from rowcol.core.sameness import AccountVerdict, Postings
from rowcol.core.secret import Secret
from rowcol.core.wire import NoAnswer, Request, Response


class Clock(Protocol):
    """Time. Virtual in simulations: then `sleep_until` returns when the clock was advanced."""

    def now(self) -> datetime:
        """Aware UTC."""

    async def sleep_until(self, when: datetime) -> None:
        """Return no earlier than `when`. Only the runner and `services` wait."""


class Rng(Protocol):
    """Dice, so that a seed replays a run."""

    def new_id(self, prefix: str) -> str:
        """`prefix`, `_` and 32 hexadecimal digits, unique; sorts by time of making where the implementation has a clock."""

    def secret(self) -> str:
        """256 random bits, URL-safe. Never from a seed outside tests."""


class Transport(Protocol):
    """The only way to a rail. Never retries, never follows redirects, bounds size and time of an answer."""

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer: ...


class Vault(Protocol):
    """Secrets at rest."""

    def seal(self, plain: str) -> bytes: ...

    def open(self, sealed: bytes) -> Secret:
        """Raise `rowcol.core.refusal.Unreadable` when no configured key opens it."""


class Doorbell(Protocol):
    """Wake-ups within reach of this process: hints that may be lost, never facts."""

    def ring(self, topic: str) -> None: ...

    def listen(self, topic: str) -> Bell:
        """A bell that hears every ring of the topic from now on. Close it after use."""


class Bell(Protocol):
    """One listener of a topic."""

    async def wait(self, until: datetime) -> None:
        """Return when the topic was rung since the last `wait` returned, or at `until`."""

    def close(self) -> None: ...


class Store(Protocol):
    """Truth, tenant first. Implementations: `adapters/sql`, `adapters/memory`; one contract suite for all.

    The three durable writes are `open_call`, `store_token` and `commit` (docs/decisions/0006).
    """

    async def open_call(self, firm: FirmId, intent: c.Intent) -> c.NotBefore | c.Refused | None:
        """Reserve every quota and the budget and write the intent, or nothing at all. None: go ahead."""

    async def store_token(
        self, firm: FirmId, connection: ConnectionId, old: bytes | None, new: bytes
    ) -> bool:
        """Compare-and-swap the sealed token; the old one is kept as previous. False: it was not `old`."""

    async def commit(self, firm: FirmId, change: c.Change) -> c.Committed:
        """All or nothing; the fence guards what `Change` says it guards."""

    async def settle(self, firm: FirmId, settlement: c.Settlement) -> None:
        """Settle a call that belongs to no reconcile (linking, keys). A second settlement of a call changes nothing."""

    # Needs and decisions
    async def add_needs(self, firm: FirmId, needs: Sequence[Need]) -> None: ...

    async def read_answers(self, firm: FirmId, needs: Sequence[NeedId]) -> dict[NeedId, c.Answered]:
        """Answers of those needs that have one."""

    async def record_decisions(self, firm: FirmId, records: Sequence[c.DecisionRecord]) -> None: ...

    # Reads: none of them spends
    async def read_view(
        self, firm: FirmId, connection: ConnectionId
    ) -> c.ConnectionView | None: ...

    async def read_business_views(
        self, firm: FirmId, business: BusinessId
    ) -> tuple[c.ConnectionView, ...]:
        """Views of a business's connections without `pending` and `needs`; empty for another firm's."""

    async def list_calls(
        self, firm: FirmId, *, business: BusinessId | None = None, after: str = "", limit: int = 100
    ) -> tuple[Call, ...]:
        """Newest first; `after`: the id of the last one seen."""

    async def list_decisions(
        self, firm: FirmId, *, business: BusinessId | None = None, after: str = "", limit: int = 100
    ) -> tuple[c.DecisionRecord, ...]: ...

    async def list_deliveries(
        self, firm: FirmId, *, state: RouteState | None = None, after: str = "", limit: int = 100
    ) -> tuple[Listed, ...]: ...

    async def read_spending(self, firm: FirmId, month: str) -> tuple[Spending, ...]: ...

    async def sum_costs(self, firm: FirmId, month: str) -> dict[BusinessId, Cost]:
        """What settled and possibly billed calls opened in that UTC month cost; businesses that cost nothing are left out."""

    async def sum_units(self, firm: FirmId, month: str) -> tuple[Burn, ...]:
        """Who of the firm used how much of the month's pools, the most first."""

    async def read_rows(
        self, firm: FirmId, connection: ConnectionId, entity: str, ids: Sequence[RemoteId]
    ) -> dict[RemoteId, MirrorRow]:
        """Those of the ids that the mirror has, deleted ones included; any number of ids in a few statements."""

    async def list_due(
        self,
        firm: FirmId,
        connection: ConnectionId,
        entity: str,
        until: date,
        *,
        after: tuple[date, RemoteId] | None = None,
        limit: int = 1000,
    ) -> tuple[MirrorRow, ...]:
        """Rows with something open that is due on `until` or before, by due date and remote id."""

    async def list_rows(
        self,
        firm: FirmId,
        connection: ConnectionId,
        entity: str,
        *,
        after: str = "",
        limit: int = 1000,
    ) -> tuple[MirrorRow, ...]:
        """Rows that were not deleted, by remote id."""

    async def list_unlisted(
        self, firm: FirmId, connection: ConnectionId, entity: str, *, limit: int
    ) -> tuple[RemoteId, ...]:
        """Of the rows that were not deleted those that are not staged, by remote id: what a listing has not shown."""

    async def add_link(self, firm: FirmId, link: Link) -> None:
        """A consent that a person was sent off for."""

    async def read_link(self, firm: FirmId, link: str) -> Link | None: ...

    async def end_link(
        self, firm: FirmId, link: str, connection: ConnectionId | None, failure: str
    ) -> None:
        """How the consent ended."""

    async def list_open_links(self, firm: FirmId, business: BusinessId) -> tuple[Link, ...]:
        """Sessions of a business that the rail is still asked about, the oldest first."""

    async def claim_link(
        self, firm: FirmId, link: str, owner: str, now: datetime, lease_s: int
    ) -> Link | None:
        """Lease a session that still has its token, due or not, or make the owner's lease longer. None: somebody else
        holds it, or there is none. Deliveries that name it are drained."""

    async def move_link(self, firm: FirmId, link: Link) -> bool:
        """Write where a session stands and give its lease back. False: `link.owner` does not hold it any more."""

    async def read_mirror(
        self,
        firm: FirmId,
        connection: ConnectionId,
        entity: str,
        *,
        after: str = "",
        limit: int = 1000,
    ) -> tuple[Row, ...]: ...

    # What people and the CLI write
    async def add_business(self, firm: FirmId, business: Business) -> None: ...

    async def list_businesses(
        self, firm: FirmId, *, after: str = "", limit: int = 100
    ) -> tuple[Business, ...]: ...

    async def read_business(self, firm: FirmId, business: BusinessId) -> Business | None: ...

    async def add_connection(self, firm: FirmId, connection: Connection, token: bytes) -> None:
        """Also routes deliveries that were unmatched for its remote id, and makes it due."""

    async def list_connections(
        self, firm: FirmId, business: BusinessId | None = None
    ) -> tuple[Connection, ...]: ...

    async def set_account_role(
        self,
        firm: FirmId,
        connection: ConnectionId,
        remote_account: RemoteId,
        role: str,
        set_at: datetime,
    ) -> bool:
        """False: the firm has no such account."""

    async def record_verdict(
        self, firm: FirmId, business: BusinessId, verdict: AccountVerdict
    ) -> None:
        """What a person said of two accounts, in place of what was said before."""

    async def read_ties(self, firm: FirmId, business: BusinessId) -> AccountTies:
        """Verdicts on a business's accounts, and which of them other businesses of the firm show too."""

    async def read_postings(
        self, firm: FirmId, connection: ConnectionId, remote_accounts: Collection[str]
    ) -> dict[str, Postings]:
        """Posted transactions of those accounts, also those taken back since; accounts without any are left out."""

    async def set_firm_settings(self, firm: FirmId, settings: dict[str, object]) -> None: ...

    async def read_firm(self, firm: FirmId) -> Firm | None: ...

    async def add_token(self, firm: FirmId, token: Token) -> None: ...

    async def list_tokens(self, firm: FirmId) -> tuple[Token, ...]: ...

    async def revoke_token(self, firm: FirmId, token_hash: str, at: datetime) -> bool: ...

    async def replay(self, firm: FirmId, delivery: DeliveryId) -> bool:
        """Make a drained or parked delivery due again."""

    async def set_paused(
        self, firm: FirmId, connection: ConnectionId, *, is_paused: bool
    ) -> bool: ...

    async def claim_one(
        self, firm: FirmId, connection: ConnectionId, owner: str, now: datetime, lease_s: int
    ) -> c.Lease | None:
        """Lease this connection, due or not, for what a person asked for. None: somebody else holds it."""

    async def digest(self, firm: FirmId) -> str:
        """SHA-256 over the values (not times, not ids of ours) of mirror, latest observations and what the inbox
        still holds undrained."""


class PlaneStore(Protocol):
    """The closed list of what cannot know its tenant beforehand."""

    async def receive(self, incoming: Sequence[Incoming]) -> tuple[bool, ...]:
        """Store each delivery once, one row per connection it is for, else as unmatched. One transaction, on disk
        when it returns. True: new; False: a copy of one that was stored before."""

    async def claim(
        self, owner: str, now: datetime, lease_s: int, limit: int, only: Business | None = None
    ) -> tuple[c.Lease, ...]:
        """Lease up to `limit` due subjects: what is asked for and what has been due for a minute, one of each in turn;
        then the rest, the longest due first, firm by firm and business by business in turn. `only`: of this business."""

    async def next_due_at(self, only: Business | None = None) -> datetime | None:
        """The least moment at which anything unleased is due (of one business, if `only`); in the past when something
        is due now."""

    async def renew(self, leases: Sequence[c.Lease], now: datetime, lease_s: int) -> None:
        """Extend those leases that still hold their fence; the others are left to their new holder."""

    async def release(self, lease: c.Lease, next_at: datetime | None) -> None: ...

    async def take_link(self, state_hash: str, now: datetime) -> Link | None:
        """The consent behind a callback, marked used by this very call; None when unknown, used or too old."""

    async def due_links(self, now: datetime, limit: int) -> tuple[Link, ...]:
        """Sessions to ask the rail about that nobody holds: their time has come, or a stored delivery names them."""

    async def read_pool(self, key: str, month: str) -> Pool | None:
        """An app's pool; None before its first metered call of the month."""

    async def block_pool(self, key: str, month: str, until: datetime | None, reason: str) -> None:
        """The rail refuses everybody until then; None: it answers again."""

    async def list_throttles(self, app: AppId, since: datetime) -> tuple[Throttle, ...]:
        """How the app's metered calls ended that were settled since, the oldest first, at most 1,000."""

    async def read_peaks(self, app: AppId, endpoints: Sequence[str], since: datetime) -> Peaks:
        """The fullest spans of an app's settled calls of these endpoints, of all opened in the UTC month of `since` from
        then on. It reads all of them: for people, not for every scrape."""

    async def find_token(self, token_hash: str) -> Token | None: ...

    async def read_key(self, app: AppId, key_id: str) -> VerificationKey | None: ...

    async def store_key(self, key: VerificationKey) -> None: ...

    async def list_unmatched(self, *, after: str = "", limit: int = 100) -> tuple[Listed, ...]: ...

    async def add_firm(self, firm: Firm) -> None: ...

    async def list_firms(self) -> tuple[Firm, ...]: ...

    async def read_switches(self) -> dict[str, str]:
        """Plane-wide switches that operators set (`pause`), name -> reason."""

    async def set_switch(self, name: str, reason: str | None) -> None:
        """None removes it."""

    async def prune(self, horizon: Horizon) -> int:
        """Delete what is over and lies before the horizon: some thousands, so that nobody waits long. How many went;
        call it again until that is 0."""

    async def probe(self) -> int | None:
        """Write something tiny and take it away again. Bytes left on its disk, None where nobody knows; raise what keeps it
        from storing."""

    async def newest_stamp(self) -> datetime | None:
        """The newest time that a clock of ours wrote: one after now is of a clock that ran ahead."""

    async def forget_after(self, now: datetime) -> None:
        """Take back what was stamped after `now`: see `core/clock_back`."""

    async def abandon_calls(self, opened_before: datetime, now: datetime) -> int:
        """Settle intents whose process died: priced ones as possibly billed, and tried for the needs of before. How many
        there were."""

    async def close(self) -> None: ...


class FullStore(Store, PlaneStore, Protocol):
    """What an adapter provides."""
