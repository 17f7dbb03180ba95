"""Fake books: `Ledger`, a rail with a consent screen, a month's pool and one company whose bills are a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlencode

import msgspec
from typing_extensions import override

from rowcol.adapters.chance import SeededRng
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.books import ACCOUNT, BILL, VENDOR, Kind, LedgerAccount, OpenItem, Party, Record
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import Coverage, Source
from rowcol.core.ids import AppId, ConnectionId, RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.money import Money, NotMoney
from rowcol.core.outcome import Outcome
from rowcol.core.pool import MonthPool
from rowcol.core.rail import (
    CONSENT,
    CannotHelp,
    Credentials,
    Deed,
    Endpoint,
    Failure,
    Grant,
    Look,
    RailSpec,
    Reading,
    Row,
    Want,
)
from rowcol.core.rail import Role as Knows
from rowcol.core.records import Business, Firm
from rowcol.core.refusal import BadInput
from rowcol.core.wire import NoAnswer, Request, Response, Silence
from rowcol.ports import FullStore
from rowcol.services.plane import OpenPlane
from tests.fakes import T0, FakeClock, Tally
from tests.rig import BUSINESS, FIRM, settings

LEDGER = "ledger"
CALLBACK = f"http://localhost:8700/oauth/{LEDGER}/callback"
COMPANY = RemoteId("company-1")
CONNECTION = ConnectionId("con-b")
LEDGER_APP = App(
    AppId("ledger-main"),
    LEDGER,
    "production",
    "http://ledger.example",
    {"secret": "fake"},
    callback_url=CALLBACK,
    pool_limit=1_000,
    metering={"cdc": "call"},
)


def _endpoint(
    name: str, *, metered: bool = False, callable_: bool = False, write: bool = False
) -> Endpoint:
    return Endpoint(
        name,
        "POST",
        f"/{name}",
        10.0,
        is_metered=metered,
        is_callable=callable_,
        is_write=write,
        summary=name,
    )


SPEC = RailSpec(
    name=LEDGER,
    base_urls={"production": "http://ledger.example"},
    endpoints={
        e.name: e
        for e in (
            _endpoint("changes", metered=True),
            _endpoint("rows", metered=True),
            _endpoint("token"),
            replace(_endpoint("company", metered=True, callable_=True), method="GET"),
            _endpoint("bill.create", callable_=True, write=True),
        )
    },
    events={},
    prices=(),
    role=Knows.BOOKS,
    hosts={CONSENT: {"production": "http://consent.example"}},
    pool=MonthPool(1_000, "-", date(2026, 1, 1)),
    is_lazy=True,
)
ROWS = {
    (BILL, "b1"): {"party": "v1", "due": "2026-11-05", "total": 12_500, "open": 12_500},
    (BILL, "b2"): {"party": "v1", "due": "2026-11-20", "total": 990, "open": 490},
    (VENDOR, "v1"): {"name": "Bolt & Nut", "balance": 12_990},
    (ACCOUNT, "a1"): {"name": "Checking", "balance": 88_000, "is_bank": True},
    (ACCOUNT, "a2"): {"name": "Supplies", "balance": 10, "is_bank": False},
}


class Ledger(Tally):
    """A rail of books. Everything is read by one `changes` call."""

    @property
    @override
    def spec(self) -> RailSpec:
        return SPEC

    @override
    def free_look(self, state: ConnectionState, want: Want) -> Look | None:
        is_old = want.since is not None and (
            state.looked_at is None or state.looked_at < want.since
        )
        return Look("changes") if is_old or state.looked_at is None else None

    @override
    def paid_look(self, state: ConnectionState) -> Look | CannotHelp:
        return CannotHelp("books have no live look")

    @override
    def deed_look(self, deed: Deed, state: ConnectionState, webhook: str) -> Look | CannotHelp:
        return CannotHelp("books have no deeds")

    @override
    def request(self, look: Look, credentials: Credentials) -> Request:
        arguments = {
            **look.arguments,
            "body": look.body and {k: str(v) for k, v in look.body.items()},
        }
        return Request("POST", f"/{look.endpoint}", {}, json.dumps(arguments).encode(), 10.0)

    @override
    def read(self, look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
        at = response.received_at
        if response.status != 200:
            outcome = Outcome(response.body.decode())
            return Failure(outcome, outcome, state.after(outcome, outcome, at))
        state = state.after(Outcome.OK, "", at)
        rows = tuple(_row(*key, body) for key, body in _rows(response.body))
        if look.endpoint != "changes":
            return Reading(state, rows=rows)
        covered = Coverage("everything", response.sent_at, Source.CACHED)
        return Reading(replace(state, looked_at=response.sent_at), coverages=(covered,), rows=rows)

    @override
    def read_grant(self, look: Look, response: Response) -> Grant | Failure:
        if response.status != 200:
            return Failure(Outcome.BAD_REQUEST, "invalid_grant", ConnectionState())
        return Grant("token", COMPANY)

    @override
    def consent_url(self, app: App, state: str) -> str:
        asked = {"state": state, "redirect_uri": app.callback_url}
        return f"http://consent.example/connect?{urlencode(asked)}"

    @override
    def callback_look(self, app: App, answers: Mapping[str, str]) -> Look:
        if "error" in answers:
            raise BadInput(f"consent was not given ({answers['error']})", "begin again")
        return Look("token", {"code": answers.get("code", "")})

    @override
    def rows_looks(self, entity: str, ids: Sequence[RemoteId]) -> tuple[Look, ...]:
        return (Look("rows", {"ids": ",".join(ids)}),)

    @override
    def units(self, look: Look, app: App) -> int:
        return int(SPEC.endpoints[look.endpoint].is_metered)

    @override
    def record(self, row: MirrorRow, state: ConnectionState) -> Record | None:
        return _record(row)


def _rows(body: bytes) -> list[tuple[tuple[str, str], dict[str, object]]]:
    found = msgspec.json.decode(body).get("rows", [])
    return [((entity, remote_id), row) for entity, remote_id, row in found]


def _row(entity: str, remote_id: str, body: dict[str, object]) -> Row:
    due = date.fromisoformat(str(body["due"])) if body.get("open") else None
    return Row(entity, RemoteId(remote_id), "1", T0, body, due)


def _money(minor: object) -> Money:
    if not isinstance(minor, int):
        raise NotMoney("not an exact amount of USD")
    return Money(minor, "USD")


def _record(row: MirrorRow) -> Record | None:
    body = msgspec.json.decode(row.body or b"{}")
    match row.entity:
        case "Bill":
            return OpenItem(
                kind=Kind.PAYABLE,
                remote_id=row.remote_id,
                remote_version=row.remote_version,
                number=f"N-{row.remote_id}",
                party=RemoteId(body["party"]),
                party_name="Bolt & Nut",
                issued_on=date(2026, 10, 20),
                due_on=date.fromisoformat(body["due"]),
                total=_money(body["total"]),
                balance=_money(body["open"]),
                memo="",
                changed_at=row.remote_at,
                is_deleted=row.is_deleted,
            )
        case "Vendor":
            money = _money(body["balance"])
            return Party(VENDOR, row.remote_id, body["name"], money, is_active=True)
        case "Account":
            money = _money(body["balance"])
            bank = body["is_bank"]
            return LedgerAccount(
                row.remote_id, body["name"], "Bank", "Checking", money, is_active=True, is_bank=bank
            )
        case _:
            return None


@dataclass
class Office:
    """The other side of `Ledger`; a transport."""

    clock: FakeClock
    rows: dict[tuple[str, str], dict[str, object]] = field(default_factory=lambda: {**ROWS})
    fails: dict[str, Outcome | Silence] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    bodies: list[dict[str, object]] = field(default_factory=list)

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        name = request.path.strip("/")
        asked = json.loads(request.body)
        self.calls.append(name)
        self.bodies.append(asked)
        await asyncio.sleep(0)  # noqa: TID251 - a round trip lets others run
        now = self.clock.now()
        failure = self.fails.get(name)
        if isinstance(failure, Silence):
            return NoAnswer(failure, now, now)
        if failure is not None:
            return Response(400, {}, failure.encode(), now, now)
        ids = asked["ids"].split(",") if name == "rows" else None
        rows = [[*k, v] for k, v in self.rows.items() if ids is None or k[1] in ids]
        answer = {"rows": rows} if name in ("changes", "rows") else {"echo": asked}
        return Response(200, {}, json.dumps(answer).encode(), now, now)

    async def close(self) -> None:
        return


@dataclass
class BooksRig:
    """A plane whose only rail is `Ledger`."""

    plane: OpenPlane
    clock: FakeClock
    office: Office

    async def settle(self) -> int:
        return await self.plane.runner.drain()


@asynccontextmanager
async def books_rig(
    folder: Path,
    *,
    connected: bool = True,
    now: datetime = T0,
    store: FullStore | None = None,
) -> AsyncIterator[BooksRig]:
    """One firm, one business, and if `connected` its company, never read."""
    clock = FakeClock(now.astimezone(UTC))
    office = Office(clock)
    parts = Parts(
        store=store,
        clock=clock,
        rng=SeededRng(1),
        transport=office,
        rails={LEDGER: Ledger()},
        apps=(LEDGER_APP,),
    )
    async with Plane.open(
        settings(folder), parts=parts, firm=FIRM, run=False, may_be_new=True
    ) as plane:
        await plane.store.add_firm(Firm(FIRM, "Firm", now))
        await plane.store.add_business(FIRM, Business(BUSINESS, FIRM, "Business", "b-1", now))
        it = BooksRig(plane, clock, office)
        if connected:
            row = Connection(
                CONNECTION,
                FIRM,
                BUSINESS,
                LEDGER,
                LEDGER_APP.id,
                "production",
                COMPANY,
                "",
                "",
                now,
            )
            await plane.store.add_connection(FIRM, row, plane.vault.seal("token"))
        yield it
