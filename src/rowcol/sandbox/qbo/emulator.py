"""The QuickBooks Online emulator: companies with their books, consents, webhooks, limits and a meter under one clock.

State and events only. The HTTP face is `app`; people edit through `Company.books`. Start with `add_company`, `consent`
and `run_due`: whoever owns the clock calls it, and equal seeds give equal histories.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rowcol.ports import Clock
from rowcol.sandbox.delivery import WebhookSender
from rowcol.sandbox.dice import Bits, Dice
from rowcol.sandbox.qbo.books import Edit
from rowcol.sandbox.qbo.catalog import KINDS
from rowcol.sandbox.qbo.company import Company
from rowcol.sandbox.qbo.events import Event
from rowcol.sandbox.qbo.faults import Faults
from rowcol.sandbox.qbo.limits import RateLimits
from rowcol.sandbox.qbo.meter import Meter
from rowcol.sandbox.qbo.replays import Replays
from rowcol.sandbox.qbo.switches import Switches
from rowcol.sandbox.qbo.tokens import ACCOUNTING, Grant, Tokens
from rowcol.sandbox.qbo.values import CompanyClock
from rowcol.sandbox.qbo.webhooks import Lane, Outbox

_REALM_LOW: Final = 10**18


@dataclass(frozen=True, slots=True)
class QboClient:
    """An app of the developer. `redirect_uris` None allows any; without `webhook_url` nothing is sent."""

    secret: str = "qbo-secret"  # noqa: S105  (an emulator's, known to everybody)
    verifier_token: str = "qbo-verifier"  # noqa: S105
    redirect_uris: tuple[str, ...] | None = None
    webhook_url: str | None = None


DEFAULT_CLIENTS: Final[Mapping[str, QboClient]] = {"qbo-client": QboClient()}


class QboEmulator:
    """One workspace of one developer, with all its apps, and the companies of everybody."""

    def __init__(
        self,
        clock: Clock,
        rng: Bits,
        switches: Switches,
        send: WebhookSender,
        *,
        clients: Mapping[str, QboClient] = DEFAULT_CLIENTS,
        kept_max: int | None = None,
    ) -> None:
        """`kept_max`: how many requests and replayable answers are remembered; None, for benches, is all."""
        self.clock = clock
        self.switches = switches
        self.dice = Dice(rng)
        self.clients: dict[str, QboClient] = {}
        self.companies: dict[str, Company] = {}
        self.tokens = Tokens(self.dice, switches)
        self.limits = RateLimits(switches)
        self.meter = Meter(kept_max=kept_max)
        self.faults = Faults()
        self.replays = Replays(switches, kept_max)
        self.outbox = Outbox(clock, send, self.dice, switches)
        self.stirred = asyncio.Event()
        """Set whenever something new was planned; `run_forever` waits on it."""
        self.n_requests = 0
        self._n_events = 0
        for client_id, client in clients.items():
            self.add_client(client_id, client)

    # People

    def add_client(self, client_id: str, client: QboClient) -> None:
        """Register an app, or change it; events that wait keep waiting."""
        self.clients[client_id] = client
        if client.webhook_url is not None:
            lane = Lane(client_id, client.webhook_url, client.verifier_token)
            before = self.outbox.lanes.get(client_id)
            if before is not None:
                lane.waiting, lane.failed = before.waiting, before.failed
            self.outbox.lanes[client_id] = lane

    def add_company(
        self,
        name: str,
        realm_id: str | None = None,
        time_zone: str = "America/New_York",
        clock_offset: timedelta = timedelta(0),
        country: str = "US",
    ) -> Company:
        """A company with a chart of accounts and empty books, in its country's currency. Its clock may be off."""
        if realm_id is None:
            drawn = self.dice.number("realm", len(self.companies), name, n_bytes=16)
            realm_id = str(_REALM_LOW + drawn % (9 * _REALM_LOW))
        clock = CompanyClock(self.clock, time_zone, clock_offset)
        company = Company(realm_id, name, clock, self.switches, self._announce, country)
        self.companies[realm_id] = company
        return company

    def consent(
        self,
        client_id: str,
        realm_id: str,
        *,
        scopes: Sequence[str] = (ACCOUNTING,),
        redirect_uri: str | None = None,
    ) -> str:
        """A person clicked Connect: a code, good for ten minutes and one exchange."""
        now = self.clock.now()
        grant = Grant(client_id, realm_id, tuple(scopes), now)
        return self.tokens.offer(grant, redirect_uri, now)

    def expire_access(self, realm_id: str) -> None:
        """Every access token of the realm is expired; refresh tokens live on."""
        self.tokens.expire_access(realm_id, self.clock.now())

    def revoke_consent(self, realm_id: str) -> None:
        """The user disconnects: `invalid_grant` and 401 from now on, no more webhooks."""
        self.tokens.disconnect(realm_id, self.clock.now())

    # Time

    def next_event_at(self) -> datetime | None:
        """When the next delivery is due; None when nothing will happen by itself."""
        return self.outbox.next_due_at()

    async def run_due(self, now: datetime) -> int:
        """Deliver what is due at `now`. Returns how many POSTs were tried."""
        return await self.outbox.deliver_due(now)

    async def flush(self) -> int:
        """Try everything that waits, whatever its time. Returns how many."""
        return await self.outbox.deliver_all()

    # Inside

    def _announce(self, realm_id: str, edit: Edit) -> None:
        """Tell every connected app, if it is to hear of such an edit."""
        switches = self.switches
        if realm_id not in self.companies or not KINDS[edit.entity].has_webhooks:
            return
        if edit.is_linked and not switches.webhook_linked_changes:
            return
        if edit.entity == "Preferences" and edit.operation != "update":
            return
        for client_id in self.outbox.lanes:
            is_own = edit.by == client_id and not switches.echo_own_writes
            if is_own or not self.tokens.is_connected(client_id, realm_id):
                continue
            self._n_events += 1
            event = Event(
                self.dice.guid("event", self._n_events),
                realm_id,
                edit.entity,
                edit.row_id,
                edit.operation,
                edit.at,
                edit.deleted_id,
            )
            self.outbox.put(client_id, event, self.clock.now())
            self.stirred.set()
