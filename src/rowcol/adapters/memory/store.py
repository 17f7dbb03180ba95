"""MemoryStore: the port `FullStore` in plain dicts. One event loop; nothing here awaits, so each method is atomic."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime

from rowcol.adapters.memory import (
    accounts,
    calls,
    clock_back,
    commit,
    inbox,
    links,
    mirror,
    people,
    pools,
    subjects,
    upkeep,
    views,
)
from rowcol.adapters.memory.state import State, own
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
from rowcol.core.refusal import Conflict, NotFound
from rowcol.core.retention import Horizon
from rowcol.core.sameness import AccountVerdict, Postings


class MemoryStore:
    """Truth that ends with the process."""

    def __init__(self) -> None:
        self._s = State()

    async def open_call(self, firm: FirmId, intent: c.Intent) -> c.NotBefore | c.Refused | None:
        return calls.open_call(self._s, firm, intent)

    async def store_token(
        self, firm: FirmId, connection: ConnectionId, old: bytes | None, new: bytes
    ) -> bool:
        return commit.store_token(self._s, firm, connection, old, new)

    async def commit(self, firm: FirmId, change: c.Change) -> c.Committed:
        return commit.commit(self._s, firm, change)

    async def settle(self, firm: FirmId, settlement: c.Settlement) -> None:
        calls.settle(self._s, firm, settlement)

    async def add_needs(self, firm: FirmId, needs: Sequence[Need]) -> None:
        people.add_needs(self._s, firm, needs)

    async def read_answers(self, firm: FirmId, needs: Sequence[NeedId]) -> dict[NeedId, c.Answered]:
        found = {name: self._s.needs.get(name) for name in needs}
        return {
            name: each.answer
            for name, each in found.items()
            if each is not None and each.need.firm == firm and each.answer is not None
        }

    async def record_decisions(self, firm: FirmId, records: Sequence[c.DecisionRecord]) -> None:
        for record in records:
            own(firm, record.firm)
        for record in records:
            self._s.decisions.setdefault(record.id, record)

    async def read_view(self, firm: FirmId, connection: ConnectionId) -> c.ConnectionView | None:
        login = self._s.login(firm, connection)
        return None if login is None else views.view_of(self._s, login)

    async def read_business_views(
        self, firm: FirmId, business: BusinessId
    ) -> tuple[c.ConnectionView, ...]:
        logins = self._s.by_business.get((firm, business), ())
        return tuple(views.short_view_of(login) for login in logins)

    async def list_calls(
        self,
        firm: FirmId,
        *,
        business: BusinessId | None = None,
        after: str = "",
        limit: int = 100,
    ) -> tuple[Call, ...]:
        return calls.page(self._s.calls.values(), firm, business, after, limit)

    async def list_decisions(
        self,
        firm: FirmId,
        *,
        business: BusinessId | None = None,
        after: str = "",
        limit: int = 100,
    ) -> tuple[c.DecisionRecord, ...]:
        return calls.page(self._s.decisions.values(), firm, business, after, limit)

    async def list_deliveries(
        self, firm: FirmId, *, state: RouteState | None = None, after: str = "", limit: int = 100
    ) -> tuple[Listed, ...]:
        return inbox.list_routes(self._s, firm, state, after, limit)

    async def read_spending(self, firm: FirmId, month: str) -> tuple[Spending, ...]:
        return calls.read_spending(self._s, firm, month)

    async def sum_costs(self, firm: FirmId, month: str) -> dict[BusinessId, Cost]:
        return calls.sum_costs(self._s, firm, month)

    async def sum_units(self, firm: FirmId, month: str) -> tuple[Burn, ...]:
        return pools.sum_units(self._s, firm, month)

    async def read_rows(
        self, firm: FirmId, connection: ConnectionId, entity: str, ids: Sequence[RemoteId]
    ) -> dict[RemoteId, MirrorRow]:
        return mirror.read_rows(self._s, firm, connection, entity, ids)

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
        kept = mirror.of_entity(self._s, firm, connection, entity)
        return mirror.due(kept, until, after)[:limit]

    async def list_rows(
        self,
        firm: FirmId,
        connection: ConnectionId,
        entity: str,
        *,
        after: str = "",
        limit: int = 1000,
    ) -> tuple[MirrorRow, ...]:
        kept = mirror.of_entity(self._s, firm, connection, entity)
        return mirror.alive(kept, after)[:limit]

    async def list_unlisted(
        self, firm: FirmId, connection: ConnectionId, entity: str, *, limit: int
    ) -> tuple[RemoteId, ...]:
        login = self._s.login(firm, connection)
        return () if login is None else mirror.unlisted(login, entity)[:limit]

    async def add_link(self, firm: FirmId, link: Link) -> None:
        links.add_link(self._s, firm, link)

    async def read_link(self, firm: FirmId, link: str) -> Link | None:
        return links.read_link(self._s, firm, link)

    async def end_link(
        self, firm: FirmId, link: str, connection: ConnectionId | None, failure: str
    ) -> None:
        links.end_link(self._s, firm, link, connection, failure)

    async def list_open_links(self, firm: FirmId, business: BusinessId) -> tuple[Link, ...]:
        return links.list_open_links(self._s, firm, business)

    async def claim_link(
        self, firm: FirmId, link: str, owner: str, now: datetime, lease_s: int
    ) -> Link | None:
        return links.claim_link(self._s, firm, link, owner, now, lease_s)

    async def move_link(self, firm: FirmId, link: Link) -> bool:
        return links.move_link(self._s, firm, link)

    async def read_mirror(
        self,
        firm: FirmId,
        connection: ConnectionId,
        entity: str,
        *,
        after: str = "",
        limit: int = 1000,
    ) -> tuple[Row, ...]:
        kept = mirror.of_entity(self._s, firm, connection, entity)
        return tuple(each.row for each in kept if each.row.remote_id > after)[:limit]

    async def add_business(self, firm: FirmId, business: Business) -> None:
        people.add_business(self._s, firm, business)

    async def list_businesses(
        self, firm: FirmId, *, after: str = "", limit: int = 100
    ) -> tuple[Business, ...]:
        mine = sorted(name for its, name in self._s.businesses if its == firm and name > after)
        return tuple(self._s.businesses[firm, name] for name in mine[:limit])

    async def read_business(self, firm: FirmId, business: BusinessId) -> Business | None:
        return self._s.businesses.get((firm, business))

    async def add_connection(self, firm: FirmId, connection: Connection, token: bytes) -> None:
        people.add_connection(self._s, firm, connection, token)

    async def list_connections(
        self, firm: FirmId, business: BusinessId | None = None
    ) -> tuple[Connection, ...]:
        mine = (login.connection for login in self._s.logins.values())
        found = [k for k in mine if k.firm == firm and (business is None or k.business == business)]
        return tuple(sorted(found, key=lambda each: each.id))

    async def set_account_role(
        self,
        firm: FirmId,
        connection: ConnectionId,
        remote_account: RemoteId,
        role: str,
        set_at: datetime,
    ) -> bool:
        return accounts.set_account_role(self._s, firm, connection, remote_account, role, set_at)

    async def record_verdict(
        self, firm: FirmId, business: BusinessId, verdict: AccountVerdict
    ) -> None:
        accounts.record_verdict(self._s, firm, business, verdict)

    async def read_ties(self, firm: FirmId, business: BusinessId) -> AccountTies:
        return accounts.read_ties(self._s, firm, business)

    async def read_postings(
        self, firm: FirmId, connection: ConnectionId, remote_accounts: Collection[str]
    ) -> dict[str, Postings]:
        return accounts.read_postings(self._s, firm, connection, remote_accounts)

    async def set_firm_settings(self, firm: FirmId, settings: dict[str, object]) -> None:
        if firm not in self._s.firms:
            raise NotFound(f"no firm {firm!r}", "list them with `rowcol firm list`")
        self._s.firms[firm] = replace(self._s.firms[firm], settings=dict(settings))

    async def read_firm(self, firm: FirmId) -> Firm | None:
        return self._s.firms.get(firm)

    async def add_token(self, firm: FirmId, token: Token) -> None:
        own(firm, token.firm)
        if token.token_hash in self._s.tokens:
            raise Conflict("this token is there already", "use the existing one")
        self._s.tokens[token.token_hash] = token

    async def list_tokens(self, firm: FirmId) -> tuple[Token, ...]:
        mine = [token for token in self._s.tokens.values() if token.firm == firm]
        return tuple(sorted(mine, key=lambda each: (each.created_at, each.token_hash)))

    async def revoke_token(self, firm: FirmId, token_hash: str, at: datetime) -> bool:
        return people.revoke_token(self._s, firm, token_hash, at)

    async def replay(self, firm: FirmId, delivery: DeliveryId) -> bool:
        return inbox.replay(self._s, firm, delivery)

    async def set_paused(self, firm: FirmId, connection: ConnectionId, *, is_paused: bool) -> bool:
        return people.set_paused(self._s, firm, connection, is_paused=is_paused)

    async def claim_one(
        self, firm: FirmId, connection: ConnectionId, owner: str, now: datetime, lease_s: int
    ) -> c.Lease | None:
        return subjects.claim_one(self._s, firm, connection, owner, now, lease_s)

    async def digest(self, firm: FirmId) -> str:
        return views.digest(self._s, firm)

    async def receive(self, incoming: Sequence[Incoming]) -> tuple[bool, ...]:
        return inbox.receive(self._s, incoming)

    async def claim(
        self, owner: str, now: datetime, lease_s: int, limit: int, only: Business | None = None
    ) -> tuple[c.Lease, ...]:
        return subjects.claim(self._s, owner, now, lease_s, limit, only)

    async def next_due_at(self, only: Business | None = None) -> datetime | None:
        return subjects.next_due_at(self._s, only)

    async def renew(self, leases: Sequence[c.Lease], now: datetime, lease_s: int) -> None:
        subjects.renew(self._s, leases, now, lease_s)

    async def release(self, lease: c.Lease, next_at: datetime | None) -> None:
        subjects.release(self._s, lease, next_at)

    async def take_link(self, state_hash: str, now: datetime) -> Link | None:
        return links.take_link(self._s, state_hash, now)

    async def due_links(self, now: datetime, limit: int) -> tuple[Link, ...]:
        return links.due_links(self._s, now, limit)

    async def read_pool(self, key: str, month: str) -> Pool | None:
        return pools.read_pool(self._s, key, month)

    async def block_pool(self, key: str, month: str, until: datetime | None, reason: str) -> None:
        pools.block_pool(self._s, key, month, until, reason)

    async def list_throttles(self, app: AppId, since: datetime) -> tuple[Throttle, ...]:
        return pools.list_throttles(self._s, app, since)

    async def read_peaks(self, app: AppId, endpoints: Sequence[str], since: datetime) -> Peaks:
        return pools.read_peaks(self._s, app, endpoints, since)

    async def find_token(self, token_hash: str) -> Token | None:
        token = self._s.tokens.get(token_hash)
        return None if token is None or token.revoked_at is not None else token

    async def read_key(self, app: AppId, key_id: str) -> VerificationKey | None:
        return self._s.keys.get((app, key_id))

    async def store_key(self, key: VerificationKey) -> None:
        self._s.keys[key.app, key.key_id] = key

    async def list_unmatched(self, *, after: str = "", limit: int = 100) -> tuple[Listed, ...]:
        return inbox.list_routes(self._s, "", RouteState.UNMATCHED, after, limit)

    async def add_firm(self, firm: Firm) -> None:
        if firm.id in self._s.firms:
            raise Conflict(f"firm {firm.id} is there already", "use the existing one")
        self._s.firms[firm.id] = firm

    async def list_firms(self) -> tuple[Firm, ...]:
        return tuple(self._s.firms[name] for name in sorted(self._s.firms))

    async def read_switches(self) -> dict[str, str]:
        return dict(sorted(self._s.switches.items()))

    async def set_switch(self, name: str, reason: str | None) -> None:
        self._s.switches.pop(name, None)
        if reason is not None:
            self._s.switches[name] = reason

    async def prune(self, horizon: Horizon) -> int:
        return upkeep.prune(self._s, horizon)

    async def newest_stamp(self) -> datetime | None:
        return clock_back.newest_stamp(self._s)

    async def forget_after(self, now: datetime) -> None:
        clock_back.forget_after(self._s, now)

    async def abandon_calls(self, opened_before: datetime, now: datetime) -> int:
        return calls.abandon(self._s, opened_before, now)

    async def probe(self) -> int | None:
        return None

    async def close(self) -> None:
        """Nothing to let go of."""
