"""Company rig: a plane whose only rail is `Paged`, a fake clock and a real store, ready to be pushed around."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from rowcol.adapters.chance import SeededRng
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.change import ConnectionView
from rowcol.core.connection import Connection
from rowcol.core.ids import AppId, ConnectionId, FirmId, RemoteId
from rowcol.core.rail import Rail as RailPort
from rowcol.core.records import Business, Firm
from rowcol.ports import FullStore
from rowcol.services.plane import OpenPlane
from tests.fake_books import COMPANY, LEDGER
from tests.fake_company import APP, TOKEN_LASTS, Company, Paged, token_of
from tests.fakes import T0, FakeClock
from tests.rig import BUSINESS, FIRM, settings

CONNECTION = ConnectionId("con-b")


@dataclass
class CompanyRig:
    """A plane whose only rail is `Paged`, with one company connected."""

    plane: OpenPlane
    clock: FakeClock
    company: Company
    connection: ConnectionId = CONNECTION

    async def settle(self) -> int:
        return await self.plane.runner.drain()

    async def advance(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))
        await self.settle()

    async def view(self) -> ConnectionView:
        view = await self.plane.store.read_view(FIRM, self.connection)
        assert view is not None
        return view

    async def token(self) -> str:
        sealed = (await self.view()).token
        assert sealed is not None
        return str(json.loads(self.plane.vault.open(sealed).reveal())["refresh"])


def company_row(
    id_: str, firm: FirmId = FIRM, now: datetime = T0, *, remote_id: RemoteId = COMPANY
) -> Connection:
    return Connection(
        ConnectionId(id_), firm, BUSINESS, LEDGER, APP.id, "production", remote_id, "", "", now
    )


@asynccontextmanager
async def company_rig(
    folder: Path,
    *,
    apps: tuple[App, ...] = (APP,),
    rail: RailPort | None = None,
    store: FullStore | None = None,
    connected: bool = True,
) -> AsyncIterator[CompanyRig]:
    """One firm, one business, its company never read."""
    clock = FakeClock(T0)
    company = Company(clock)
    parts = Parts(
        store=store,
        clock=clock,
        rng=SeededRng(1),
        transport=company,
        rails={LEDGER: rail or Paged()},
        apps=apps,
    )
    async with Plane.open(
        settings(folder), parts=parts, firm=FIRM, run=False, may_be_new=True
    ) as plane:
        await plane.store.add_firm(Firm(FIRM, "Firm", T0))
        await plane.store.add_business(FIRM, Business(BUSINESS, FIRM, "Business", "b-1", T0))
        it = CompanyRig(plane, clock, company)
        if connected:
            sealed = plane.vault.seal(token_of(1, T0 + TOKEN_LASTS))
            row = replace(company_row("con-b"), app=AppId(apps[0].id))
            await plane.store.add_connection(FIRM, row, sealed)
        yield it
