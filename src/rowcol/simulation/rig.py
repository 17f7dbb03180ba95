"""Rig: a plane and the Plaid emulator under one virtual clock, driven event by event.

    async with open_rig(seed=1) as rig:
        rig.world.open_account("a1", AccountFacts("Checking"), 10_000_00, postings)
        business = await rig.add_business("Harbor Dental")
        await rig.connect(business, ["a1"])
        asked = await rig.ask(business, Purpose.RITUAL)
        await rig.advance_to(rig.clock.now() + timedelta(hours=4))
        asked.answer

Faults: `rig.emulator.outbox.weather` (lost, doubled, shuffled, delayed), `.faults`, `.break_login`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rowcol.adapters.chance import SeededRng
from rowcol.adapters.memory import MemoryStore
from rowcol.adapters.vault import FernetVault, new_key
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.change import Business, Firm
from rowcol.core.connection import Connection
from rowcol.core.ids import AppId, BusinessId, FirmId
from rowcol.core.need import Purpose, question_of
from rowcol.engine.answer import Answer, Open
from rowcol.ports import FullStore, Transport
from rowcol.sandbox.clock import DEFAULT_START_AT, ManualClock
from rowcol.sandbox.delivery import WebhookSender
from rowcol.sandbox.plaid.app import plaid_app
from rowcol.sandbox.plaid.catalog import REAL_INSTITUTIONS, Institution
from rowcol.sandbox.plaid.emulator import DEFAULT_CLIENTS, PlaidEmulator
from rowcol.sandbox.plaid.items import Item, LinkWish
from rowcol.sandbox.plaid.switches import Switches
from rowcol.sandbox.world import World
from rowcol.services.integration import IntegrationService
from rowcol.services.plane import OpenPlane
from rowcol.settings import Settings
from rowcol.simulation.chance import stream
from rowcol.simulation.wires import AsgiApp, AsgiTransport, CountingSender, InboxSender

APP = AppId("demo")
FIRM = FirmId("firm_demo")
WEBHOOK_PATH = f"/webhooks/plaid/{APP}"
DAYS_REQUESTED = 730
STUCK = timedelta(seconds=1)
"""How far the clock moves when a subject stays due though it was just reconciled."""


@dataclass(slots=True)
class Asked:
    """A question and, once there is one, its answer."""

    business: BusinessId
    purpose: Purpose
    asked_at: datetime
    answer: Answer | None = None
    open: Open | None = None


@dataclass(frozen=True, slots=True)
class Wiring:
    """How the two reach each other. The defaults need no socket."""

    base_url: str = "http://emulator"
    public_url: str = "http://service"
    transport: Transport | None = None
    sender: WebhookSender | None = None


@dataclass(slots=True)
class Rig:
    """Service and emulator, standing still until `advance_to`."""

    clock: ManualClock
    world: World
    emulator: PlaidEmulator
    app: App
    plane: OpenPlane
    sent: CountingSender
    waiting: list[Asked] = field(default_factory=list)
    due_at: datetime | None = None

    @property
    def rail_app(self) -> AsgiApp:
        """The emulator's HTTP face."""
        return plaid_app(self.emulator)

    async def add_business(self, name: str, external_id: str = "") -> BusinessId:
        """A client business of the firm."""
        business = BusinessId(self.plane.rng.new_id("biz"))
        row = Business(business, FIRM, name, external_id or name, self.clock.now())
        await self.plane.store.add_business(FIRM, row)
        return business

    async def connect(
        self,
        business: BusinessId,
        account_ids: Sequence[str],
        institution: Institution = REAL_INSTITUTIONS[0],
    ) -> Connection:
        """A person logs in at a bank that has these accounts, and the public token is exchanged."""
        service = IntegrationService(self.plane, business, firm=FIRM)
        await service.begin_connect("plaid")
        wish = LinkWish(
            self.app.keys["client_id"],
            institution,
            webhook=self.app.webhook_url,
            days_requested=DAYS_REQUESTED,
        )
        public_token = self.emulator.offer(wish, account_ids)
        connection = await service.connect("plaid", public_token)
        await self.settle()
        return connection

    def item_of(self, connection: Connection) -> Item:
        """The emulator's side of a login."""
        return self.emulator.items[connection.remote_id]

    async def ask(
        self,
        business: BusinessId,
        purpose: Purpose,
        *,
        deadline: datetime | None = None,
        is_confirmed: bool = False,
    ) -> Asked:
        """Put a question now. What is not answered at once is answered while time advances."""
        now = self.clock.now()
        question = question_of(purpose, now, deadline=deadline, is_confirmed=is_confirmed)
        found = await self.plane.answerer.ask(FIRM, business, question)
        asked = Asked(business, purpose, now)
        if isinstance(found, Answer):
            asked.answer = found
            return asked
        asked.open = found
        self.waiting.append(asked)
        await self.settle()
        return asked

    async def advance_to(self, when: datetime) -> None:
        """Let everything happen that is due until `when`, each at its own time."""
        while True:
            moments = (self.emulator.next_event_at(), self.due_at)
            at = min((moment for moment in moments if moment is not None), default=when)
            if at > when:
                break
            if at <= self.clock.now() and at == self.due_at:
                at = self.clock.now() + STUCK
                if at > when:
                    break
            self.clock.advance_to(at)
            await self._happen()
        self.clock.advance_to(when)

    async def _happen(self) -> None:
        before = self.sent.n_sent
        await self.emulator.run_due(self.clock.now())
        is_due = self.due_at is not None and self.due_at <= self.clock.now()
        if is_due or self.sent.n_sent > before:
            await self.settle()

    async def settle(self) -> None:
        """Reconcile whatever is due now and hand out the answers that came of it."""
        runner = self.plane.runner
        await runner.drain()
        self.due_at = await self.plane.store.next_due_at()
        if self.waiting:
            await self._collect()

    async def _collect(self) -> None:
        needs = [need for asked in self.waiting if asked.open for need in asked.open.needs]
        known = await self.plane.store.read_answers(FIRM, needs)
        if not known:
            return
        for asked in self.waiting:
            if asked.open is not None and asked.open.needs.keys() <= known.keys():
                found = await self.plane.answerer.collect(FIRM, asked.business, asked.open)
                if isinstance(found, Answer):
                    asked.answer = found
                elif found is not None:
                    asked.open = found
        self.waiting = [asked for asked in self.waiting if asked.answer is None]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a rig starts from. `firm` are the firm's own settings (price book, budget)."""

    seed: int = 0
    starts_at: datetime = DEFAULT_START_AT
    policy: str = "evidence"
    firm: Mapping[str, object] = field(default_factory=dict)
    switches: Switches = field(default_factory=Switches)


