"""Fake Plaid: the bodies of Plaid's endpoints as its SDK's models have them, scripted by a test. A transport, or served on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from typing_extensions import override

from rowcol.adapters.chance import SeededRng
from rowcol.adapters.clock import SystemClock
from rowcol.adapters.vault import new_key
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.connection import Connection
from rowcol.core.ids import AppId
from rowcol.core.records import Business, Firm
from rowcol.core.wire import NoAnswer, Request, Response, Silence
from rowcol.ports import FullStore
from rowcol.rails.plaid.rail import Plaid
from rowcol.services.integration import IntegrationService
from rowcol.services.plane import OpenPlane
from rowcol.settings import Settings
from tests.fakes import T0, FakeClock
from tests.rig import BUSINESS, FIRM

APP = App(
    AppId("main"),
    "plaid",
    "sandbox",
    "http://plaid.example",
    {"client_id": "c", "secret": "s"},
    "http://hook.example/webhooks/plaid/main",
)
CHECKING = {"id": "a1", "name": "Checking", "mask": "1111", "type": "depository"}
SAVINGS = {"id": "a2", "name": "Savings", "mask": "2222", "type": "depository"}
BANK = {"name": "First Bank", "institution_id": "ins_1"}
LOGIN_REQUIRED = {"error_type": "ITEM_ERROR", "error_code": "ITEM_LOGIN_REQUIRED"}


def refusal(kind: str, code: str) -> tuple[int, dict[str, Any]]:
    return 400, {"error_type": kind, "error_code": code, "error_message": "-", "request_id": "r"}


@dataclass
class FakeItem:
    """A login at the fake's side."""

    item_id: str
    accounts: list[dict[str, Any]]
    institution_id: str = "ins_1"
    error: dict[str, Any] | None = None
    consent_until: object = None


