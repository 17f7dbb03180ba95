"""Rail faults: every way an answer can be spoilt, on every call that a login's life is made of, over real sockets.

After each: nothing is half done, the call is settled as it ended, what the bank bills is at most what we count, and the
login recovers by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from typing_extensions import override

from rowcol.adapters.http import HttpTransport
from rowcol.adapters.sql import open_sqlite
from rowcol.core.change import ConnectionView
from rowcol.core.connection import Connection
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId
from rowcol.core.need import Purpose
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.records import Call
from rowcol.core.wire import NoAnswer, Request, Response
from rowcol.sandbox.clock import DEFAULT_START_AT, ManualClock
from rowcol.sandbox.plaid.app import plaid_app
from rowcol.sandbox.plaid.billing import BALANCE
from rowcol.sandbox.plaid.faults import Corruption
from rowcol.sandbox.world import AccountFacts, Posting, World
from rowcol.simulation.rig import Rig, open_rig
from rowcol.simulation.sockets import bound, serving, url_of
from rowcol.simulation.wires import AsgiApp
from rowcol.simulation.wiring import FIRM, Wiring
from tests.waiting import HANG_S

DRIP_S = 4.0
"""How long an answer that is dripped may take here; it takes many times as long. Every other has all the time it needs."""
FREE_PATHS = ("/item/get", "/accounts/get", "/transactions/sync")
READABLE = {Outcome.OK}
GARBAGE = {Outcome.UNREADABLE}
MAYBE = {Outcome.OK, Outcome.UNREADABLE}
SILENT = {Outcome.NO_ANSWER}
FAILED = {Outcome.TRY_AGAIN}
ENDS = {
    Corruption.UNKNOWN_FIELDS: READABLE,
    Corruption.UNKNOWN_ENUMS: READABLE,
    Corruption.MISSING_KEYS: MAYBE,
    Corruption.WRONG_TYPES: GARBAGE,
    Corruption.NAN: GARBAGE,
    Corruption.DUPLICATE_KEYS: MAYBE,
    Corruption.TRUNCATED: GARBAGE,
    Corruption.HTML: GARBAGE,
    Corruption.HUGE: SILENT,
    Corruption.SLOW_DRIP: SILENT,
    Corruption.RESET: SILENT,
    Corruption.STATUS_500: FAILED,
    Corruption.STATUS_502: FAILED,
    Corruption.STATUS_503: FAILED,
}
PAID_ENDS = {**ENDS, Corruption.STATUS_502: SILENT}
"""Behind a proxy's page it may have been done all the same."""
UNBILLED = {Corruption.STATUS_500, Corruption.STATUS_503}
"""Plaid's own errors: it bills successful calls only. The emulator, which spoils an answer after it made it, has billed."""


class Impatient(HttpTransport):
    """The real transport with less patience for one answer, so that a drip costs a test less than a minute."""

    dripped = ""
    """The path whose next answer will be."""

    @override
    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        timeout_s = HANG_S
        if request.path == self.dripped:
            self.dripped, timeout_s = "", DRIP_S
        return await super().send(base_url, replace(request, timeout_s=timeout_s))


class Interruptible:
    """An app whose answers under way can be given up: a drip would hold the server for half a minute."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._tasks = set[asyncio.Task[Any]]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.create_task(self._answer(scope, receive, send))
        self._tasks.add(task)
        await asyncio.wait([task])
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    def interrupt(self) -> None:
        for task in self._tasks:
            task.cancel()


@dataclass(frozen=True, slots=True)
class Town:
    """A rig with one login, and what stood there before the fault."""

    rig: Rig
    wire: Impatient
    business: BusinessId
    login: Connection
    known: frozenset[str]

    async def calls(self, endpoint: str) -> list[Call]:
        """Calls of this endpoint since the fault, oldest first."""
        log = await self.rig.plane.store.list_calls(FIRM, limit=1000)
        assert all(c.settled_at is not None for c in log)
        return [c for c in reversed(log) if c.endpoint == endpoint and c.id not in self.known]

    async def view(self) -> ConnectionView:
        found = await self.rig.plane.store.read_view(FIRM, self.login.id)
        assert found is not None
        return found

    async def mirror(self) -> dict[str, Any]:
        """What is kept of the login: balances and transactions."""
        store = self.rig.plane.store
        view = await self.view()
        return {
            "balances": {a.remote_id: a.latest and a.latest.balance for a in view.accounts},
            "transactions": await store.read_mirror(FIRM, self.login.id, "transaction"),
            "cursor": view.connection.state.cursor,
        }

    def is_whole(self, kept: dict[str, Any]) -> bool:
        """Whether it is the bank's truth."""
        item = self.rig.item_of(self.login)
        (account,) = item.accounts.values()
        (balance,) = kept["balances"].values()
        live = {txn.transaction_id for txn in item.log.live()}
        rows = {row.remote_id for row in kept["transactions"] if row.body is not None}
        assert account.cached is not None
        return rows == live and balance.current.amount_minor == account.cached.current_minor


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    clock, world = ManualClock(), World()
    store = await open_sqlite(folder / "faults.db", clock=clock)
    start = DEFAULT_START_AT
    history = [Posting(f"h{n}", start - timedelta(days=n + 1), -50, f"Shop {n}") for n in range(9)]
    world.open_account("cash", AccountFacts("Checking", "0001"), 100_000, history)
    listener, transport = bound(), Impatient(clock)
    wiring = Wiring(base_url=url_of(listener), transport=transport)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        rig = await stack.enter_async_context(
            open_rig(store=store, world=world, clock=clock, wiring=wiring)
        )
        app = Interruptible(plaid_app(rig.emulator))
        await stack.enter_async_context(serving(app, listener))
        stack.callback(app.interrupt)
        stack.push_async_callback(transport.close)
        business = await rig.add_business("Harbor Dental")
        login = await rig.connect(business, ["cash"])
        await rig.advance_to(start + timedelta(hours=1))
        rig.emulator.agenda.is_frozen = True
        await rig.advance_to(start + timedelta(hours=8))
        rig.world.post("cash", clock.now(), -12_345, "Rent")
        log = await store.list_calls(FIRM, limit=1000)
        yield Town(rig, transport, business, login, frozenset(c.id for c in log))