@asynccontextmanager
async def open_rig(
    setup: Setup | None = None,
    *,
    store: FullStore | None = None,
    world: World | None = None,
    wiring: Wiring | None = None,
    clock: ManualClock | None = None,
) -> AsyncIterator[Rig]:
    """A fresh firm without businesses. The caller closes a store that it brings."""
    setup = setup or Setup()
    clock = clock or ManualClock(setup.starts_at)
    world = world or World()
    wiring = wiring or Wiring()
    (client_id, secret), *_ = DEFAULT_CLIENTS.items()
    keys = {"client_id": client_id, "secret": secret}
    app = App(APP, "plaid", "emulated", wiring.base_url, keys, wiring.public_url + WEBHOOK_PATH)
    inbox = InboxSender(app)
    sent = CountingSender(wiring.sender or inbox)
    emulator = PlaidEmulator(world, clock, stream(setup.seed, "emulator"), setup.switches, sent)
    parts = Parts(
        store=store or MemoryStore(),
        clock=clock,
        rng=SeededRng(setup.seed),
        transport=wiring.transport or AsgiTransport(plaid_app(emulator), clock),
        vault=FernetVault([new_key()]),
        apps=(app,),
    )
    async with Plane.open(Settings.model_construct(), parts=parts, firm=FIRM, run=False) as plane:
        inbox.plane = plane
        chosen: dict[str, object] = {"policy": setup.policy, **setup.firm}
        await plane.store.add_firm(Firm(FIRM, "Demo firm", clock.now(), chosen))
        yield Rig(clock, world, emulator, app, plane, sent)
