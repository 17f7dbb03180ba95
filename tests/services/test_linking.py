"""Linking, against the emulated Plaid: a login is stored once, sealed; what the rail refuses is said with its code."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.change import Change
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId
from rowcol.core.rail import Grant
from rowcol.core.refusal import BadInput, NotFound, RailRefused
from rowcol.sandbox.world import AccountFacts
from rowcol.services import linking
from rowcol.services.integration import IntegrationService
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wiring import FIRM as DEMO_FIRM
from tests.company_rig import company_rig
from tests.fake_company import APP
from tests.rig import BUSINESS, FIRM
from tests.waiting import HANG_S


async def test_a_login_is_stored_sealed() -> None:
    async with open_rig() as it:
        it.world.open_account("a", AccountFacts("Checking"), 5_00, ())
        business = await it.add_business("Harbor")
        connection = await it.connect(business, ["a"])
        view = await it.plane.store.read_view(DEMO_FIRM, connection.id)
        assert view is not None
        assert view.token is not None
        opened = it.plane.vault.open(view.token).reveal()
        assert opened.startswith("access-")
        assert opened.encode() not in view.token


async def test_a_public_token_is_good_once() -> None:
    async with open_rig() as it:
        business = await it.add_business("Harbor")
        service = IntegrationService(it.plane, business, firm=DEMO_FIRM)
        await service.connect_sandbox("plaid")
        with pytest.raises(RailRefused, match="INVALID_PUBLIC_TOKEN"):
            await service.connect("plaid", "public-sandbox-none")
        with pytest.raises(BadInput):
            await service.connect("plaid", " ")
        assert len(await it.plane.store.list_connections(DEMO_FIRM)) == 1


async def test_a_business_that_is_not_the_firms_is_not_connected() -> None:
    async with open_rig() as it:
        service = IntegrationService(it.plane, BusinessId("biz-none"), firm=DEMO_FIRM)
        with pytest.raises(NotFound):
            await service.begin_connect("plaid")
        with pytest.raises(NotFound):
            await service.connect_sandbox("plaid")
        assert await it.plane.store.list_calls(DEMO_FIRM) == ()


async def test_an_exchange_goes_on_without_who_asked_for_it(tmp_path: Path) -> None:
    async with company_rig(tmp_path, connected=False) as it:
        answered = asyncio.Event()
        it.company.on_call = lambda _: answered.set()
        work = linking.exchange(it.plane, FIRM, BUSINESS, APP, {"code": "c"})
        waiting = asyncio.create_task(work)
        await asyncio.wait_for(answered.wait(), HANG_S)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await it.plane.renewer.unbroken.join("exchange")
        (login,) = await it.plane.store.list_connections(FIRM)
        assert login.remote_id == it.company.company


async def test_new_access_replaces_the_token_and_gives_the_lease_back(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        row = (await it.view()).connection
        grant = Grant(it.company.issue(), row.remote_id)
        again = await linking.reopen(it.plane, row, grant)
        assert again.id == row.id
        assert await it.token() == "r2"
        view = await it.view()
        assert view.previous_token is not None
        lease = await it.plane.store.claim_one(FIRM, row.id, "other", it.clock.now(), 15)
        assert lease is not None, "it gives the lease back"


async def test_what_stops_calls_goes_with_new_consent(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        await it.settle()
        it.company.known.clear()
        it.clock.advance(timedelta(days=8))
        await it.settle()
        state = (await it.view()).connection.state
        assert state.condemned_token
        cursor = state.cursor
        row = (await it.view()).connection
        await linking.reopen(it.plane, row, Grant(it.company.issue(), row.remote_id))
        state = (await it.view()).connection.state
        assert (state.condemned_token, state.cursor, state.health) == ("", cursor, Health.OK)


async def test_new_consent_asks_for_the_currency_again_and_keeps_it_meanwhile(
    tmp_path: Path,
) -> None:
    async with company_rig(tmp_path) as it:
        row = (await it.view()).connection
        facts = {"home_currency": "CAD", "currency_asked_at": it.clock.now().isoformat()}
        lease = await it.plane.store.claim_one(FIRM, row.id, "test", it.clock.now(), 15)
        assert lease is not None
        state = replace(row.state, facts=facts)
        await it.plane.store.commit(FIRM, Change(lease, state=state, releases=True))
        await linking.reopen(it.plane, row, Grant(it.company.issue(), row.remote_id))
        assert (await it.view()).connection.state.facts == {"home_currency": "CAD"}