def staged(folder: Path) -> int:
    """Rows of an unfinished stream that still lie about."""
    with closing(sqlite3.connect(folder / "faults.db")) as file:
        (count,) = file.execute("SELECT count(*) FROM rowcol_staged").fetchone()
    return int(count)


def spoil(at: Town, path: str, kind: Corruption) -> None:
    at.rig.emulator.faults.corruptions.load(path, kind, 1)
    if kind is Corruption.SLOW_DRIP:
        at.wire.dripped = path


@pytest.mark.parametrize("kind", Corruption)
@pytest.mark.parametrize("path", FREE_PATHS)
async def test_a_free_call_spoilt(path: str, kind: Corruption, tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        async with town(tmp_path) as at:
            before = await at.mirror()
            spoil(at, path, kind)
            at.rig.emulator.pull(at.rig.item_of(at.login), at.rig.clock.now())
            await at.rig.ask(at.business, Purpose.RITUAL)
            await at.rig.advance_to(at.rig.clock.now() + timedelta(seconds=10))
            first, *_ = await at.calls(path.strip("/").replace("/", "."))
            after = await at.mirror()
            assert first.outcome in ENDS[kind]
            assert (first.billed, first.cost.micros) == (Billed.NO, 0)
            if path == "/transactions/sync":
                assert staged(tmp_path) == 0
            if first.outcome is not Outcome.OK:
                assert after["transactions"] == before["transactions"]
                assert after["cursor"] == before["cursor"]
                assert path == "/transactions/sync" or after == before
            await at.rig.advance_to(at.rig.clock.now() + timedelta(hours=4))
            view = await at.view()
            assert at.is_whole(await at.mirror())
            assert view.connection.state.health is Health.OK
            assert view.connection.state.failures == 0
            assert not view.connection.state.dirty
    assert not [line for line in logs if line["log_level"] == "error"]


@pytest.mark.parametrize("kind", Corruption)
async def test_a_paid_call_spoilt(kind: Corruption, tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        async with town(tmp_path) as at:
            before = await at.mirror()
            spoil(at, BALANCE, kind)
            asked = await at.rig.ask(at.business, Purpose.FORCED, is_confirmed=True)
            (paid,) = await at.calls("accounts.balance.get")
            assert asked.answer is not None
            assert paid.outcome in PAID_ENDS[kind]
            billed = at.rig.emulator.billing.n_calls(BALANCE)
            assert billed == 1
            if kind in UNBILLED:
                assert (paid.billed, paid.cost.micros) == (Billed.NO, 0)
            else:
                expected = Billed.YES if paid.outcome is Outcome.OK else Billed.POSSIBLY
                assert (paid.billed, paid.cost.micros) == (expected, 100_000)
                assert asked.answer.cost.micros == 100_000
            if paid.outcome is not Outcome.OK:
                assert await at.mirror() == before
                assert asked.answer.label is not None
            if (
                kind is Corruption.UNKNOWN_ENUMS
            ):  # an account of a kind nobody knows is named, not left out
                assert asked.answer.value.is_incomplete
                return
            await at.rig.advance_to(at.rig.clock.now() + timedelta(hours=2))
            assert at.rig.emulator.billing.n_calls(BALANCE) == billed, "never paid again by itself"
            at.rig.emulator.pull(at.rig.item_of(at.login), at.rig.clock.now())
            again = await at.rig.ask(at.business, Purpose.FORCED, is_confirmed=True)
            assert again.answer is not None
            assert (again.answer.action, again.answer.label) == ("SERVE", None)
            (money,) = again.answer.value.totals
            assert money.amount_minor == at.rig.world.balance_at("cash", at.rig.clock.now())
            spent = sum(c.cost.micros for c in await at.calls("accounts.balance.get"))
            assert at.rig.emulator.billing.n_calls(BALANCE) * 100_000 <= spent + 100_000 * (
                kind in UNBILLED
            )
    assert not [line for line in logs if line["log_level"] == "error"]
