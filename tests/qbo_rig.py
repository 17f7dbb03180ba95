"""Rig of real books: the QuickBooks adapter over a real SQLite file, and behind it a company whose rows are given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from rowcol.adapters.chance import SeededRng
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.ids import AppId, ConnectionId
from rowcol.core.records import Business, Firm
from rowcol.core.wire import NoAnswer, Request, Response, Silence
from rowcol.rails.qbo.rail import Qbo
from rowcol.services.cache import CacheService
from rowcol.services.plane import OpenPlane
from tests.fakes import FakeClock
from tests.rails.qbo import kit
from tests.rig import BUSINESS, FIRM, settings

CONNECTION = ConnectionId("con-q")
APP = App(
    AppId("qbo-main"),
    "qbo",
    "sandbox",
    "http://books.example",
    {"client_id": "client_id", "secret": "client_secret"},
    metering={"cdc": "call"},
)
PREFERENCES = b"SELECT * FROM Preferences"
TOKEN_LASTS = timedelta(days=400)
SECONDS_MAX = 100


@dataclass
class Wire:
    """The company's side; a transport. `instead`: what answers the call for Preferences, if not the company."""

    clock: FakeClock
    company: kit.Company
    instead: Response | Silence | None = None
    calls: list[str] = field(default_factory=list)

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        now = self.clock.now()
        is_currency = request.body == PREFERENCES
        self.calls.append(
            "preferences" if is_currency else request.path.split("?")[0].split("/")[4]
        )
        if is_currency and isinstance(self.instead, Silence):
            return NoAnswer(self.instead, now, now)
        if is_currency and isinstance(self.instead, Response):
            return self.instead
        return self.company.answer(request, now)

    async def close(self) -> None:
        return


@dataclass
class QboRig:
    """A plane whose only rail is QuickBooks', with one company connected."""

    plane: OpenPlane
    clock: FakeClock
    wire: Wire

    @property
    def service(self) -> CacheService:
        return CacheService(self.plane, BUSINESS)

    async def settle(self) -> None:
        """Make all calls that are due, as our own limits let them: some a second."""
        for _ in range(SECONDS_MAX):
            await self.plane.runner.drain()
            retry_at = (await self.state()).retry_at
            if retry_at is None or retry_at <= self.clock.now():
                return
            self.clock.advance(timedelta(seconds=1))

    async def state(self) -> ConnectionState:
        view = await self.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        return view.connection.state


@asynccontextmanager
async def qbo_rig(
    folder: Path,
    rows: Mapping[str, Sequence[dict[str, Any]]],
    *,
    currency: str = "CAD",
    instead: Response | Silence | None = None,
    state: ConnectionState | None = None,
) -> AsyncIterator[QboRig]:
    """Read whole, unless a `state` is given: then as that left it."""
    clock = FakeClock(kit.NOW)
    company = kit.Company({e: list(found) for e, found in rows.items()}, currency=currency)
    wire = Wire(clock, company, instead)
    parts = Parts(clock=clock, rng=SeededRng(1), transport=wire, rails={"qbo": Qbo()}, apps=(APP,))
    async with Plane.open(
        settings(folder), parts=parts, firm=FIRM, run=False, may_be_new=True
    ) as plane:
        await plane.store.add_firm(Firm(FIRM, "Firm", kit.NOW))
        row = Business(BUSINESS, FIRM, "Business", "b-1", kit.NOW)
        await plane.store.add_business(FIRM, row)
        login = Connection(
            CONNECTION,
            FIRM,
            BUSINESS,
            "qbo",
            APP.id,
            APP.environment,
            kit.REALM,
            "",
            "",
            kit.NOW,
            state or ConnectionState(),
        )
        sealed = plane.vault.seal(kit.token(ends_in=TOKEN_LASTS))
        await plane.store.add_connection(FIRM, login, sealed)
        it = QboRig(plane, clock, wire)
        if state is None:
            await it.settle()
        yield it
