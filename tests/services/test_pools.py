"""Pools: a row for each metered app, with the pace of this month; other months have none."""

from pathlib import Path

from rowcol.core.pool import Stage
from rowcol.services.cache import CacheService
from rowcol.services.pools import pools
from tests.fake_books import books_rig
from tests.rig import BUSINESS, rig


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


async def test_another_month_has_no_pace(tmp_path: Path) -> None:
    async with books_rig(tmp_path) as it:
        (row,) = await pools(it.plane, "2026-01")
        assert (row.pool.month, row.pool.used, row.pace) == ("2026-01", 0, None)


async def test_a_rail_that_meters_nothing_has_no_row(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        assert await pools(it.plane) == ()
