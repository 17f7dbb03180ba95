"""A rotated token that the store does not take: kept, stored as soon as the store works, never used before, never dropped.

`samples/reports/g2`: five refusals in a row, then a read. It was given up (`invalid_grant`, NEEDS_RECONNECT); now it is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from rowcol.adapters.sql import open_sqlite
from rowcol.core.change import Action
from rowcol.core.connection import Connection
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, ConnectionId, FirmId
from rowcol.core.need import Purpose
from rowcol.core.outcome import Outcome
from rowcol.core.pause import switch_of_rail
from rowcol.core.rail import Look
from rowcol.core.records import Business
from rowcol.core.refusal import Busy, Conflict, RailRefused, Refusal
from rowcol.core.wire import NoAnswer, Request, Response
from rowcol.engine.renewal import Usable
from rowcol.engine.unstored import TRIES, NotStoredYet, Unstored
from rowcol.ports import FullStore
from rowcol.services import consent, deeds
from rowcol.services.cache import CacheService
from rowcol.services.linking import PROOF_PAUSE
from tests.company_rig import CompanyRig, company_rig, company_row
from tests.fake_books import LEDGER
from tests.fake_company import APP, Paged
from tests.fakes import T0, FakeClock
from tests.rig import BUSINESS, FIRM
from tests.waiting import HANG_S, turns

SOON = timedelta(milliseconds=50)


class Refusing:
    """A store that takes no secret while `left`; all else it does."""

    def __init__(self, store: FullStore) -> None:
        self._store = store
        self.left = 0
        self.error: Exception = Busy("the disk of the database is full; nothing was stored")

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def _refuse(self) -> None:
        if self.left:
            self.left -= 1
            raise self.error

    async def store_token(
        self, firm: FirmId, connection: ConnectionId, old: bytes | None, new: bytes
    ) -> bool:
        self._refuse()
        return await self._store.store_token(firm, connection, old, new)

    async def add_connection(self, firm: FirmId, connection: Connection, token: bytes) -> None:
        self._refuse()
        await self._store.add_connection(firm, connection, token)


class Rotating:
    """A wire behind which a refresh token dies with its use."""

    def __init__(self, it: CompanyRig) -> None:
        self._company = it.company

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        answer = await self._company.send(base_url, request)
        if request.path.endswith("refresh"):
            self._company.known = {f"r{self._company.number}"}
        return answer


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Refusing]:
    inner = await open_sqlite(tmp_path / "x.db")
    yield Refusing(inner)
    await inner.close()


@pytest.fixture
async def it(tmp_path: Path, store: Refusing) -> AsyncIterator[CompanyRig]:
    """Read whole, then thirty hours go by; refresh tokens rotate."""
    async with company_rig(tmp_path, store=store) as made:  # type: ignore[arg-type]
        await made.settle()
        made.plane.gateway._transport = Rotating(made)
        made.clock.advance(timedelta(hours=30))
        made.company.calls.clear()
        yield made


async def read(it: CompanyRig) -> Action:
    """The clock goes on until it is answered."""
    service = CacheService(it.plane, BUSINESS)
    asked = asyncio.create_task(service.get_bill("b1", Purpose.GUARDRAIL))
    while not asked.done():
        await it.settle()
        await asyncio.sleep(0.01)  # noqa: TID251 - the store's threads answer in real time
        it.clock.advance(timedelta(minutes=5))
    return asked.result().action


async def test_g2_it_is_stored_as_soon_as_the_store_works(it: CompanyRig, store: Refusing) -> None:
    """It was: HOLD, two refreshes and NEEDS_RECONNECT."""
    store.left = TRIES
    assert await read(it) is Action.SERVE
    assert it.company.calls.count("refresh") == 1
    assert await it.token() == "r2"
    assert (await it.view()).connection.state.health is Health.OK


@pytest.mark.parametrize("error", [Busy("the file is locked"), RuntimeError("of any other kind")])
async def test_nothing_is_called_before_it_is_stored(
    it: CompanyRig, store: Refusing, error: Exception
) -> None:
    """Neither with the new token, nor with the old one, nor is it renewed again; a person's word waits, too."""
    store.left, store.error = 10_000, error
    assert await read(it) is Action.HOLD
    row = (await it.view()).connection
    with pytest.raises(NotStoredYet):
        async with deeds.held(it.plane, row):
            raise AssertionError("not held")
    assert it.company.calls == ["refresh"]
    assert it.plane.renewer.unstored.subjects == (it.connection,)
    store.left = 0
    async with deeds.held(it.plane, row) as its:
        assert its.view.token is not None
    assert await it.token() == "r2"
    assert not it.plane.renewer.unstored.subjects


