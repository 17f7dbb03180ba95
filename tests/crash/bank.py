"""Bank: the Plaid emulator on real sockets and real time, in a thread that outlives every service killed beside it.

Nothing happens there by itself but the delivery of webhooks: pulls and postings come through its control API. Its
clock can be set back while logins are made, so that what their banks last showed is old.
"""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from typing_extensions import override

from rowcol.adapters.clock import SystemClock
from rowcol.sandbox.delivery import HttpWebhookSender
from rowcol.sandbox.plaid import LinkWish, PlaidEmulator, Switches, plaid_app
from rowcol.sandbox.plaid.billing import BALANCE
from rowcol.sandbox.plaid.catalog import REAL_INSTITUTIONS
from rowcol.sandbox.plaid.items import Item
from rowcol.sandbox.plaid.running import run_forever
from rowcol.sandbox.world import AccountFacts, Posting, World
from rowcol.simulation.sockets import bound, serving, url_of
from rowcol.simulation.wires import AsgiApp
from tests.sandbox.rig import SeedBits
from tests.waiting import HANG_S

CLIENT = {"client_id": "sandbox-client", "secret": "sandbox-secret"}
PATIENT = Switches(retry_delays_s=(1,) * 600, suppression_sample_min=10**9)
"""Unanswered webhooks are sent again every second, however many were refused."""


class ShiftedClock(SystemClock):
    """The machine's time, moved by `shift`."""

    def __init__(self) -> None:
        self.shift = timedelta(0)

    @override
    def now(self) -> datetime:
        return super().now() + self.shift


@dataclass
class Bank:
    """A running emulator. `emulator` may be touched while nobody calls it; else ask by `control`."""

    emulator: PlaidEmulator
    clock: ShiftedClock
    world: World
    url: str = ""
    slow_s: dict[str, float] = field(default_factory=dict)
    """Path -> how long its answer takes, half before it is made (and billed) and half after."""
    asked: Counter[str] = field(default_factory=Counter)
    """Path -> how often it was asked."""

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        """One request to the control API; a GET without a body."""
        raw = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self.url}/_control/{path}", raw)
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            said: dict[str, Any] = json.loads(answer.read())
        return said

    def login(
        self, number: int, opening_minor: int, postings: list[Posting], webhook: str | None
    ) -> Item:
        """A login with one checking account, whose history was read when it was made."""
        account = f"account-{number}"
        facts = AccountFacts(f"Checking {number}", f"{number:04d}")
        self.world.open_account(account, facts, opening_minor, postings)
        bank = REAL_INSTITUTIONS[0]
        wish = LinkWish(CLIENT["client_id"], bank, webhook=webhook, days_requested=730)
        return self.emulator.create_item(wish, (account,), is_ready=True)

    @property
    def billed(self) -> int:
        """Live balance calls that it would send an invoice for."""
        return self.emulator.billing.n_calls(BALANCE)


@contextmanager
def open_bank(seed: int = 1, switches: Switches = PATIENT) -> Iterator[Bank]:
    """An emulator that serves while the block runs. Its own pulls are frozen."""
    clock, world = ShiftedClock(), World()
    sender = HttpWebhookSender()
    emulator = PlaidEmulator(world, clock, SeedBits(seed), switches, sender)
    emulator.agenda.is_frozen = True
    bank = Bank(emulator, clock, world)
    is_up, loop_of = threading.Event(), list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    async def serve() -> None:
        listener = bound()
        bank.url = url_of(listener)
        stop = asyncio.Event()
        loop_of.append((asyncio.get_running_loop(), stop))
        async with serving(_slowed(plaid_app(emulator), bank), listener):
            events = asyncio.create_task(run_forever(emulator, clock))
            is_up.set()
            await stop.wait()
            events.cancel()
        await sender.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert is_up.wait(HANG_S), "the emulator did not start"
    try:
        yield bank
    finally:
        loop, stop = loop_of[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(HANG_S)


def _slowed(app: AsgiApp, bank: Bank) -> AsgiApp:
    async def slowed(scope: Any, receive: Any, send: Any) -> None:
        bank.asked[scope["path"]] += 1
        pause_s = bank.slow_s.get(scope["path"], 0) / 2
        request = await receive()  # the bank does what it was asked to, though the caller has gone
        if request["type"] != "http.request" or request.get("more_body"):
            return

        async def received() -> Any:
            return request

        async def later(message: Any) -> None:
            if pause_s and message["type"] == "http.response.start":
                await asyncio.sleep(pause_s)  # noqa: TID251 - a bank takes its time in real seconds
            await send(message)

        if pause_s:
            await asyncio.sleep(pause_s)  # noqa: TID251 - the same
        await app(scope, received, later)

    return slowed
