"""A rotated token that the store does not take: kept, stored as soon as the store works, never used before, never dropped.

`samples/reports/g2`: five refusals in a row, then a read. It was given up (`invalid_grant`, NEEDS_RECONNECT); now it is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from rowcol.adapters.sql import open_sqlite
from rowcol.core.change import Action
from rowcol.core.connection import Connection
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId, FirmId
from rowcol.core.need import Purpose
from rowcol.core.refusal import Busy, Conflict
from rowcol.core.wire import NoAnswer, Request, Response
from rowcol.engine.renewal import Usable
from rowcol.engine.unstored import TRIES, NotStoredYet, Unstored
from rowcol.ports import FullStore
from rowcol.services import consent, deeds
from rowcol.services.cache import CacheService
from tests.company_rig import CompanyRig, company_rig
from tests.fake_company import APP
from tests.fakes import T0, FakeClock
from tests.rig import BUSINESS, FIRM

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

    async def write() -> None:
        raise Conflict("another's")

    with pytest.raises(Conflict):
        await unstored.store("con-1", write)
    assert unstored.subjects == ()
    await unstored.finish(SOON)
