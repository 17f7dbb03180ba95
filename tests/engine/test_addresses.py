"""Addresses: read once a day, believed when they are the rail's own; without the document the known ones hold."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from rowcol.adapters.chance import SeededRng
from rowcol.adapters.memory import MemoryStore
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.change import Intent, NotBefore, Refused, Settlement
from rowcol.core.connection import Connection
from rowcol.core.evidence import Health
from rowcol.core.ids import AppId, FirmId
from rowcol.core.outcome import Outcome
from rowcol.core.pause import switch_of_rail
from rowcol.core.records import Business, Firm
from rowcol.core.refusal import Busy, RailRefused
from rowcol.core.wire import NoAnswer, Request, Response, Silence
from rowcol.engine.addresses import AGAIN_AFTER, KEPT, SOON_AFTER, Addresses, NotAsked
from rowcol.engine.gateway import PLANE
from rowcol.engine.renewal import Usable
from rowcol.ports import FullStore
from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.qbo import QboClient, QboEmulator, Switches, qbo_app
from rowcol.services import consent
from rowcol.services.integration import IntegrationService
from rowcol.services.plane import OpenPlane
from rowcol.simulation.chance import stream
from rowcol.simulation.wires import AsgiTransport, NowhereSender
from tests.fakes import T0, FakeClock
from tests.rig import BUSINESS, FIRM, settings

BOOKS = "http://books"
APP = App(
    *(AppId("books"), "qbo", "emulated", BOOKS, {"client_id": "c", "secret": "s"}),
    callback_url="http://service/oauth/qbo/callback",
)
ELSEWHERE = dict.fromkeys(
    ("authorization_endpoint", "token_endpoint", "revocation_endpoint"), "https://evil.example/take"
)
TOLD = {"token.refresh": "https://tokens.example/new"}


async def test_however_many_ask_one_reads() -> None:
    reads = 0

    async def read() -> Mapping[str, str]:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)  # noqa: TID251 - a round trip lets others run
        return TOLD

    addresses = Addresses(FakeClock(T0))
    found = await asyncio.gather(*(addresses.of(AppId("a"), read) for _ in range(10)))
    assert found == [TOLD] * 10
    assert reads == 1
    assert await addresses.of(AppId("b"), read) == TOLD
    assert reads == 2, "apps have documents of their own"


async def test_what_was_told_last_holds_until_a_better_one_is_read() -> None:
    clock = FakeClock(T0)
    addresses = Addresses(clock)
    answers: list[Mapping[str, str] | None] = [None, TOLD, None, {}]

    async def read() -> Mapping[str, str] | None:
        return answers.pop(0)

    async def told() -> tuple[Mapping[str, str], int]:
        return await addresses.of(AppId("a"), read), len(answers)

    assert await told() == ({}, 3)
    assert await told() == ({}, 3), "not again at once"
    clock.advance(AGAIN_AFTER)
    assert await told() == (TOLD, 2)
    clock.advance(KEPT - timedelta(seconds=1))
    assert await told() == (TOLD, 2)
    clock.advance(timedelta(seconds=1))
    assert await told() == (TOLD, 1)
    clock.advance(AGAIN_AFTER)
    assert await told() == ({}, 0)


class Counted:
    """A document that tells `TOLD`, but for the first `refused` times; and how often it was read."""

    def __init__(self, refused: int = 0) -> None:
        self.reads = 0
        self._refused = refused

    async def __call__(self) -> Mapping[str, str]:
        self.reads += 1
        if self.reads <= self._refused:
            raise NotAsked
        return TOLD


async def test_an_address_in_doubt_is_read_again_an_hour_after_it_was() -> None:
    clock, read = FakeClock(T0), Counted()
    addresses = Addresses(clock)
    await addresses.of(AppId("a"), read)
    addresses.doubt(AppId("a"))
    await addresses.of(AppId("a"), read)
    assert read.reads == 1
    clock.advance(AGAIN_AFTER)
    await addresses.of(AppId("a"), read)
    assert read.reads == 2
    clock.advance(KEPT / 2)
    addresses.doubt(AppId("a"))
    await addresses.of(AppId("a"), read)
    assert read.reads == 3, "long ago: at once"


async def test_what_was_not_asked_for_is_asked_for_soon() -> None:
    clock, read = FakeClock(T0), Counted(refused=1)
    addresses = Addresses(clock)
    assert await addresses.of(AppId("a"), read) == {}
    assert await addresses.of(AppId("a"), read) == {}
    assert read.reads == 1, "not again at once"
    clock.advance(SOON_AFTER)
    assert await addresses.of(AppId("a"), read) == TOLD


async def test_who_gives_up_leaves_it_reading() -> None:
    begun, go, reads = asyncio.Event(), asyncio.Event(), 0
    addresses = Addresses(FakeClock(T0))

    async def read() -> Mapping[str, str]:
        nonlocal reads
        reads += 1
        begun.set()
        await go.wait()
        return TOLD

    first = asyncio.create_task(addresses.of(AppId("a"), read))
    await begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(addresses.of(AppId("a"), read))
    go.set()
    assert (await second, reads) == (TOLD, 1)


@dataclass
class Office:
    """QuickBooks whose tokens moved: only `/moved` gives them, and its document says so, or what `document` says."""

    inner: AsgiTransport
    document: Response | NoAnswer | None = None
    is_down: bool = False
    sent: list[str] = field(default_factory=list)

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        self.sent.append(base_url + request.path)
        if request.path.startswith("/.well-known/"):
            return self.document or _moved(await self.inner.send(base_url, request))
        if request.path in MOVED:
            silence = NoAnswer(Silence.NOT_SENT, T0, T0)
            return silence if self.is_down else Response(404, {}, b"", T0, T0)
        path = {new: old for old, new in MOVED.items()}.get(request.path, request.path)
        return await self.inner.send(base_url, replace(request, path=path))


MOVED = {
    "/oauth2/v1/tokens/bearer": "/moved/tokens",
    "/v2/oauth2/tokens/revoke": "/moved/revoke",
}


def _moved(answer: Response | NoAnswer) -> Response:
    assert isinstance(answer, Response)
    body = answer.body.decode()
    for old, new in MOVED.items():
        body = body.replace(old, new)
    return replace(answer, body=body.encode())


class Jammed:
    """A store that has no time for the calls of the plane while `what` is jammed: to open, or to settle."""

    def __init__(self, store: FullStore) -> None:
        self._store = store
        self.what = ""

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def open_call(self, firm: FirmId, intent: Intent) -> NotBefore | Refused | None:
        if self.what == "open" and firm == PLANE:
            raise Busy("locked")
        return await self._store.open_call(firm, intent)

    async def settle(self, firm: FirmId, settlement: Settlement) -> None:
        if self.what == "settle" and firm == PLANE:
            raise Busy("locked")
        await self._store.settle(firm, settlement)


@dataclass
class Desk:
    """A plane, the emulated books, and what lies between."""

    plane: OpenPlane
    books: QboEmulator
    office: Office
    clock: ManualClock
    jam: Jammed

    async def connect(self) -> Connection:
        grant = await consent.begin(self.plane, FIRM, BUSINESS, APP)
        state = parse_qs(urlsplit(grant.url).query)["state"][0]
        realm = next(iter(self.books.companies))
        answers = {"state": state, "code": self.books.consent("c", realm), "realmId": realm}
        return await consent.complete(self.plane, answers)

    async def calls(self) -> list[tuple[str, Outcome | None]]:
        """Oldest first."""
        kept = [*await self.plane.store.list_calls(PLANE), *await self.plane.store.list_calls(FIRM)]
        kept.sort(key=lambda call: call.id)
        return [(call.endpoint, call.outcome) for call in kept]

    @property
    def documents(self) -> int:
        return sum("/.well-known/" in url for url in self.office.sent)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = ManualClock(T0)
    clients = {"c": QboClient(secret="s", verifier_token="v", webhook_url="")}
    books = QboEmulator(clock, stream(1, "books"), Switches(), NowhereSender(), clients=clients)
    books.add_company("Harbor Dental")
    office = Office(AsgiTransport({BOOKS: qbo_app(books)}, clock))
    jam = Jammed(MemoryStore())
    parts = Parts(store=jam, clock=clock, rng=SeededRng(1), transport=office, apps=(APP,))  # type: ignore[arg-type]
    async with Plane.open(settings(tmp_path), parts=parts, firm=FIRM, run=False) as plane:
        await plane.store.add_firm(Firm(FIRM, "Firm", T0))
        await plane.store.add_business(FIRM, Business(BUSINESS, FIRM, "Business", "b-1", T0))
        yield Desk(plane, books, office, clock, jam)


async def test_tokens_are_got_renewed_and_revoked_where_the_document_says(desk: Desk) -> None:
    login = await desk.connect()
    assert desk.office.sent[:2] == [
        f"{BOOKS}/.well-known/openid_configuration",
        f"{BOOKS}/moved/tokens",
    ]
    assert (await desk.calls())[:2] == [("discovery", Outcome.OK), ("token.exchange", Outcome.OK)]
    desk.clock.advance_to(T0 + timedelta(hours=2))
    view = await desk.plane.store.read_view(FIRM, login.id)
    assert view is not None
    assert isinstance(await desk.plane.renewer.usable(view), Usable)
    ended = await IntegrationService(desk.plane, BUSINESS).disconnect(login.id)
    assert ended.state.health is Health.RETIRED
    assert desk.office.sent[-2:] == [f"{BOOKS}/moved/tokens", f"{BOOKS}/moved/revoke"]
    assert desk.documents == 1, "once a day"
    desk.clock.advance_to(T0 + KEPT)
    await desk.connect()
    assert desk.documents == 2


@pytest.mark.parametrize(
    ("document", "outcome", "is_told"),
    [
        (NoAnswer(Silence.TIMEOUT, T0, T0), Outcome.NO_ANSWER, False),
        (NoAnswer(Silence.NOT_SENT, T0, T0), Outcome.NOT_SENT, False),
        (Response(503, {}, b"<html>", T0, T0), Outcome.TRY_AGAIN, False),
        (Response(301, {}, b"", T0, T0), Outcome.UNREADABLE, True),
        (Response(401, {}, b"", T0, T0), Outcome.UNREADABLE, True),
        (Response(200, {}, b"[]", T0, T0), Outcome.UNREADABLE, True),
        (Response(200, {}, json.dumps(ELSEWHERE).encode(), T0, T0), Outcome.UNREADABLE, True),
    ],
    ids=["slow", "down", "failing", "moved", "locked", "not-a-document", "somebody-else's"],
)
async def test_without_a_good_document_the_known_addresses_hold(
    desk: Desk, document: Response | NoAnswer, outcome: Outcome, is_told: bool
) -> None:
    """Here they are wrong, so the exchange fails, at an address of the rail's own; the next hour's document mends it.
    An operator hears of a document that will not get better by itself."""
    desk.office.document = document
    with capture_logs() as logs, pytest.raises(RailRefused):
        await desk.connect()
    assert desk.office.sent[1:] == [f"{BOOKS}/oauth2/v1/tokens/bearer"]
    assert (await desk.calls())[0] == ("discovery", outcome)
    alarms = [entry for entry in logs if entry["event"] == "call.alarm"]
    assert [alarm["app"] for alarm in alarms] == [APP.id] * is_told
    assert "evil" not in str(logs)
    desk.office.document = None
    desk.clock.advance_to(T0 + AGAIN_AFTER)
    await desk.connect()


async def test_a_busy_store_loses_no_document(desk: Desk) -> None:
    desk.jam.what = "settle"
    await desk.connect()
    assert f"{BOOKS}/moved/tokens" in desk.office.sent


@pytest.mark.parametrize("stopped", ["busy", "paused"])
async def test_what_we_could_not_ask_for_is_asked_for_within_a_minute(
    desk: Desk, stopped: str
) -> None:
    store = desk.plane.store
    desk.jam.what = "open" if stopped == "busy" else ""
    if stopped == "paused":
        await store.set_switch(switch_of_rail("qbo"), "a test")
    await consent.begin(desk.plane, FIRM, BUSINESS, APP)
    assert desk.documents == 0
    desk.jam.what = ""
    await store.set_switch(switch_of_rail("qbo"), None)
    desk.clock.advance_to(T0 + SOON_AFTER)
    await desk.connect()
    assert f"{BOOKS}/moved/tokens" in desk.office.sent


@pytest.mark.parametrize("is_down", [True, False])
async def test_an_address_where_nobody_answers_is_told_anew(desk: Desk, is_down: bool) -> None:
    """A document that is wrong for an hour is not believed for a day."""
    dead = dict.fromkeys(ELSEWHERE, f"{BOOKS}/oauth2/v1/tokens/bearer")
    desk.office.document = Response(200, {}, json.dumps(dead).encode(), T0, T0)
    desk.office.is_down = is_down
    with pytest.raises(RailRefused):
        await desk.connect()
    desk.office.document, desk.office.is_down = None, False
    desk.clock.advance_to(T0 + AGAIN_AFTER)
    await desk.connect()
    assert desk.documents == 2
