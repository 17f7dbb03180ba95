"""Renewal whose caller was cancelled: the new token is stored all the same, whoever comes next waits for it, nothing shows it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.adapters.sql import open_sqlite
from rowcol.core.change import Action, Intent
from rowcol.core.evidence import Health
from rowcol.core.ids import FirmId
from rowcol.core.need import Purpose
from rowcol.core.outcome import Outcome
from rowcol.core.wire import NoAnswer, Request, Response
from rowcol.services.cache import CacheService
from tests.company_rig import CompanyRig, company_rig
from tests.fake_company import Company
from tests.rig import BUSINESS, FIRM
from tests.waiting import HANG_S

COLOURS = re.compile("\x1b\\[[0-9;]*m")


class Held:
    """A wire that keeps the answer to a renewal back; the old refresh token died with it."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self.arrived, self.go = asyncio.Event(), asyncio.Event()

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        answer = await self._company.send(base_url, request)
        if request.path.endswith("refresh"):
            self._company.known = {f"r{self._company.number}"}
            self.arrived.set()
            await self.go.wait()
        return answer


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    """Never read whole, and the token has ended: a bill is asked for by its id, in its reader's own task."""
    async with company_rig(tmp_path) as made:
        made.clock.advance(timedelta(hours=30))
        yield made


async def cancelled(it: CompanyRig) -> Held:
    """A read that was given up between the rail's answer and the swap."""
    wire = Held(it.company)
    it.plane.gateway._transport = wire
    reading = asyncio.create_task(read(it))
    await asyncio.wait_for(wire.arrived.wait(), HANG_S)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reading, HANG_S)
    assert await it.token() == "r1"
    return wire


async def read(it: CompanyRig) -> Action:
    answer = await CacheService(it.plane, BUSINESS).get_bill("b1", Purpose.GUARDRAIL)
    return answer.action


async def test_it_is_stored_and_settled(it: CompanyRig) -> None:
    wire = await cancelled(it)
    wire.go.set()
    assert await it.plane.renewer.unbroken.join(it.connection)
    assert await it.token() == "r2"
    (call,) = await it.plane.store.list_calls(FIRM)
    assert call.outcome is Outcome.OK
    assert await read(it) is Action.SERVE
    assert it.company.calls == ["refresh", "rows"]


async def test_who_comes_next_waits_for_it(it: CompanyRig) -> None:
    wire = await cancelled(it)
    reading = asyncio.create_task(read(it))
    await asyncio.sleep(0.05)  # noqa: TID251 - the store's threads answer in real time
    assert it.company.calls == ["refresh"]
    wire.go.set()
    assert await asyncio.wait_for(reading, HANG_S) is Action.SERVE
    assert it.company.calls == ["refresh", "rows"]
    assert (await it.view()).connection.state.health is Health.OK


async def test_closing_the_plane_waits_for_it(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "x.db")
    async with company_rig(tmp_path, store=store) as it:
        it.clock.advance(timedelta(hours=30))
        wire = await cancelled(it)
        asyncio.get_running_loop().call_later(0.05, wire.go.set)
    view = await store.read_view(FIRM, it.connection)
    assert view is not None
    assert view.token is not None
    assert '"r2"' in it.plane.vault.open(view.token).reveal()
    await store.close()


async def test_a_log_shows_where_it_broke_and_no_locals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As structlog prints it for a host that configured nothing: that shows locals beside a traceback."""
    async with company_rig(tmp_path) as it:

        async def broken(firm: FirmId, intent: Intent) -> None:
            raise RuntimeError("anything")

        it.plane.store.open_call = broken  # type: ignore[method-assign]
        await it.settle()
    shown = COLOURS.sub("", capsys.readouterr().out)
    assert "reconcile.failed" in shown
    assert "RuntimeError at" in shown
    assert "engine/gateway.py" in shown
    for hidden in ("anything", "sealed_token", "access"):
        assert hidden not in shown