async def test_without_a_question_it_is_stored_too(it: CompanyRig, store: Refusing) -> None:
    store.left = TRIES + 3
    assert not isinstance(await it.plane.renewer.usable(await it.view()), Usable)
    for _ in range(20):
        it.clock.advance(timedelta(seconds=15))
        await asyncio.sleep(0.01)  # noqa: TID251 - the store's threads answer in real time
    assert await it.token() == "r2"
    assert it.company.calls.count("refresh") == 1


async def test_closing_the_plane_stores_it(tmp_path: Path, store: Refusing) -> None:
    async with company_rig(tmp_path, store=store) as it:  # type: ignore[arg-type]
        it.clock.advance(timedelta(hours=30))
        store.left = TRIES
        await it.plane.renewer.usable(await it.view())
        assert await it.token() == "r1"
        it.plane.runner._store = Broken()  # type: ignore[assignment] # what else fails on the way out does not cost it
    view = await store.read_view(FIRM, it.connection)  # type: ignore[operator]
    assert '"r2"' in it.plane.vault.open(view.token).reveal()


class Broken:
    """No store."""


async def test_a_code_s_tokens_are_kept_too(tmp_path: Path, store: Refusing) -> None:
    """A consent is good once. It was lost: the person had to consent again, and at Plaid the login cost a fee unseen."""
    async with company_rig(tmp_path, store=store, connected=False) as it:  # type: ignore[arg-type]
        grant = await consent.begin(it.plane, FIRM, BUSINESS, APP)
        (state,) = parse_qs(urlsplit(grant.url).query)["state"]
        store.left = TRIES + 1
        with pytest.raises(NotStoredYet):
            await consent.complete(it.plane, {"state": state, "code": "c"})
        assert await it.plane.store.list_connections(FIRM) == ()
        assert await consent.outcome(it.plane, FIRM, BUSINESS, grant.value) is None
        assert not await it.plane.renewer.unstored.settle()
        assert await it.plane.renewer.unstored.settle()
        (row,) = await it.plane.store.list_connections(FIRM)
        assert await consent.outcome(it.plane, FIRM, BUSINESS, grant.value) == row
        assert it.company.calls == ["token"]


async def test_what_no_grace_saves_is_told_without_the_token() -> None:
    unstored = Unstored(FakeClock(T0))

    async def write() -> None:
        raise Busy("canary")

    with capture_logs() as logs:
        with pytest.raises(NotStoredYet):
            await unstored.store("con-1", write)
        await unstored.finish(SOON)
    assert [each["event"] for each in logs] == ["token.not_stored", "token.lost"]
    assert logs[-1]["connection"] == "con-1"
    assert "reconnect" in logs[-1]["what_to_do"]
    assert "canary" not in str(logs)


async def test_what_is_refused_for_good_does_not_wait() -> None:
    unstored = Unstored(FakeClock(T0))

    async def write() -> Refusal:
        return Conflict("another's")

    assert isinstance(await unstored.store("con-1", write), Conflict)
    assert unstored.subjects == ()
    await unstored.finish(SOON)


async def test_whoever_stored_it_whoever_waits_is_told() -> None:
    """It was: None, where the retry was first; what had been refused for good was told as stored."""
    unstored, first, go = Unstored(FakeClock(T0)), asyncio.Event(), asyncio.Event()
    tries = 0

    async def write() -> str:
        nonlocal tries
        tries += 1
        if tries > 1:
            return "stored"
        first.set()
        await go.wait()
        raise Busy("locked")

    storing = asyncio.create_task(unstored.store("con-1", write))
    await first.wait()
    settling = asyncio.create_task(unstored.settle())  # next in line for the write
    await turns()
    go.set()
    assert await storing == "stored"
    assert await settling
    assert tries == 2


async def test_what_is_being_written_waits_for_others_only() -> None:
    """It was: for ever, for itself."""
    unstored = Unstored(FakeClock(T0))

    async def write() -> str:
        await unstored.require("con-1")
        return "stored"

    assert await asyncio.wait_for(unstored.store("con-1", write), HANG_S) == "stored"


