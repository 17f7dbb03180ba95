"""Linking, against the emulated Plaid: a login is stored once, sealed; what the rail refuses is said with its code."""

import pytest

from rowcol.core.ids import BusinessId
from rowcol.core.refusal import BadInput, NotFound, RailRefused
from rowcol.sandbox.world import AccountFacts
from rowcol.services.integration import IntegrationService
from rowcol.simulation.rig import FIRM, open_rig


async def test_a_login_is_stored_sealed() -> None:
    async with open_rig() as it:
        it.world.open_account("a", AccountFacts("Checking"), 5_00, ())
        business = await it.add_business("Harbor")
        connection = await it.connect(business, ["a"])
        view = await it.plane.store.read_view(FIRM, connection.id)
        assert view is not None
        assert view.token is not None
        opened = it.plane.vault.open(view.token)
        assert opened.startswith("access-")
        assert opened.encode() not in view.token


async def test_a_public_token_is_good_once() -> None:
    async with open_rig() as it:
        business = await it.add_business("Harbor")
        service = IntegrationService(it.plane, business, firm=FIRM)
        await service.connect_sandbox("plaid")
        with pytest.raises(RailRefused, match="INVALID_PUBLIC_TOKEN"):
            await service.connect("plaid", "public-sandbox-none")
        with pytest.raises(BadInput):
            await service.connect("plaid", " ")
        assert len(await it.plane.store.list_connections(FIRM)) == 1


async def test_a_business_that_is_not_the_firms_is_not_connected() -> None:
    async with open_rig() as it:
        service = IntegrationService(it.plane, BusinessId("biz-none"), firm=FIRM)
        with pytest.raises(NotFound):
            await service.begin_connect("plaid")
        with pytest.raises(NotFound):
            await service.connect_sandbox("plaid")
        assert await it.plane.store.list_calls(FIRM) == ()
