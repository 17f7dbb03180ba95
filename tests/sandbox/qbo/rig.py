"""A rig: a QBO emulator on a virtual clock, asked in process, with an inbox that keeps what its webhooks said."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from rowcol.sandbox.clock import DEFAULT_START_AT, ManualClock
from rowcol.sandbox.qbo import QboClient, QboEmulator, Switches, qbo_app
from rowcol.sandbox.qbo.books import Books
from tests.sandbox.rig import SeedBits

HOOK = "http://127.0.0.1:9/webhooks/qbo/app"
BASIC = "Basic " + base64.b64encode(b"qbo-client:qbo-secret").decode()


@dataclass
class Inbox:
    """A webhook sender that keeps everything and answers `status`."""

    status: int | None = 200
    deliveries: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        self.deliveries.append((url, body, headers))
        return self.status

    def events(self) -> list[Any]:
        return [event for _, body, _ in self.deliveries for event in json.loads(body)]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]


@dataclass
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    @property
    def code(self) -> str:
        code: str = self.json["Fault"]["Error"][0]["code"]
        return code


async def ask(
    app: Any, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = {}
) -> Got:
    """One request to an ASGI app without a socket."""
    path, _, query = path.partition("?")
    named = {"host": "127.0.0.1", **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        "query_string": query.encode(),
        "root_path": "",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 9),
    }
    got = Got(0, {}, b"")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            got.status = message["status"]
            got.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            got.body += message.get("body", b"")

    await app(scope, receive, send)
    return got


class Rig:
    """Everything of an emulator within reach; one connected company."""

    def __init__(
        self,
        switches: Switches | None = None,
        now: datetime = DEFAULT_START_AT,
        offset: timedelta = timedelta(0),
        sender: Any = None,
        kept_max: int | None = None,
    ) -> None:
        self.clock = ManualClock(now)
        self.inbox = Inbox()
        clients = {"qbo-client": QboClient(webhook_url=HOOK)}
        self.emulator = QboEmulator(
            self.clock,
            SeedBits(1),
            switches or Switches(),
            sender or self.inbox,
            clients=clients,
            kept_max=kept_max,
        )
        self.app = qbo_app(self.emulator)
        self.company = self.emulator.add_company("Craig's Landscaping", clock_offset=offset)
        self.realm = self.company.realm_id
        self.token = self.refresh = ""
        self.connect()

    @property
    def books(self) -> Books:
        return self.company.books

    def connect(self) -> None:
        now = self.clock.now()
        code = self.emulator.consent("qbo-client", self.realm)
        pair = self.emulator.tokens.exchange(code, "qbo-client", None, now)
        assert pair is not None
        self.token, self.refresh = pair.access_token, pair.refresh_token

    def wait(self, **span: float) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(**span))

    async def call(self, method: str, rest: str, body: Any = None, realm: str = "") -> Got:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        content_type = "application/text" if rest.startswith("query") else "application/json"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        return await ask(
            self.app, method, f"/v3/company/{realm or self.realm}/{rest}", raw, headers
        )

    async def ok(self, method: str, rest: str, body: Any = None) -> Any:
        got = await self.call(method, rest, body)
        assert got.status == 200, got.body
        return got.json

    async def query(self, text: str) -> Any:
        return (await self.ok("POST", "query", text.encode()))["QueryResponse"]

    async def cdc(self, entities: str, since: datetime) -> Any:
        stamp = quote(since.isoformat())
        answer = await self.ok("GET", f"cdc?entities={entities}&changedSince={stamp}")
        return answer["CDCResponse"][0]["QueryResponse"]

    async def token_call(self, **form: str) -> Got:
        headers = {"Authorization": BASIC}
        raw = urlencode(form).encode()
        return await ask(self.app, "POST", "/oauth2/v1/tokens/bearer", raw, headers)

    async def renew(self, refresh: str = "") -> Got:
        return await self.token_call(
            grant_type="refresh_token", refresh_token=refresh or self.refresh
        )

    def vendor(self, name: str = "Bob's Burger Joint") -> str:
        row_id: str = self.books.create("Vendor", {"DisplayName": name})["Id"]
        return row_id

    def customer(self, name: str = "Amy's Bird Sanctuary") -> str:
        row_id: str = self.books.create("Customer", {"DisplayName": name})["Id"]
        return row_id

    def bill(self, vendor: str, amount: str = "100", **more: Any) -> str:
        row_id: str = self.books.create("Bill", bill_body(vendor, amount) | more)["Id"]
        return row_id

    def pay(self, vendor: str, bill: str, amount: str = "40", **more: Any) -> str:
        row_id: str = self.books.create("BillPayment", payment_body(vendor, bill, amount) | more)[
            "Id"
        ]
        return row_id


def bill_body(vendor: str, amount: str) -> dict[str, Any]:
    detail = {"AccountRef": {"value": "7"}}
    line = {
        "Amount": Decimal(amount),
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": detail,
    }
    return {"VendorRef": {"value": vendor}, "Line": [line]}


def payment_body(vendor: str, bill: str, amount: str) -> dict[str, Any]:
    links = [{"TxnId": bill, "TxnType": "Bill"}]
    return {
        "VendorRef": {"value": vendor},
        "TotalAmt": Decimal(amount),
        "PayType": "Check",
        "CheckPayment": {"BankAccountRef": {"value": "35"}},
        "Line": [{"Amount": Decimal(amount), "LinkedTxn": links}],
    }


def invoice_body(customer: str, amount: str) -> dict[str, Any]:
    detail = {"ItemRef": {"value": "1"}}
    line = {
        "Amount": Decimal(amount),
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": detail,
    }
    return {"CustomerRef": {"value": customer}, "Line": [line]}


def receipt_body(customer: str, amount: str, invoice: str | None = None) -> dict[str, Any]:
    links = [{"TxnId": invoice, "TxnType": "Invoice"}]
    lines = [] if invoice is None else [{"Amount": Decimal(amount), "LinkedTxn": links}]
    return {"CustomerRef": {"value": customer}, "TotalAmt": Decimal(amount), "Line": lines}