class Deaf(Refusing):
    """Takes it, and is cut before it says so."""

    @override
    async def add_connection(self, firm: FirmId, connection: Connection, token: bytes) -> None:
        await self._store.add_connection(firm, connection, token)
        self._refuse()


async def begun(it: CompanyRig) -> tuple[str, dict[str, str]]:
    """A consent's id, and what its callback brings."""
    grant = await consent.begin(it.plane, FIRM, BUSINESS, APP)
    (state,) = parse_qs(urlsplit(grant.url).query)["state"]
    return grant.value, {"state": state, "code": "c"}


async def test_a_commit_that_was_not_heard_of_is_found(tmp_path: Path) -> None:
    """It was: a deadlock, of books; the row that the first try made was taken for another's."""
    inner = await open_sqlite(tmp_path / "x.db")
    store = Deaf(inner)
    async with company_rig(tmp_path, store=store, connected=False) as it:  # type: ignore[arg-type]
        _, answers = await begun(it)
        store.left = 1
        row = await asyncio.wait_for(consent.complete(it.plane, answers), HANG_S)
        assert await it.plane.store.list_connections(FIRM) == (row,)
        assert it.plane.renewer.unstored.subjects == ()
    await inner.close()


async def test_a_consent_whose_token_is_dropped_later_ends(tmp_path: Path, store: Refusing) -> None:
    """It was: no ending; after five minutes `the service stopped`."""
    async with company_rig(tmp_path, store=store, connected=False) as it:  # type: ignore[arg-type]
        begun_id, answers = await begun(it)
        store.left = TRIES
        with pytest.raises(NotStoredYet):
            await consent.complete(it.plane, answers)
        other = BusinessId("biz-2")
        await it.plane.store.add_business(FIRM, Business(other, FIRM, "Other", "b-2", T0))
        theirs = replace(company_row("con-2"), business=other)
        await it.plane.store.add_connection(FIRM, theirs, it.plane.vault.seal("t"))
        assert await it.plane.renewer.unstored.settle()
        with pytest.raises(RailRefused, match="connected already, to the business 'Other'"):
            await consent.outcome(it.plane, FIRM, BUSINESS, begun_id)


class Proven(Paged):
    """The person names the company; its own token proves it."""

    @override
    def proof_look(self) -> Look:
        return Look("company")


class Pausing:
    """A wire behind which somebody stops what is in the way, once the code is exchanged."""

    def __init__(self, it: CompanyRig) -> None:
        self._it = it
        it.plane.gateway._transport = self

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        answer = await self._it.company.send(base_url, request)
        if request.path.endswith("token"):
            await self._it.plane.store.set_switch(switch_of_rail(LEDGER), "an incident")
        return answer


async def test_a_pause_drops_no_consent(tmp_path: Path) -> None:
    """It was: refused for good, and the token with it."""
    async with company_rig(tmp_path, rail=Proven(), connected=False) as it:
        begun_id, answers = await begun(it)
        Pausing(it)
        with pytest.raises(NotStoredYet, match="paused: an incident") as told:
            await consent.complete(it.plane, answers)
        assert "rowcol resume" in told.value.what_to_do
        assert it.company.calls == ["token"]
        assert not await it.plane.renewer.unstored.settle()
        await it.plane.store.set_switch(switch_of_rail(LEDGER), None)
        assert await it.plane.renewer.unstored.settle()
        (row,) = await it.plane.store.list_connections(FIRM)
        assert await consent.outcome(it.plane, FIRM, BUSINESS, begun_id) == row
        assert it.company.calls == ["token", "company"]


async def test_a_proof_that_is_refused_ends_it_one_that_nobody_gives_does_not(
    tmp_path: Path,
) -> None:
    async with company_rig(tmp_path, rail=Proven(), connected=False) as it:
        begun_id, answers = await begun(it)
        it.company.fails["company"] = Outcome.TRY_AGAIN
        completing = asyncio.create_task(consent.complete(it.plane, answers))
        while not completing.done():
            await asyncio.sleep(0.001)  # noqa: TID251 - the store's threads answer in real time
            it.clock.advance(PROOF_PAUSE)
        assert isinstance(completing.exception(), NotStoredYet)
        it.company.fails["company"] = Outcome.NEEDS_PERSON
        assert await it.plane.renewer.unstored.settle()
        assert await it.plane.store.list_connections(FIRM) == ()
        with pytest.raises(RailRefused, match="does not confirm"):
            await consent.outcome(it.plane, FIRM, BUSINESS, begun_id)
