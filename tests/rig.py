"""Rig: the engine on the fake rail, a fake clock and a real store, ready to be pushed around."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rowcol.adapters.chance import SeededRng
from rowcol.adapters.vault import new_key
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.connection import Connection
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.records import Business, Firm
from rowcol.engine.answer import Answer
from rowcol.ports import FullStore
from rowcol.services.plane import OpenPlane
from rowcol.settings import Settings
from tests.fakes import T0, Bank, FakeClock, Tally
from tests.waiting import pass_time

FIRM = FirmId("firm-1")
BUSINESS = BusinessId("biz-1")
CONNECTION = ConnectionId("con-1")
ITEM = RemoteId("item-1")
APP = App(AppId("main"), "tally", "production", "http://tally.example", {"secret": "fake"})


@dataclass
class Rig:
    """A plane whose every stranger is at hand."""

    plane: OpenPlane
    clock: FakeClock
    bank: Bank

    async def settle(self) -> int:
        """Reconcile all that is due now."""
        return await self.plane.runner.drain()

    async def advance(self, **by: float) -> None:
        """Move the clock and reconcile what that made due."""
        self.clock.advance(timedelta(**by))
        await self.settle()

    async def finish(self, asked: asyncio.Task[Answer], until: timedelta) -> Answer:
        """Move on in steps of a minute until the answer is there."""
        await pass_time(self.clock, asked, at_most=until, settle=self.settle)
        return asked.result()


def settings(folder: Path, **more: object) -> Settings:
    return Settings(data_dir=folder, secret_keys=(new_key(),), **more)  # type: ignore[arg-type]


@asynccontextmanager
async def rig(
    folder: Path, *, store: FullStore | None = None, now: datetime = T0, **more: object
) -> AsyncIterator[Rig]:
    """One firm, one business, one login that was never looked at."""
    clock = FakeClock(now)
    bank = Bank(clock)
    parts = Parts(
        store=store,
        clock=clock,
        rng=SeededRng(1),
        transport=bank,
        rails={"tally": Tally()},
        apps=(APP,),
    )
    async with Plane.open(
        settings(folder, **more), parts=parts, firm=FIRM, run=False, may_be_new=True
    ) as plane:
        await plane.store.add_firm(Firm(FIRM, "Firm", now))
        await plane.store.add_business(FIRM, Business(BUSINESS, FIRM, "Business", "b-1", now))
        login = Connection(
            CONNECTION, FIRM, BUSINESS, "tally", APP.id, "production", ITEM, "bank", "Bank", now
        )
        await plane.store.add_connection(FIRM, login, plane.vault.seal("token"))
        yield Rig(plane, clock, bank)
