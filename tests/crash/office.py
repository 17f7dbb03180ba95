"""Office: a firm's folder (key, file, token, logins) as `rowcol serve` finds it, and looks into its file from outside."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from rowcol.adapters.vault import new_key
from rowcol.bootstrap import DATABASE_FILE, Parts, Plane
from rowcol.core.connection import Connection
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.outcome import Billed
from rowcol.core.records import Business, Call, Firm, Token
from rowcol.ports import Clock
from rowcol.sandbox.plaid.items import Item
from rowcol.services.plane import OpenPlane
from rowcol.settings import load
from tests.crash.bank import CLIENT, Bank
from tests.crash.nursery import Nursery
from tests.ports import free_port

APP = AppId("main")
FIRM = FirmId("firm_crash")
TOKEN = "crash-token-that-is-long-enough-for-tests"
PATH = f"/webhooks/plaid/{APP}"
WAIT_S = 100.0
LEFT = (
    "SELECT count(*) FROM rowcol_calls WHERE settled_at_us IS NULL AND connection IS NOT NULL",
    "SELECT count(*) FROM rowcol_subjects WHERE lease_until_us > 0",
    "SELECT count(*) FROM rowcol_routes WHERE state = 'RECEIVED'",
)
"""What is 0 once all work is done: calls of logins on the way, leases, deliveries to be drained.

A fetch of a verification key belongs to no login: upkeep settles one whose process died, minutes later.
"""


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - these tests run in real time


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds)  # noqa: TID251 - these tests run in real time


@dataclass
class Office:
    """One firm's folder."""

    folder: Path
    bank_url: str
    key: str = field(default_factory=new_key)

    @property
    def file(self) -> Path:
        return self.folder / DATABASE_FILE

    @property
    def environment(self) -> dict[str, str]:
        """Settings as a service reads them."""
        return {
            "ROWCOL_DATA_DIR": str(self.folder),
            "ROWCOL_SECRET_KEYS": self.key,
            "ROWCOL_PLAID__MAIN__CLIENT_ID": CLIENT["client_id"],
            "ROWCOL_PLAID__MAIN__SECRET": CLIENT["secret"],
            "ROWCOL_PLAID__MAIN__ENVIRONMENT": "emulated",
            "ROWCOL_PLAID__MAIN__BASE_URL": self.bank_url,
            "ROWCOL_LOG_LEVEL": "info",
        }

    @asynccontextmanager
    async def plane(
        self, *, run: bool = False, clock: Clock | None = None
    ) -> AsyncIterator[OpenPlane]:
        """The same settings in this process."""
        keys = {**CLIENT, "environment": "emulated", "base_url": self.bank_url}
        settings = load(data_dir=self.folder, secret_keys=self.key, plaid={APP: keys})
        parts = Parts(clock=clock)
        async with Plane.open(settings, parts=parts, firm=FIRM, run=run, may_be_new=True) as plane:
            yield plane

    async def prepare(self, bank: Bank) -> tuple[BusinessId, ...]:
        """A firm with a business for each login, read for the first time by the bank's clock, which is set right then."""
        items = list(bank.emulator.items.values())
        async with self.plane(run=True, clock=bank.clock) as plane:
            at = plane.clock.now()
            await plane.store.add_firm(Firm(FIRM, "Crash", at))
            digest = hashlib.sha256(TOKEN.encode()).hexdigest()
            await plane.store.add_token(FIRM, Token(digest, FIRM, "admin", "crash", at))
            made = [await _business(plane, number, item) for number, item in enumerate(items)]
            plane.doorbell.ring("due")
            await self.drained(plane)
        bank.clock.shift = timedelta(0)
        return tuple(made)

    async def drained(self, plane: OpenPlane, soon: timedelta = timedelta(0)) -> None:
        """Wait until nothing is due (or will be `soon`), held, undrained or open, whoever does the work."""
        end = asyncio.get_running_loop().time() + WAIT_S
        while True:
            due_at = await plane.store.next_due_at()
            left = [self.rows(query) for query in LEFT]
            if (due_at is None or due_at > plane.clock.now() + soon) and left == [[(0,)]] * len(
                LEFT
            ):
                return
            assert asyncio.get_running_loop().time() < end, f"due at {due_at}, {left} left"
            await pause(0.1)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the file, read without the service's code."""
        with closing(sqlite3.connect(self.file, timeout=10)) as file:
            return list(file.execute(query))

    def stored_bodies(self) -> list[str]:
        """The SHA-256 of every delivery's body, copies too."""
        bodies = self.rows("SELECT body FROM rowcol_deliveries")
        return [hashlib.sha256(body).hexdigest() for (body,) in bodies]


