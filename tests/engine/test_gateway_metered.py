"""The gateway where calls are metered: units, limits that companies share, and hosts. Its order is in `test_gateway`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rowcol.core.change import NotBefore, Refused
from rowcol.core.connection import Connection
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.rail import Look
from rowcol.core.records import Business, Firm
from rowcol.engine.gateway import Cause, Sent, pool_limit
from tests.company_rig import CompanyRig, company_rig, company_row
from tests.fake_company import APP, TOKEN_LASTS, Paged, token_of
from tests.rig import FIRM

CAUSE = Cause(Trigger.PERSON, "a test")
SECOND_APP = replace(APP, id=AppId("ledger-two"), pool_limit=7)
OTHER_FIRM = FirmId("firm-2")


async def fetch(
    it: CompanyRig, row: Connection, name: str = "company"
) -> Sent | NotBefore | Refused:
    sealed = it.plane.vault.seal(token_of(1, it.clock.now() + TOKEN_LASTS))
    look = Look(name, {"since": it.clock.now().isoformat()})
    return await it.plane.gateway.fetch(row.firm, row, look, CAUSE, sealed)


async def sent_of(it: CompanyRig, row: Connection, name: str = "company") -> int:
    """How many calls go out at once."""
    count = 0
    while isinstance(got := await fetch(it, row, name), Sent):
        await it.plane.gateway.settle(got, Outcome.OK)
        count += 1
    assert isinstance(got, NotBefore), got
    return count


@pytest.mark.parametrize(
    ("environment", "units"), [("production", 1), ("emulated", 1), ("sandbox", 0)]
)
async def test_units_are_reserved_only_where_calls_cost_something(
    tmp_path: Path, environment: str, units: int
) -> None:
    async with company_rig(tmp_path, apps=(replace(APP, environment=environment),)) as it:
        got = await fetch(it, (await it.view()).connection)
        assert isinstance(got, Sent)
        assert got.intent.units == units
        (call,) = await it.plane.store.list_calls(FIRM)
        assert call.units == units
        await it.plane.gateway.settle(got, Outcome.OK)
        (call,) = await it.plane.store.list_calls(FIRM)
        assert (call.units, call.billed) == (units, Billed.YES if units else Billed.NO)


@pytest.mark.parametrize(
    ("outcome", "spent"),
    [(Outcome.OK, 1), (Outcome.NO_ANSWER, 1), (Outcome.RATE_LIMITED, 0), (Outcome.NOT_SENT, 0)],
)
async def test_what_is_counted_of_a_metered_call(
    tmp_path: Path, outcome: Outcome, spent: int
) -> None:
    async with company_rig(tmp_path) as it:
        got = await fetch(it, (await it.view()).connection)
        assert isinstance(got, Sent)
        key = f"{APP.rail}/{APP.id}"
        before = await it.plane.store.read_pool(key, "2026-11")
        assert before is not None
        assert (before.spent, before.reserved) == (0, 1)
        for _ in range(2):
            await it.plane.gateway.settle(got, outcome)
        after = await it.plane.store.read_pool(key, "2026-11")
        assert after is not None
        assert (after.spent, after.reserved) == (spent, 0)


async def test_an_unmetered_endpoint_uses_none(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        got = await it.plane.gateway.fetch(FIRM, APP, Look("token"), CAUSE)
        assert isinstance(got, Sent)
        assert got.intent.units == 0


async def test_two_firms_at_one_company_share_its_limit(tmp_path: Path) -> None:
    async with company_rig(tmp_path, apps=(APP, SECOND_APP)) as it:
        mine = (await it.view()).connection
        now, business = it.clock.now(), BusinessId("biz-9")
        await it.plane.store.add_firm(Firm(OTHER_FIRM, "Firm 2", now))
        await it.plane.store.add_business(OTHER_FIRM, Business(business, OTHER_FIRM, "B", "b", now))
        theirs = replace(company_row("con-2", OTHER_FIRM), app=SECOND_APP.id, business=business)
        another = replace(theirs, id=ConnectionId("con-3"), remote_id=RemoteId("company-3"))
        for row in (theirs, another):
            await it.plane.store.add_connection(OTHER_FIRM, row, it.plane.vault.seal("t"))
        assert await sent_of(it, mine) == 26
        assert isinstance(await fetch(it, theirs), NotBefore)
        assert isinstance(await fetch(it, another), Sent)


async def test_a_shared_limit_is_counted_over_endpoints(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        row = (await it.view()).connection
        assert await sent_of(it, row, "company") == 26
        for name in ("changes", "company"):
            assert isinstance(await fetch(it, row, name), NotBefore)


async def test_each_endpoint_is_sent_to_its_host(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        await fetch(it, (await it.view()).connection)
        await it.plane.gateway.fetch(FIRM, APP, Look("token"), CAUSE)
        assert it.company.addresses == ["http://api.example", APP.base_url]


def test_the_app_s_own_limit_goes_before_the_rail_s() -> None:
    app = replace(APP, pool_limit=None)
    assert pool_limit(Paged(), app) == 1_000
    assert pool_limit(Paged(), SECOND_APP) == 7
    assert pool_limit(Paged(), replace(APP, pool_limit=0)) == 0
