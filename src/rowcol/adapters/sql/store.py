"""SqlStore: the port `FullStore` over SQL. Each method runs one function of this package in one transaction.

Which function holds the semantics of what: `calls` (open_call, settle, call log), `commit` (commit,
tokens of connections), `facts` (observations, coverages), `mirror` (rows), `inbox` (deliveries),
`accounts` (looks, roles and verdicts of bank accounts), `subjects` (leases, due), `needs` (needs, decisions), `views` (reads), `people` (what people write),
`pools` (metered calls of a month), `links` (consents), `clock_back`, `upkeep`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Concatenate, ParamSpec, TypeVar

from rowcol.adapters.sql import (
    accounts,
    calls,
    clock_back,
    commit,
    inbox,
    links,
    mirror,
    needs,
    people,
    pools,
    subjects,
    upkeep,
    views,
)
from rowcol.adapters.sql.executor import Executor
from rowcol.adapters.sql.tx import Tx
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

P = ParamSpec("P")
T = TypeVar("T")


class SqlStore:
    """Truth in a database. Use `open_sqlite`, `open_url` or `open_engine` of this package to get one."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    async def _write(
        self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self.executor.write(lambda tx: function(tx, *args, **kwargs))

    async def _read(
        self, function: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self.executor.read(lambda tx: function(tx, *args, **kwargs))

    async def open_call(self, firm: FirmId, intent: c.Intent) -> c.NotBefore | c.Refused | None:
        return await self._write(calls.open_call, firm, intent)

    async def store_token(
        self, firm: FirmId, connection: ConnectionId, old: bytes | None, new: bytes
    ) -> bool:
        return await self._write(commit.store_token, firm, connection, old, new)

    async def commit(self, firm: FirmId, change: c.Change) -> c.Committed:
        return await self._write(commit.commit, firm, change)

    async def settle(self, firm: FirmId, settlement: c.Settlement) -> None:
        await self._write(calls.settle, firm, settlement)

    async def add_needs(self, firm: FirmId, wanted: Sequence[Need]) -> None:
        await self._write(needs.add_needs, firm, wanted)

    async def read_answers(self, firm: FirmId, ids: Sequence[NeedId]) -> dict[NeedId, c.Answered]:
        return await self._read(needs.read_answers, firm, ids)

    async def record_decisions(self, firm: FirmId, records: Sequence[c.DecisionRecord]) -> None:
        await self._write(needs.record_decisions, firm, records)

    async def read_view(self, firm: FirmId, connection: ConnectionId) -> c.ConnectionView | None:
        return await self._read(views.read_view, firm, connection)

    async def read_business_views(
        self, firm: FirmId, business: BusinessId
    ) -> tuple[c.ConnectionView, ...]:
        return await self._read(views.read_business_views, firm, business)

    async def list_calls(
        self,
        firm: FirmId,
        *,
        business: BusinessId | None = None,
        after: str = "",
        limit: int = 100,
    ) -> tuple[Call, ...]:
        return await self._read(calls.list_calls, firm, business, after, limit)

    async def list_decisions(
        self,
        firm: FirmId,
        *,
        business: BusinessId | None = None,
        after: str = "",
        limit: int = 100,
    ) -> tuple[c.DecisionRecord, ...]:
        return await self._read(needs.list_decisions, firm, business, after, limit)

    async def list_deliveries(
        self, firm: FirmId, *, state: RouteState | None = None, after: str = "", limit: int = 100
    ) -> tuple[Listed, ...]:
        return await self._read(inbox.list_deliveries, firm, state, after, limit)

    async def read_spending(self, firm: FirmId, month: str) -> tuple[Spending, ...]:
        return await self._read(calls.read_spending, firm, month)

    async def sum_costs(self, firm: FirmId, month: str) -> dict[BusinessId, Cost]:
        return await self._read(calls.sum_costs, firm, month)

    async def sum_units(self, firm: FirmId, month: str) -> tuple[Burn, ...]:
        return await self._read(pools.sum_units, firm, month)

    async def read_rows(
        self, firm: FirmId, connection: ConnectionId, entity: str, ids: Sequence[RemoteId]
    ) -> dict[RemoteId, MirrorRow]:
        return await self._read(mirror.read_rows, firm, connection, entity, ids)

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
        place = mirror.Place(firm, connection, entity)
        return await self._read(mirror.list_due, place, until, after, limit)

    async def list_rows(
        self,
        firm: FirmId,
        connection: ConnectionId,
        entity: str,
        *,
        after: str = "",
        limit: int = 1000,
    ) -> tuple[MirrorRow, ...]:
        return await self._read(mirror.list_rows, firm, connection, entity, after, limit)

    async def list_unlisted(
        self, firm: FirmId, connection: ConnectionId, entity: str, *, limit: int
    ) -> tuple[RemoteId, ...]:
        return await self._read(mirror.list_unlisted, firm, connection, entity, limit)

    async def add_link(self, firm: FirmId, link: Link) -> None:
        await self._write(links.add_link, firm, link)

    async def read_link(self, firm: FirmId, link: str) -> Link | None:
        return await self._read(links.read_link, firm, link)

    async def end_link(
        self, firm: FirmId, link: str, connection: ConnectionId | None, failure: str
    ) -> None:
        await self._write(links.end_link, firm, link, connection, failure)

    async def list_open_links(self, firm: FirmId, business: BusinessId) -> tuple[Link, ...]:
        return await self._read(links.list_open_links, firm, business)

    async def claim_link(
        self, firm: FirmId, link: str, owner: str, now: datetime, lease_s: int
    ) -> Link | None:
        return await self._write(links.claim_link, firm, link, owner, now, lease_s)

    async def move_link(self, firm: FirmId, link: Link) -> bool:
        return await self._write(links.move_link, firm, link)

    async def read_mirror(
        self,
        firm: FirmId,
        connection: ConnectionId,
        entity: str,
        *,
        after: str = "",
        limit: int = 1000,
    ) -> tuple[Row, ...]:
        return await self._read(mirror.read_mirror, firm, connection, entity, after, limit)

    async def add_business(self, firm: FirmId, business: Business) -> None:
        await self._write(people.add_business, firm, business)

    async def list_businesses(
        self, firm: FirmId, *, after: str = "", limit: int = 100
    ) -> tuple[Business, ...]:
        return await self._read(people.list_businesses, firm, after, limit)

    async def read_business(self, firm: FirmId, business: BusinessId) -> Business | None:
        return await self._read(people.read_business, firm, business)

    async def add_connection(self, firm: FirmId, connection: Connection, token: bytes) -> None:
        await self._write(people.add_connection, firm, connection, token)

    async def list_connections(
        self, firm: FirmId, business: BusinessId | None = None
    ) -> tuple[Connection, ...]:
        return await self._read(people.list_connections, firm, business)

    async def set_account_role(
        self,
        firm: FirmId,
        connection: ConnectionId,
        remote_account: RemoteId,
        role: str,
        set_at: datetime,
    ) -> bool:
        return await self._write(
            accounts.set_account_role, firm, connection, remote_account, role, set_at
        )

    async def record_verdict(
        self, firm: FirmId, business: BusinessId, verdict: AccountVerdict
    ) -> None:
        await self._write(accounts.record_verdict, firm, business, verdict)

    async def read_ties(self, firm: FirmId, business: BusinessId) -> AccountTies:
        return await self._read(accounts.read_ties, firm, business)

    async def read_postings(
        self, firm: FirmId, connection: ConnectionId, remote_accounts: Collection[str]
    ) -> dict[str, Postings]:
        return await self._read(accounts.read_postings, firm, connection, remote_accounts)

    async def set_firm_settings(self, firm: FirmId, settings: dict[str, object]) -> None:
        await self._write(people.set_firm_settings, firm, settings)

    async def read_firm(self, firm: FirmId) -> Firm | None:
        return await self._read(people.read_firm, firm)

    async def add_token(self, firm: FirmId, token: Token) -> None:
        await self._write(people.add_token, firm, token)

    async def list_tokens(self, firm: FirmId) -> tuple[Token, ...]:
        return await self._read(people.list_tokens, firm)

    async def revoke_token(self, firm: FirmId, token_hash: str, at: datetime) -> bool:
        return await self._write(people.revoke_token, firm, token_hash, at)

    async def replay(self, firm: FirmId, delivery: DeliveryId) -> bool:
        return await self._write(inbox.replay, firm, delivery)

    async def set_paused(self, firm: FirmId, connection: ConnectionId, *, is_paused: bool) -> bool:
        return await self._write(people.set_paused, firm, connection, is_paused=is_paused)

    async def claim_one(
        self, firm: FirmId, connection: ConnectionId, owner: str, now: datetime, lease_s: int
    ) -> c.Lease | None:
        return await self._write(subjects.claim_one, firm, connection, owner, now, lease_s)

    async def digest(self, firm: FirmId) -> str:
        return await self._read(upkeep.digest, firm)

    async def receive(self, incoming: Sequence[Incoming]) -> tuple[bool, ...]:
        return await self._write(inbox.receive, incoming)

    async def claim(
        self, owner: str, now: datetime, lease_s: int, limit: int, only: Business | None = None
    ) -> tuple[c.Lease, ...]:
        return await self._write(subjects.claim, owner, now, lease_s, limit, only)

    async def next_due_at(self, only: Business | None = None) -> datetime | None:
        return await self._read(subjects.next_due_at, only)

    async def renew(self, leases: Sequence[c.Lease], now: datetime, lease_s: int) -> None:
        await self._write(subjects.renew, leases, now, lease_s)

    async def release(self, lease: c.Lease, next_at: datetime | None) -> None:
        await self._write(subjects.release, lease, next_at)

    async def take_link(self, state_hash: str, now: datetime) -> Link | None:
        return await self._write(links.take_link, state_hash, now)

    async def due_links(self, now: datetime, limit: int) -> tuple[Link, ...]:
        return await self._read(links.due_links, now, limit)

    async def read_pool(self, key: str, month: str) -> Pool | None:
        return await self._read(pools.read_pool, key, month)

    async def block_pool(self, key: str, month: str, until: datetime | None, reason: str) -> None:
        await self._write(pools.block_pool, key, month, until, reason)

    async def list_throttles(self, app: AppId, since: datetime) -> tuple[Throttle, ...]:
        return await self._read(pools.list_throttles, app, since)

    async def read_peaks(self, app: AppId, endpoints: Sequence[str], since: datetime) -> Peaks:
        return await self._read(pools.read_peaks, app, endpoints, since)

    async def find_token(self, token_hash: str) -> Token | None:
        return await self._read(people.find_token, token_hash)

    async def read_key(self, app: AppId, key_id: str) -> VerificationKey | None:
        return await self._read(people.read_key, app, key_id)

    async def store_key(self, key: VerificationKey) -> None:
        await self._write(people.store_key, key)

    async def list_unmatched(self, *, after: str = "", limit: int = 100) -> tuple[Listed, ...]:
        return await self._read(inbox.list_unmatched, after, limit)

    async def add_firm(self, firm: Firm) -> None:
        await self._write(people.add_firm, firm)

    async def list_firms(self) -> tuple[Firm, ...]:
        return await self._read(people.list_firms)

    async def read_switches(self) -> dict[str, str]:
        return await self._read(people.read_switches)

    async def set_switch(self, name: str, reason: str | None) -> None:
        await self._write(people.set_switch, name, reason)

    async def prune(self, horizon: Horizon) -> int:
        return await self._write(upkeep.prune, horizon)

    async def newest_stamp(self) -> datetime | None:
        return await self._read(clock_back.newest_stamp)

    async def forget_after(self, now: datetime) -> None:
        await self._write(clock_back.forget_after, now)

    async def abandon_calls(self, opened_before: datetime, now: datetime) -> int:
        return await self._write(calls.abandon, opened_before, now)

    async def probe(self) -> int | None:
        free_bytes = self.executor.check()
        await self._write(upkeep.probe)
        return free_bytes

    async def close(self) -> None:
        await self.executor.close()
