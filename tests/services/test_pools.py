"""Pools: a row for each metered app, with the pace of this month; other months have none."""

from dataclasses import replace
from pathlib import Path

from typing_extensions import override

from rowcol.core.budget import month_of
from rowcol.core.pool import Peaks, Stage
from rowcol.core.quota import QuotaRule, QuotaScope
from rowcol.core.rail import RailSpec
from rowcol.services.cache import CacheService
from rowcol.services.integration import IntegrationService
from rowcol.services.pools import peaks, pools
from tests.fake_books import LEDGER, LEDGER_APP, SPEC, Ledger, books_rig
from tests.rig import BUSINESS, rig


class Limited(Ledger):
    """Its company admits ten calls a second, whether they read or write."""

    @property
    @override
    def spec(self) -> RailSpec:
        quotas = {"production": (QuotaRule(QuotaScope.COMPANY, 10, 1, shared="company"),)}
        names = ("changes", "bill.create")
        limited = {name: replace(SPEC.endpoints[name], quotas=quotas) for name in names}
        return replace(SPEC, endpoints={**SPEC.endpoints, **limited})


async def test_what_was_used_is_counted(tmp_path: Path) -> None:
    async with books_rig(tmp_path) as it:
        (before,) = await pools(it.plane)
        assert (before.pool.used, before.pool.limit) == (0, 1_000)
        await it.settle()
        await CacheService(it.plane, BUSINESS).list_bills()
        (row,) = await pools(it.plane)
        assert row.pool.used == it.office.calls.count("changes") == 1
        assert row.pace is not None
        assert row.pace.stage is Stage.OPEN
        assert row.metering == {"cdc": "call"}


async def test_peaks_are_of_the_calls_that_use_a_companys_limits(tmp_path: Path) -> None:
    async with books_rig(tmp_path) as it:
        await it.settle()
        month = month_of(it.clock.now())
        assert await peaks(it.plane, month) == {LEDGER_APP.id: Peaks(1, 1, 1)}
        assert await peaks(it.plane, "2026-01") == {LEDGER_APP.id: Peaks()}
        data = {"body": {"total": "1"}}
        await IntegrationService(it.plane, BUSINESS).call_api(LEDGER, "bill.create", data=data)
        assert await peaks(it.plane, month) == {LEDGER_APP.id: Peaks(1, 1, 1)}, (
            "not limited by company"
        )
        limited = replace(it.plane, rails={**it.plane.rails, LEDGER: Limited()})
        assert await peaks(limited, month) == {LEDGER_APP.id: Peaks(2, 2, 2)}, "writes too"


async def test_another_month_has_no_pace(tmp_path: Path) -> None:
    async with books_rig(tmp_path) as it:
        (row,) = await pools(it.plane, "2026-01")
        assert (row.pool.month, row.pool.used, row.pace) == ("2026-01", 0, None)


async def test_a_rail_that_meters_nothing_has_no_row(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        assert await pools(it.plane) == ()
