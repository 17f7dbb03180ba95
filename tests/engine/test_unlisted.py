"""Unlisted: what a whole listing does not show is asked for by id. Its failures neither bury, nor go back, nor go on for ever."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from typing_extensions import override

from rowcol.cli.findings import about_logins
from rowcol.core.books import BILL
from rowcol.core.change import Change
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import RemoteId
from rowcol.core.need import Purpose
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Look, Renewed, Row
from rowcol.core.wire import Response
from rowcol.engine.work import CONFIRM_TRIES
from rowcol.services.cache import CacheService
from tests.company_rig import CompanyRig, company_rig
from tests.engine.test_books import HOUR, MINUTE, ask, it, metered, read
from tests.fake_company import Paged
from tests.rig import BUSINESS, FIRM
from tests.waiting import until_stuck

__all__ = ["it"]


async def alive(it: CompanyRig) -> list[str]:
    rows = await it.plane.store.list_rows(FIRM, it.connection, BILL)
    return [row.remote_id for row in rows]


def overflow(it: CompanyRig) -> None:
    """The next look at changes cannot hold them: everything is listed anew."""
    it.clock.advance(HOUR)
    it.company.calls.clear()
    it.company.cap = 2
    for bill in ("b1", "b2"):
        it.company.change(bill, 11)


async def test_a_failure_after_a_listing_asks_for_nothing_by_id(tmp_path: Path) -> None:
    """Was: list, changes, rows; no failure was kept, and rows stayed staged though no reading was under way."""
    async with company_rig(tmp_path) as it:
        fails = it.company.fails
        it.company.on_call = lambda name: (
            fails.update(list=Outcome.TRY_AGAIN) if len(it.company.calls) == 2 else None
        )
        await it.settle()
        assert (await it.view()).connection.state.page == "2"
        it.company.on_call = None
        fails.clear()
        fails["changes"] = Outcome.TRY_AGAIN
        it.company.calls.clear()
        it.clock.advance(HOUR)
        bills = CacheService(it.plane, BUSINESS).list_bills(purpose=Purpose.GUARDRAIL)
        asked = asyncio.create_task(bills)
        await until_stuck(it.clock, asked)
        await it.settle()
        asked.cancel()
        assert metered(it) == ["list", "list", "changes"]
        state = (await it.view()).connection.state
        assert (state.failures, state.page) == (1, "")


async def test_a_reading_that_begins_publishes_nothing_staged_before(tmp_path: Path) -> None:
    """Was: an older row of b9, which is not there, was published with the next reading."""
    async with company_rig(tmp_path) as it:
        lease = await it.plane.store.claim_one(FIRM, it.connection, "test", it.clock.now(), 60)
        assert lease is not None
        left = Row(BILL, RemoteId("b9"), "1", None, {"total": 1})
        await it.plane.store.commit(FIRM, Change(lease, staged=(left,), releases=True))
        await it.settle()
        assert await alive(it) == ["b1", "b2", "b3", "b4", "b5"]


async def test_what_is_refused_by_id_for_good_is_kept_and_said(it: CompanyRig) -> None:
    """Was: every hour the last page and the query again, 48 metered calls a day, and nothing of it published."""
    overflow(it)
    it.company.bills["b3"] = 33
    del it.company.bills["b5"]
    it.company.fails["rows"] = Outcome.BAD_REQUEST
    await it.settle()
    asked = ask(it)
    await until_stuck(it.clock, asked, settle=it.settle)
    asked.cancel()
    for _ in range(24 * 2):
        it.clock.advance(HOUR / 2)
        await it.settle()
    assert it.company.calls.count("rows") == CONFIRM_TRIES
    assert await alive(it) == ["b1", "b2", "b3", "b4", "b5"]
    login = (await it.view()).connection
    assert (login.state.page, login.state.failures) == ("", 0)
    assert login.health is Health.DEGRADED
    firm = await it.plane.store.read_firm(FIRM)
    assert firm is not None
    now = it.clock.now()
    found = [f.text async for f in about_logins(it.plane.store, firm, now)]
    assert found == [login.health_reason(now)]
    assert "Bill" in found[0]

    it.company.fails.clear()  # and the next listing asks again
    overflow(it)
    await read(it)
    assert it.company.calls.count("rows") == 1
    assert await alive(it) == ["b1", "b2", "b3", "b4"]
    login = (await it.view()).connection
    assert (login.health, login.health_reason(it.clock.now())) == (Health.OK, "")


class Telling(Paged):
    """Its state tells that the token was renewed."""

    @override
    def read_renewal(
        self, look: Look, response: Response, token: str, state: ConnectionState
    ) -> Renewed | Failure:
        read = super().read_renewal(look, response, token, state)
        assert isinstance(read, Renewed)
        return replace(read, state=replace(read.state, facts={"renewed": self.spec.name}))


async def test_a_renewal_is_never_lost_behind_a_listing(tmp_path: Path) -> None:
    """The token ends while the last page is read. Was: renewed before the call by id, and the state that told it
    replaced by the page's."""
    async with company_rig(tmp_path, rail=Telling()) as it:
        await it.settle()
        overflow(it)
        it.clock.advance(-HOUR / 2)
        del it.company.bills["b5"]
        it.company.on_call = lambda name: (
            it.clock.advance(26 * MINUTE) if name == "list" and len(it.company.calls) == 3 else None
        )
        await read(it)
        assert it.company.calls == ["changes", "list", "list", "rows"]
        assert await alive(it) == ["b1", "b2", "b3", "b4"]
        await read(it)
        assert it.company.calls[4] == "refresh"
        assert (await it.view()).connection.state.facts["renewed"]
