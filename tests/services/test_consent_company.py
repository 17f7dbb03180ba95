"""Consent for a company: the address names it, its own token proves it; nobody takes another's."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from rowcol.api.app import create_app
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.records import Business, Firm
from rowcol.core.refusal import BadInput, Conflict, RailRefused
from rowcol.sandbox.qbo.faults import Fault
from rowcol.services import consent
from rowcol.services.integration import IntegrationService
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wiring import CALLBACK_PATH, FIRM


async def test_a_company_that_the_consent_is_not_for_is_not_connected() -> None:
    async with open_rig() as rig:
        mine, theirs = rig.books.add_company("Mine"), rig.books.add_company("Theirs")
        business, other = await rig.add_business("Mine"), await rig.add_business("Theirs")
        service = IntegrationService(rig.plane, business, firm=FIRM)
        begun = await service.begin_connect("qbo")
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        code = rig.books.consent(rig.books_app.keys["client_id"], mine.realm_id)
        with pytest.raises(RailRefused, match="does not confirm"):
            await consent.complete(
                rig.plane, {"state": state, "code": code, "realmId": theirs.realm_id}
            )
        assert await rig.plane.store.list_connections(FIRM) == ()
        assert (await rig.connect_books(other, theirs)).remote_id == theirs.realm_id


@pytest.mark.parametrize(("fault", "times"), [("html", 2), ("error_500", 2), ("no_answer", 1)])
async def test_a_proof_that_tells_nothing_costs_no_consent(fault: str, times: int) -> None:
    async with open_rig() as rig:
        company = rig.books.add_company("Mine")
        business = await rig.add_business("Mine")
        rig.books.faults.next(Fault(fault), times, operation="read")
        connecting = asyncio.create_task(rig.connect_books(business, company))
        while not connecting.done():
            await asyncio.sleep(0)  # noqa: TID251 - others run
            rig.clock.advance_to(rig.clock.now() + timedelta(milliseconds=100))
        assert connecting.result().remote_id == company.realm_id


async def test_where_a_company_is_connected_is_told_within_the_firm() -> None:
    async with open_rig() as rig:
        company = rig.books.add_company("Shared")
        first, second = await rig.add_business("First"), await rig.add_business("Second")
        login = await rig.connect_books(first, company)
        with pytest.raises(Conflict) as refused:
            await rig.connect_books(second, company)
        assert "to the business 'First' of this firm" in refused.value.message
        assert f"`rowcol disconnect {login.id}`" in refused.value.what_to_do
        assert company.realm_id not in refused.value.message + refused.value.what_to_do


async def test_the_page_that_anybody_with_the_link_sees_names_no_other_client() -> None:
    async with open_rig() as rig:
        company = rig.books.add_company("Shared")
        first, second = await rig.add_business("First"), await rig.add_business("Second")
        login = await rig.connect_books(first, company)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=1))  # our limits are open again
        service = IntegrationService(rig.plane, second, firm=FIRM)
        begun = await service.begin_connect("qbo")
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        code = rig.books.consent(rig.books_app.keys["client_id"], company.realm_id)
        query = urlencode({"state": state, "code": code, "realmId": company.realm_id})
        transport = httpx2.ASGITransport(app=create_app(rig.plane))
        async with httpx2.AsyncClient(transport=transport, base_url="http://rowcol") as client:
            page = await client.get(f"{CALLBACK_PATH}?{query}")
        assert page.status_code == 400
        assert "connected to the firm already" in page.text
        assert "First" not in page.text
        assert login.id not in page.text
        with pytest.raises(RailRefused, match="to the business 'First'"):
            await service.consented(begun.value)


async def test_where_a_company_is_connected_is_not_told_to_another_firm() -> None:
    async with open_rig() as rig:
        company, stranger = rig.books.add_company("Shared"), FirmId("firm-2")
        now = rig.clock.now()
        await rig.plane.store.add_firm(Firm(stranger, "Other Firm", now))
        theirs = Business(BusinessId("biz-2"), stranger, "Their Client", "t-1", now)
        await rig.plane.store.add_business(stranger, theirs)
        service = IntegrationService(rig.plane, theirs.id, firm=stranger)
        begun = await service.begin_connect("qbo")
        login = await rig.connect_books(await rig.add_business("First"), company)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=1))  # our limits are open again
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        code = rig.books.consent(rig.books_app.keys["client_id"], company.realm_id)
        answers = {"state": state, "code": code, "realmId": company.realm_id}
        with pytest.raises(Conflict) as refused:
            await consent.complete(rig.plane, answers, theirs.id)
        with pytest.raises(RailRefused) as told:
            await service.consented(begun.value)
        said = f"{refused.value.message} {refused.value.what_to_do} {told.value.message}"
        assert refused.value.message == "this company cannot be connected here"
        for secret in ("First", login.id, login.business, company.realm_id, FIRM):
            assert secret not in said


async def test_a_consent_of_another_business_is_not_taken() -> None:
    async with open_rig() as rig:
        company = rig.books.add_company("Mine")
        first, second = await rig.add_business("First"), await rig.add_business("Second")
        begun = await IntegrationService(rig.plane, first, firm=FIRM).begin_connect("qbo")
        state = parse_qs(urlsplit(begun.url).query)["state"][0]
        code = rig.books.consent(rig.books_app.keys["client_id"], company.realm_id)
        answers = {"state": state, "code": code, "realmId": company.realm_id}
        with pytest.raises(BadInput, match="another business"):
            await consent.complete(rig.plane, answers, second)
        assert await rig.plane.store.list_connections(FIRM) == ()
