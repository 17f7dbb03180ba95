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

from rowcol.adapters.chance import SeededRng
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.ids import AppId
from rowcol.core.outcome import Outcome
from rowcol.core.records import Business, Firm
from rowcol.core.refusal import RailRefused
from rowcol.core.wire import NoAnswer, Request, Response, Silence
from rowcol.engine.addresses import AGAIN_AFTER, KEPT, Addresses
from rowcol.engine.gateway import PLANE
from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.qbo import QboClient, QboEmulator, Switches, qbo_app
from rowcol.services import consent
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


@dataclass
class Office:
    """QuickBooks whose tokens moved: only `/moved` gives them, and its document says so, or what `document` says."""

    inner: AsgiTransport
    document: Response | NoAnswer | None = None
    sent: list[str] = field(default_factory=list)

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        self.sent.append(base_url + request.path)
        if request.path.startswith("/.well-known/"):
            return self.document or _moved(await self.inner.send(base_url, request))
        if request.path.startswith("/oauth2/"):
            now = T0
            return Response(404, {}, b"", now, now)
        path = request.path.replace("/moved/", "/oauth2/v1/")
        return await self.inner.send(base_url, replace(request, path=path))


def _moved(answer: Response | NoAnswer) -> Response:
    assert isinstance(answer, Response)
    body = {**json.loads(answer.body), "token_endpoint": f"{BOOKS}/moved/tokens/bearer"}
    return replace(answer, body=json.dumps(body).encode())


@dataclass
class Desk:
    """A plane, the emulated books, and what lies between."""

    plane: OpenPlane
    books: QboEmulator
    office: Office
    clock: ManualClock

    async def connect(self) -> None:
        grant = await consent.begin(self.plane, FIRM, BUSINESS, APP)
        state = parse_qs(urlsplit(grant.url).query)["state"][0]
        realm = next(iter(self.books.companies))
        answers = {"state": state, "code": self.books.consent("c", realm), "realmId": realm}
        await consent.complete(self.plane, answers)

    async def calls(self) -> list[tuple[str, Outcome | None]]:
        """Oldest first."""
        kept = [*await self.plane.store.list_calls(PLANE), *await self.plane.store.list_calls(FIRM)]
        kept.sort(key=lambda call: call.id)
        return [(call.endpoint, call.outcome) for call in kept]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = ManualClock(T0)
    clients = {"c": QboClient(secret="s", verifier_token="v", webhook_url="")}
    books = QboEmulator(clock, stream(1, "books"), Switches(), NowhereSender(), clients=clients)
    books.add_company("Harbor Dental")
    office = Office(AsgiTransport({BOOKS: qbo_app(books)}, clock))
    parts = Parts(clock=clock, rng=SeededRng(1), transport=office, apps=(APP,))
    async with Plane.open(settings(tmp_path), parts=parts, firm=FIRM, run=False) as plane:
        await plane.store.add_firm(Firm(FIRM, "Firm", T0))
        await plane.store.add_business(FIRM, Business(BUSINESS, FIRM, "Business", "b-1", T0))
        yield Desk(plane, books, office, clock)


async def test_tokens_are_asked_for_where_the_document_says(desk: Desk) -> None:
    await desk.connect()
    assert desk.office.sent[:2] == [
        f"{BOOKS}/.well-known/openid_configuration",
        f"{BOOKS}/moved/tokens/bearer",
    ]
    assert (await desk.calls())[:2] == [("discovery", Outcome.OK), ("token.exchange", Outcome.OK)]
    await desk.connect()
    assert sum("/.well-known/" in url for url in desk.office.sent) == 1, "once a day"
    desk.clock.advance_to(T0 + KEPT)
    await desk.connect()
    assert sum("/.well-known/" in url for url in desk.office.sent) == 2


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        (NoAnswer(Silence.TIMEOUT, T0, T0), Outcome.NO_ANSWER),
        (NoAnswer(Silence.NOT_SENT, T0, T0), Outcome.NOT_SENT),
        (Response(503, {}, b"<html>", T0, T0), Outcome.TRY_AGAIN),
        (Response(200, {}, b"[]", T0, T0), Outcome.UNREADABLE),
        (Response(200, {}, json.dumps(ELSEWHERE).encode(), T0, T0), Outcome.UNREADABLE),
    ],
    ids=["slow", "down", "failing", "not-a-document", "somebody-else's"],
)
async def test_without_a_good_document_the_known_addresses_hold(
    desk: Desk, document: Response | NoAnswer, outcome: Outcome
) -> None:
    """Here they are wrong, so the exchange fails, at an address of the rail's own; the next hour's document mends it."""
    desk.office.document = document
    with pytest.raises(RailRefused):
        await desk.connect()
    assert desk.office.sent[1:] == [f"{BOOKS}/oauth2/v1/tokens/bearer"]
    assert (await desk.calls())[0] == ("discovery", outcome)
    desk.office.document = None
    desk.clock.advance_to(T0 + AGAIN_AFTER)
    await desk.connect()