async def _business(plane: OpenPlane, number: int, item: Item) -> BusinessId:
    at = plane.clock.now()
    business = BusinessId(f"biz_crash{number:03d}")
    row = Business(business, FIRM, f"Business {number}", f"crash-{number}", at)
    await plane.store.add_business(FIRM, row)
    login = Connection(
        id=ConnectionId(f"con_crash{number:03d}"),
        firm=FIRM,
        business=business,
        rail="plaid",
        app=APP,
        environment="emulated",
        remote_id=RemoteId(item.item_id),
        institution="",
        name="",
        created_at=at,
    )
    await plane.store.add_connection(FIRM, login, plane.vault.seal(item.access_token))
    return business


async def all_calls(plane: OpenPlane) -> list[Call]:
    """The whole call log of the firm."""
    out: list[Call] = []
    while page := await plane.store.list_calls(FIRM, after=out[-1].id if out else "", limit=1000):
        out += page
    return out


def possibly(calls: Sequence[Call]) -> list[Call]:
    """Priced calls that may have been billed without an answer."""
    return [c for c in calls if c.price.micros and c.billed is Billed.POSSIBLY]


def priced(calls: Sequence[Call]) -> list[Call]:
    """Calls that we count as paid."""
    return [c for c in calls if c.cost.micros]


class Desk:
    """One place where a service runs: always the same port, a new process after each kill."""

    def __init__(self, nursery: Nursery, office: Office, log: Path) -> None:
        self._nursery = nursery
        self._office = office
        self._log = log
        self.port = free_port()
        self.pid: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> None:
        """Start it."""
        arguments = ["serve", "--port", str(self.port), "--json"]
        self.pid = self._nursery.start(arguments, self._office.environment, self._log)

    async def up(self) -> None:
        """Return once it answers."""
        await answering(self.port)

    def kill(self) -> None:
        """SIGKILL, which must find it alive."""
        assert self.pid is not None
        code = self._nursery.end(self.pid, signal.SIGKILL)
        self.pid = None
        assert code == -signal.SIGKILL, f"it had ended by itself ({code}): {self._log.read_text()}"

    def stop(self) -> None:
        """SIGTERM; it finishes and ends well."""
        assert self.pid is not None
        code = self._nursery.end(self.pid, signal.SIGTERM)
        self.pid = None
        assert code == 0, f"exit code {code}: {self._log.read_text()}"


async def answering(port: int) -> None:
    """Wait until it answers; its socket listens earlier than that."""
    end = asyncio.get_running_loop().time() + WAIT_S
    while True:
        assert asyncio.get_running_loop().time() < end, "it does not answer"
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await pause(0.02)
            continue
        try:
            writer.write(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            if (await reader.readline()).startswith(b"HTTP/1.1 200"):
                return
        except OSError:
            await pause(0.02)
        finally:
            writer.close()


class Caller:
    """Everybody outside: senders of webhooks and readers, who try again until they are answered."""

    def __init__(self, bank: Bank, urls: Sequence[str]) -> None:
        self._bank = bank
        self._urls = urls
        self._client = httpx2.AsyncClient(timeout=60, trust_env=False)
        self._turn = 0
        self.acknowledged: set[str] = set()
        self.refused: dict[int, int] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def deliver(self, body: bytes, first: int = 0, *, signs_anew: bool = True) -> None:
        """Send a signed delivery until it is answered 200."""
        signature = self._sign(body)
        turn = first
        while True:
            if signs_anew:
                signature = self._sign(body)
            url = self._urls[turn % len(self._urls)] + PATH
            headers = {"plaid-verification": signature, "content-type": "application/json"}
            try:
                answer = await self._client.post(url, content=body, headers=headers)
            except httpx2.HTTPError:
                turn += 1
                await pause(0.05)
                continue
            if answer.status_code == 200:
                self.acknowledged.add(hashlib.sha256(body).hexdigest())
                return
            self.refused[answer.status_code] = self.refused.get(answer.status_code, 0) + 1
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
            await pause(0.2)

    async def read(self, business: BusinessId, first: int = 0) -> dict[str, Any]:
        """A ritual read that may not wait for free evidence, asked again until it is answered."""
        turn = first
        while True:
            place = f"{self._urls[turn % len(self._urls)]}/v1/businesses/{business}/balance"
            query = {"purpose": "ritual", "deadline": now().isoformat()}
            headers = {"authorization": f"Bearer {TOKEN}"}
            try:
                answer = await self._client.get(place, params=query, headers=headers)
            except httpx2.HTTPError:
                turn += 1
                await pause(0.05)
                continue
            assert answer.status_code == 200, answer.text
            said: dict[str, Any] = answer.json()
            return said

    def _sign(self, body: bytes) -> str:
        return self._bank.emulator.keys.sign(body, now())
