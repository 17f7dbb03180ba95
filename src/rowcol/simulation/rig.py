"""Rig: a plane, the Plaid and the QBO emulator under one virtual clock, driven event by event.

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

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from rowcol.adapters.chance import SeededRng
from rowcol.adapters.memory import MemoryStore
from rowcol.adapters.vault import FernetVault, new_key
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.connection import Connection
from rowcol.core.ids import BusinessId
from rowcol.core.need import Purpose, question_of
from rowcol.core.records import Business, Firm
from rowcol.engine.answer import Answer
from rowcol.engine.books import BooksAnswer
from rowcol.engine.resolve import Open
from rowcol.ports import FullStore
from rowcol.sandbox import qbo
from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.plaid.app import plaid_app
from rowcol.sandbox.plaid.catalog import REAL_INSTITUTIONS, Institution
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.items import Item, LinkWish
from rowcol.sandbox.qbo import QboEmulator
from rowcol.sandbox.qbo.company import Company
from rowcol.sandbox.world import World
from rowcol.services import consent
from rowcol.services.integration import IntegrationService
from rowcol.services.plane import OpenPlane
from rowcol.settings import Settings
from rowcol.simulation.chance import stream
from rowcol.simulation.wires import AsgiApp, AsgiTransport, CountingSender, InboxSender
from rowcol.simulation.wiring import (
    BOOKS_WEBHOOK_PATH,
    FIRM,
    WEBHOOK_PATH,
    Setup,
    Wiring,
    bank_app,
    books_app_of,
)

T = TypeVar("T")
DAYS_REQUESTED = 730
REAL_S = 0.05
"""How often it is looked whether somebody waits for the virtual clock, rather than for a real store or socket."""
ALWAYS_ASLEEP = 1
"""The log of decisions, which writes every second."""
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


@dataclass(slots=True)
class AskedBooks:
    """The same about the books."""

    business: BusinessId
    purpose: Purpose
    asked_at: datetime
    answer: BooksAnswer[None] | None = None
    open: Open | None = None


@dataclass(slots=True)
class Rig:
    """Service and emulator, standing still until `advance_to`."""

    clock: ManualClock
    world: World
    emulator: PlaidEmulator
    books: QboEmulator
    app: App
    books_app: App
    plane: OpenPlane
    sent: CountingSender
    waiting: list[Asked | AskedBooks] = field(default_factory=list)
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

    async def connect_books(self, business: BusinessId, company: Company) -> Connection:
        """A person consents for this company and comes back with a code."""
        service = IntegrationService(self.plane, business, firm=FIRM)
        grant = await service.begin_connect("qbo")
        state = parse_qs(urlsplit(grant.url).query)["state"][0]
        code = self.books.consent(self.books_app.keys["client_id"], company.realm_id)
        answers = {"state": state, "code": code, "realmId": company.realm_id}
        connection = await self._meanwhile(consent.complete(self.plane, answers))
        await self.settle()
        return connection

    async def _meanwhile(self, work: Coroutine[Any, Any, T]) -> T:
        """What waits for our own limits, while time passes: no sooner than it does wait for that, however slow the host."""
        task = asyncio.ensure_future(work)
        while not (await asyncio.wait({task}, timeout=REAL_S))[0]:
            if self.clock.n_asleep > ALWAYS_ASLEEP:
                await self.advance_to(self.clock.now() + STUCK)
        return task.result()

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
        if isinstance(found, Open):
            asked.open = found
            await self._wait(asked)
        else:
            asked.answer = found
        return asked

    async def ask_books(
        self, business: BusinessId, purpose: Purpose, *, is_confirmed: bool = False
    ) -> AskedBooks:
        """The same about the books."""
        now = self.clock.now()
        question = question_of(purpose, now, is_confirmed=is_confirmed)
        found = await self.plane.bookkeeper.ask(FIRM, business, question)
        asked = AskedBooks(business, purpose, now)
        if isinstance(found, Open):
            asked.open = found
            await self._wait(asked)
        else:
            asked.answer = found
        return asked

    async def _wait(self, asked: Asked | AskedBooks) -> None:
        self.waiting.append(asked)
        await self.settle()

    async def advance_to(self, when: datetime) -> None:
        """Let everything happen that is due until `when`, each at its own time."""
        while True:
            moments = (self.emulator.next_event_at(), self.books.next_event_at(), self.due_at)
            at = min((moment for moment in moments if moment is not None), default=None)
            if at is None or at > when:
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
        await self.books.run_due(self.clock.now())
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
                await self._take(asked, asked.open)
        self.waiting = [asked for asked in self.waiting if asked.answer is None]

    async def _take(self, asked: Asked | AskedBooks, open_: Open) -> None:
        """Its answer, or what it waits for now."""
        if isinstance(asked, Asked):
            cash = await self.plane.answerer.collect(FIRM, asked.business, open_)
            if isinstance(cash, Open):
                asked.open = cash
            elif cash is not None:
                asked.answer = cash
            return
        books = await self.plane.bookkeeper.collect(FIRM, asked.business, open_)
        if isinstance(books, Open):
            asked.open = books
        elif books is not None:
            asked.answer = books


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
    app, books_app = bank_app(wiring), books_app_of(setup, wiring)
    inbox = InboxSender({WEBHOOK_PATH: app, BOOKS_WEBHOOK_PATH: books_app})
    sent = CountingSender(wiring.sender or inbox)
    emulator = PlaidEmulator(world, clock, stream(setup.seed, "emulator"), setup.switches, sent)
    client = qbo.QboClient(
        secret=books_app.keys["secret"],
        verifier_token=books_app.keys["verifier_token"],
        webhook_url=books_app.webhook_url,
    )
    clients = {books_app.keys["client_id"]: client}
    books = qbo.QboEmulator(clock, stream(setup.seed, "books"), setup.books, sent, clients=clients)
    parts = Parts(
        store=store or MemoryStore(),
        clock=clock,
        rng=SeededRng(setup.seed),
        transport=wiring.transport
        or AsgiTransport(
            {wiring.base_url: plaid_app(emulator), wiring.books_url: qbo.qbo_app(books)}, clock
        ),
        vault=FernetVault([new_key()]),
        apps=(app, books_app),
    )
    async with Plane.open(Settings.model_construct(), parts=parts, firm=FIRM, run=False) as plane:
        inbox.plane = plane
        chosen: dict[str, object] = {"policy": setup.policy, **setup.firm}
        await plane.store.add_firm(Firm(FIRM, "Demo firm", clock.now(), chosen))
        yield Rig(clock, world, emulator, books, app, books_app, plane, sent)