@dataclass
class FakePlaid:
    """What the other side knows. `fails`: by endpoint, a refusal or a silence. `on_answer`: told each endpoint that answered. `gate`: what
    answers wait for on their way."""

    now: Callable[[], datetime] = SystemClock().now
    items: dict[str, FakeItem] = field(default_factory=dict)
    offered: dict[str, FakeItem] = field(default_factory=dict)
    visits: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    update_of: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    fails: dict[str, tuple[int, dict[str, Any]] | Silence] = field(default_factory=dict)
    on_answer: Callable[[str], None] | None = None
    has_page: bool = True
    gate: asyncio.Event | None = None
    n_offered: int = 0

    @property
    def calls(self) -> list[str]:
        return [name for name, _ in self.asked]

    def count(self, name: str) -> int:
        return self.calls.count(name)

    @property
    def last_link(self) -> str:
        return list(self.visits)[-1]

    # What a person does at the page
    def opens(self, link: str = "") -> None:
        self._visit(link or self.last_link, {"started_at": self._stamp()})

    def goes_through(
        self,
        *accounts: dict[str, Any],
        link: str = "",
        bank: dict[str, Any] = BANK,
        is_older: bool = False,
    ) -> str:
        """A public token, offered in the session's newer or older form."""
        self.n_offered += 1
        public = f"public-sandbox-{self.n_offered:08d}"
        rows = list(accounts or (CHECKING,))
        self.offered[public] = FakeItem(
            f"item{self.n_offered}", rows, str(bank.get("institution_id"))
        )
        metadata = {"institution": bank, "accounts": rows}
        done: dict[str, Any] = {
            "results": {"item_add_results": [{"public_token": public, **metadata}]}
        }
        if is_older:
            done = {"on_success": {"public_token": public, "metadata": metadata}}
        self._visit(link or self.last_link, {**self._times(), **done})
        return public

    def repairs(self, link: str = "", *, gives_token: bool = False) -> None:
        """Update mode: no results, or a public token of the Item that is there."""
        link = link or self.last_link
        item = self.items[self.update_of[link]]
        item.error = None
        results: dict[str, Any] = {"item_add_results": []}
        if gives_token:
            public = "public-sandbox-of-update-mode"
            self.offered[public] = item
            rows = [dict(CHECKING)]
            results["item_add_results"] = [
                {"public_token": public, "institution": BANK, "accounts": rows}
            ]
        self._visit(link, {**self._times(), "results": results})

    def leaves(
        self, link: str = "", error: dict[str, Any] | None = None, key: str = "exit"
    ) -> None:
        left = {"error": error, "metadata": {"status": "requires_credentials"}}
        self._visit(link or self.last_link, {**self._times(), key: left})

    def _visit(self, link: str, visit: dict[str, Any]) -> None:
        self.visits[link].append({"link_session_id": f"s{len(self.visits[link])}", **visit})

    def _times(self) -> dict[str, str]:
        return {"started_at": self._stamp(), "finished_at": self._stamp()}

    def _stamp(self, **later: float) -> str:
        return f"{self.now() + timedelta(**later):%Y-%m-%dT%H:%M:%SZ}"

    # The wire
    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        await asyncio.sleep(0)  # noqa: TID251 - a round trip lets others run
        name = request.path.strip("/").replace("/", ".")
        said = self.answer(name, json.loads(request.body))
        if self.gate is not None:
            await self.gate.wait()
        at = self.now()
        if isinstance(said, Silence):
            return NoAnswer(said, at, at)
        return Response(said[0], {}, json.dumps(said[1]).encode(), at, at)

    async def close(self) -> None:
        return

    def answer(self, name: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | Silence:
        self.asked.append((name, body))
        failure = self.fails.get(name)
        if failure is not None:
            return failure
        said = getattr(self, "_" + name.replace(".", "_"))(body)
        if self.on_answer is not None:
            self.on_answer(name)
        return said if isinstance(said, tuple) else (200, {**said, "request_id": "r"})

    def _link_token_create(self, body: dict[str, Any]) -> dict[str, Any]:
        link = f"link-sandbox-{len(self.visits):08d}"
        self.visits[link] = []
        if "access_token" in body:
            self.update_of[link] = body["access_token"]
        hours = 0.5 if "access_token" in body else 4.0
        made = {"link_token": link, "expiration": self._stamp(hours=hours)}
        return {**made, "hosted_link_url": f"http://page.example/{link}"} if self.has_page else made

    def _link_token_get(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"link_token": body["link_token"], "link_sessions": self.visits[body["link_token"]]}

    def _item_public_token_exchange(self, body: dict[str, Any]) -> Any:
        item = self.offered.pop(body["public_token"], None)
        if item is None:
            return refusal("INVALID_INPUT", "INVALID_PUBLIC_TOKEN")
        token = f"access-sandbox-{item.item_id}"
        self.items[token] = item
        return {"access_token": token, "item_id": item.item_id}

    def _item(self, item: FakeItem) -> dict[str, Any]:
        return {
            "item_id": item.item_id,
            "institution_id": item.institution_id,
            "institution_name": "First Bank",
            "error": item.error,
            "products": [],
            "consent_expiration_time": item.consent_until,
        }

    def _item_get(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self.items[body["access_token"]]
        seen = {"last_successful_update": self._stamp(hours=-1)}
        return {"item": self._item(item), "status": {"transactions": seen}}

    def _accounts_get(self, body: dict[str, Any]) -> Any:
        item = self.items[body["access_token"]]
        if item.error is not None:
            return refusal(item.error["error_type"], item.error["error_code"])
        balances = {"current": 100, "available": 100, "limit": None, "iso_currency_code": "USD"}
        rows = [
            {
                "account_id": row["id"],
                "name": row["name"],
                "mask": row.get("mask"),
                "type": row["type"],
                "subtype": "checking",
                "balances": balances,
            }
            for row in item.accounts
        ]
        return {"accounts": rows, "item": self._item(item)}

    _accounts_balance_get = _accounts_get


@dataclass
class PlaidRig:
    """A plane whose only rail is Plaid, with the fake behind it."""

    plane: OpenPlane
    clock: FakeClock
    plaid: FakePlaid

    @property
    def service(self) -> IntegrationService:
        return IntegrationService(self.plane, BUSINESS)

    async def logins(self) -> tuple[Connection, ...]:
        return await self.plane.store.list_connections(FIRM, BUSINESS)

    async def connect(self, *accounts: dict[str, Any]) -> Connection:
        """A login that was looked at."""
        grant = await self.service.begin_connect("plaid")
        self.plaid.goes_through(*accounts)
        self.clock.advance(timedelta(seconds=5))
        login = (await self.service.session(grant.session)).login
        assert login is not None
        await self.settle()
        return login

    async def settle(self) -> None:
        await self.plane.runner.drain()

    async def state(self, login: Connection) -> Connection:
        view = await self.plane.store.read_view(FIRM, login.id)
        assert view is not None
        return view.connection

    async def breaks(self, login: Connection) -> Connection:
        """The bank wants its person again, and we know."""
        self.item_of(login).error = LOGIN_REQUIRED
        self.clock.advance(timedelta(days=2))
        await self.settle()
        return await self.state(login)

    def item_of(self, login: Connection) -> FakeItem:
        return self.plaid.items[f"access-sandbox-{login.remote_id}"]


@asynccontextmanager
async def plaid_rig(
    folder: Path,
    *,
    store: FullStore | None = None,
    plaid: FakePlaid | None = None,
    clock: FakeClock | None = None,
    keys: tuple[str, ...] = (),
    seed: int = 1,
    run: bool = False,
) -> AsyncIterator[PlaidRig]:
    """One firm, one business, nothing connected. Two rigs on one folder, with other seeds, are two processes."""
    clock = clock or FakeClock(T0)
    plaid = plaid or FakePlaid()
    plaid.now = clock.now
    parts = Parts(
        store=store,
        clock=clock,
        rng=SeededRng(seed),
        transport=plaid,
        rails={"plaid": Plaid()},
        apps=(APP,),
    )
    sealing = {"secret_keys": keys} if keys else {"secret_keys": (new_key(),)}
    chosen = Settings(data_dir=folder, **sealing)
    async with Plane.open(chosen, parts=parts, firm=FIRM, run=run, may_be_new=True) as plane:
        if not await plane.store.list_firms():
            await plane.store.add_firm(Firm(FIRM, "Firm", T0))
            await plane.store.add_business(FIRM, Business(BUSINESS, FIRM, "Business", "b-1", T0))
        yield PlaidRig(plane, clock, plaid)


@contextmanager
def served(plaid: FakePlaid) -> Iterator[str]:
    """The same on loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said = plaid.answer(self.path.strip("/").replace("/", "."), body)
            assert not isinstance(said, Silence)
            raw = json.dumps(said[1]).encode()
            self.send_response(said[0])
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        @override
        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def kinds(rows: Sequence[tuple[str, dict[str, Any]]], name: str) -> list[dict[str, Any]]:
    """The bodies of one endpoint."""
    return [body for asked, body in rows if asked == name]
