"""Stages: where a workload is played: in this process alone, or over loopback sockets with a database on disk."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from rowcol.adapters.chance import SystemRng
from rowcol.adapters.clock import SystemClock
from rowcol.adapters.http import HttpTransport
from rowcol.adapters.sql import open_sqlite
from rowcol.adapters.sql.sqlite import Options
from rowcol.bootstrap import DATABASE_FILE
from rowcol.core.money import MICROS_PER_USD
from rowcol.core.records import Token
from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.delivery import HttpWebhookSender
from rowcol.sandbox.plaid.app import plaid_app
from rowcol.sandbox.qbo import qbo_app
from rowcol.sandbox.running import run_forever
from rowcol.services.plane import OpenPlane
from rowcol.simulation.driver import world_of
from rowcol.simulation.rig import Rig, open_rig
from rowcol.simulation.sockets import bound, serving, url_of
from rowcol.simulation.wires import AsgiApp
from rowcol.simulation.wiring import FIRM, Setup, Wiring
from rowcol.simulation.workload import Workload, spec

BUDGET_USD_BUSINESS: Final = 30
"""More than a policy spends on a business in a month: what is compared are policies, not budgets."""
TICK: Final = timedelta(milliseconds=200)

Face = Callable[[OpenPlane], AsgiApp]
"""Makes the HTTP API of a plane: `rowcol.api.app.create_app`, handed in by a caller who may import it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A rig with the workload's world, and the service's address if it has one."""

    rig: Rig
    url: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Where a service that was left running can be looked at, and with which token."""

    url: str
    token: str


@asynccontextmanager
async def in_process(workload: Workload, policy: str) -> AsyncIterator[Stage]:
    """Memory store, no sockets: the fast way."""
    async with open_rig(_setup(workload, policy), world=world_of(workload)) as rig:
        yield Stage(rig)


@asynccontextmanager
async def over_sockets(
    workload: Workload, policy: str, face: Face, port: int = 0
) -> AsyncIterator[Stage]:
    """Service and emulator as HTTP servers on loopback, the embedded database in a folder that is deleted."""
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rowcol-demo-"))
        # A throw-away file: nothing in it has to outlive the machine, so no write waits for the disk.
        options = Options(is_durable=False)
        store = await open_sqlite(Path(folder) / DATABASE_FILE, options=options)
        stack.push_async_callback(store.close)
        service, emulator, books = bound(port), bound(), bound()
        stack.callback(service.close)
        stack.callback(emulator.close)
        stack.callback(books.close)
        setup = _setup(workload, policy)
        clock = ManualClock(setup.starts_at)
        transport = HttpTransport(clock)
        stack.push_async_callback(transport.close)
        sender = HttpWebhookSender()
        stack.push_async_callback(sender.aclose)
        wiring = Wiring(url_of(emulator), url_of(books), url_of(service), transport, sender)
        rig = await stack.enter_async_context(
            open_rig(setup, store=store, world=world_of(workload), wiring=wiring, clock=clock)
        )
        await stack.enter_async_context(serving(plaid_app(rig.emulator), emulator))
        await stack.enter_async_context(serving(qbo_app(rig.books), books))
        await stack.enter_async_context(serving(face(rig.plane), service))
        yield Stage(rig, url_of(service))


async def grant(stage: Stage) -> str:
    """A token of the demo's firm, for a look at the service that was left running."""
    secret = SystemRng().secret()
    token_hash = hashlib.sha256(secret.encode()).hexdigest()
    row = Token(token_hash, FIRM, "admin", "demo", stage.rig.clock.now())
    await stage.rig.plane.store.add_token(FIRM, row)
    return secret


async def go_on(stage: Stage) -> None:
    """Let the world go on in real time, from the moment where it stands, until cancelled."""
    rig = stage.rig
    rig.plane.runner.start()
    others = [
        asyncio.create_task(run_forever(rig.emulator, rig.clock), name="bank"),
        asyncio.create_task(run_forever(rig.books, rig.clock), name="books"),
        asyncio.create_task(_pace(rig.clock), name="pace"),
    ]
    try:
        await asyncio.gather(*others)
    finally:
        for task in others:
            task.cancel()
        await rig.plane.runner.stop()


async def _pace(clock: ManualClock) -> None:
    real = SystemClock()
    offset = clock.now() - real.now()
    while True:
        await real.sleep_until(real.now() + TICK)
        clock.advance_to(real.now() + offset)


def _setup(workload: Workload, policy: str) -> Setup:
    return Setup(workload.seed, workload.linked_at, policy, _firm(len(workload.clients)))


def _firm(businesses: int) -> Mapping[str, object]:
    """The demo firm's own price book and budget."""
    price = {
        "rail": "plaid",
        "item": "balance",
        "micros": spec().prices.balance_micros,
        "since": "1980-01-01",
        "source": "workload.toml",
        "is_assumed": True,
    }
    budget = max(1, businesses) * BUDGET_USD_BUSINESS * MICROS_PER_USD
    return {"budget_micros_month": budget, "prices": [price]}
