"""A rig: an emulator on a virtual clock, asked in process, with an inbox that keeps what its webhooks said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from rowcol.sandbox.clock import DEFAULT_START_AT, ManualClock
from rowcol.sandbox.plaid import LinkWish, PlaidEmulator, Switches, plaid_app
from rowcol.sandbox.plaid.control import advance_to
from rowcol.sandbox.plaid.items import Item
from rowcol.sandbox.world import AccountFacts, Posting, World

WEBHOOK = "http://127.0.0.1:9/webhooks/plaid/app"
JSON = [("Content-Type", "application/json")]
CREDENTIALS = {"client_id": "sandbox-client", "secret": "sandbox-secret"}


class SeedBits:
    """What a seeded generator is to the dice."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def getrandbits(self, k: int, /) -> int:
        return int.from_bytes(sha256(str(self._seed).encode()).digest(), "big") >> (256 - k)


@dataclass
class Inbox:
    """A webhook sender that keeps everything and answers `status`."""

    status: int | None = 200
    deliveries: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        self.deliveries.append((url, body, headers))
        return self.status

    def codes(self) -> list[str]:
        return [json.loads(body)["webhook_code"] for _, body, _ in self.deliveries]

    def last(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.deliveries[-1][1])
        return body


async def ask(
    app: Any, path: str, body: Any = None, method: str = "POST", headers: Any = ()
) -> tuple[int, bytes]:
    """One request to an ASGI app without a socket: status and raw body."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers or JSON],
        "query_string": b"",
        "root_path": "",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 9),
    }
    status = 0
    answer = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            answer.extend(message.get("body", b""))

    await app(scope, receive, send)
    return status, bytes(answer)


class Rig:
    """Everything of an emulator within reach."""

    def __init__(
        self, switches: Switches | None = None, seed: int = 1, now: datetime = DEFAULT_START_AT
    ) -> None:
        self.clock = ManualClock(now)
        self.world = World()
        self.inbox = Inbox()
        self.emulator = PlaidEmulator(
            self.world, self.clock, SeedBits(seed), switches or Switches(), self.inbox
        )
        self.app = plaid_app(self.emulator)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def raw(self, path: str, **body: Any) -> tuple[int, bytes]:
        return await ask(self.app, path, CREDENTIALS | body)

    async def call(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        status, raw = await self.raw(path, **body)
        return status, json.loads(raw)

    async def ok(self, path: str, **body: Any) -> dict[str, Any]:
        status, answer = await self.call(path, **body)
        assert status == 200, answer
        return answer

    async def error(self, path: str, **body: Any) -> str:
        status, answer = await self.call(path, **body)
        assert status >= 400, answer
        code: str = answer["error_code"]
        return code

    async def control(self, path: str, method: str = "POST", **body: Any) -> dict[str, Any]:
        status, raw = await ask(self.app, f"/_control/{path}", body or None, method)
        answer: dict[str, Any] = json.loads(raw)
        assert status == 200, answer
        return answer

    async def advance(self, **span: float) -> None:
        """Let virtual time pass, with everything that happens in it."""
        await advance_to(self.emulator, {"seconds": timedelta(**span).total_seconds()})

    def account(
        self,
        account_id: str = "cash",
        opening_minor: int = 100_000,
        postings: list[Posting] | None = None,
        **facts: Any,
    ) -> str:
        known = AccountFacts(**({"name": account_id, "mask": "0001"} | facts))
        self.world.open_account(account_id, known, opening_minor, postings or [])
        return account_id

    def item(
        self,
        *account_ids: str,
        bank: str = "ins_109509",
        is_ready: bool = True,
        products: tuple[str, ...] = ("transactions",),
        **wish: Any,
    ) -> Item:
        """A linked Item at these world accounts, or at a fresh one called `cash`."""
        usual: dict[str, Any] = {"webhook": WEBHOOK, "days_requested": 730}
        institution = self.emulator.institutions[bank]
        made = LinkWish("sandbox-client", institution, products, **(usual | wish))
        ids = account_ids or (self.account(),)
        return self.emulator.create_item(made, ids, is_ready=is_ready)

    def spend(self, amount_minor: int = -1_000, account_id: str = "cash", **more: Any) -> Posting:
        return self.world.post(account_id, self.now, amount_minor, "Spent", **more)

    async def sync_all(self, item: Item, cursor: str = "", **options: Any) -> Mirror:
        mirror = Mirror(cursor)
        await mirror.update(self, item, **options)
        return mirror


class Mirror:
    """The simplest right client of `/transactions/sync`: pages staged, restart on mutation."""

    def __init__(self, cursor: str = "") -> None:
        self.cursor = cursor
        self.rows: dict[str, dict[str, Any]] = {}
        self.n_restarts = 0

    async def update(self, rig: Rig, item: Item, count: int = 500, between: Any = None) -> None:
        while True:
            rows, cursor = dict(self.rows), self.cursor
            while True:
                status, page = await rig.call(
                    "/transactions/sync",
                    access_token=item.access_token,
                    cursor=cursor,
                    count=count,
                )
                if status != 200:
                    assert page["error_code"] == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
                    self.n_restarts += 1
                    break
                apply_page(rows, page)
                cursor = page["next_cursor"]
                if not page["has_more"]:
                    self.rows, self.cursor = rows, cursor
                    return
                if between is not None:
                    between()


def apply_page(rows: dict[str, dict[str, Any]], page: dict[str, Any]) -> None:
    for row in page["added"]:
        assert row["transaction_id"] not in rows
        rows[row["transaction_id"]] = row
    for row in page["modified"]:
        assert row["transaction_id"] in rows
        rows[row["transaction_id"]] = row
    for row in page["removed"]:
        del rows[row["transaction_id"]]
