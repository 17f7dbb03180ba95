"""Rate limits: both shapes of the minute, both tables, and the count that nobody can talk out of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.limits import RateLimits
from tests.sandbox.rig import Rig

PATH = "/accounts/balance/get"


@pytest.mark.parametrize(("window", "status"), [("sliding", 429), ("fixed", 200)])
async def test_five_before_and_one_after_the_full_minute(window: str, status: int) -> None:
    rig = Rig(Switches(limit_window="fixed" if window == "fixed" else "sliding"))
    item = rig.item()
    rig.clock.advance_to(rig.now + timedelta(seconds=55))
    for _ in range(5):
        await rig.ok(PATH, access_token=item.access_token)
    rig.clock.advance_to(rig.now + timedelta(seconds=10))
    got, answer = await rig.call(PATH, access_token=item.access_token)
    assert got == status
    if status == 429:
        assert answer["error_code"] == "BALANCE_LIMIT"
        rig.clock.advance_to(rig.now + timedelta(seconds=60))
        await rig.ok(PATH, access_token=item.access_token)


@pytest.mark.parametrize(("table", "allowed"), [("production", 5), ("sandbox", 25)])
async def test_tables(table: str, allowed: int) -> None:
    rig = Rig(Switches(limits_table="sandbox" if table == "sandbox" else "production"))
    item = rig.item()
    for _ in range(allowed):
        await rig.ok(PATH, access_token=item.access_token)
    assert await rig.error(PATH, access_token=item.access_token) == "BALANCE_LIMIT"


async def test_counting_without_refusing() -> None:
    rig = Rig(Switches(enforce_limits=False))
    item = rig.item()
    for _ in range(7):
        await rig.ok(PATH, access_token=item.access_token)
    limits = rig.emulator.limits
    assert limits.n_violations == 2
    assert limits.violations[-1].n_calls == 7
    assert limits.peaks[PATH, "item", item.item_id] == 7
    report = limits.report()
    assert report["peaks"][f"{PATH} item"] == {"peak": 7, "limit": 5, "subject": item.item_id}
    assert report["violations"][0]["scope"] == "item"


async def test_the_client_has_a_limit_of_its_own(rig: Rig) -> None:
    body = {"institution_id": "ins_56", "country_codes": ["US"]}
    for _ in range(400):
        await rig.ok("/institutions/get_by_id", **body)
    assert await rig.error("/institutions/get_by_id", **body) == "INSTITUTIONS_GET_BY_ID_LIMIT"


def test_unlisted_paths_are_free(rig: Rig) -> None:
    limits = RateLimits(Switches())
    for _ in range(100):
        limits.count("/link/token/create", "c", None, rig.now)
    assert limits.peaks == {}
