"""The store contract of `subjects` on every SQL store: derived due, leases, turns; and whose clock leases go by."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from rowcol.adapters.clock import SystemClock
from rowcol.adapters.sql import open_url
from rowcol.adapters.sql.engine import async_url
from rowcol.bootstrap import Plane
from rowcol.core.ids import ConnectionId
from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_subjects import SubjectContract
from tests.contracts.values import A, furnish
from tests.rig import settings

AHEAD = timedelta(seconds=20)


class TestSqlite(OnSqlite, SubjectContract):
    pass


class TestHostsSqlite(OnHostsSqlite, SubjectContract):
    pass


class TestPostgres(OnPostgres, SubjectContract):
    pass


async def test_a_host_whose_clock_is_ahead_takes_no_lease(
    postgres_url: str, postgres_schema: str
) -> None:
    first = await open_url(postgres_url, schema=postgres_schema)
    second = await open_url(postgres_url, schema=postgres_schema)
    now = SystemClock().now()
    await furnish(first, A, "c1")
    (taken,) = await first.claim("first", now, 15, 9)
    await first.renew([taken], now - AHEAD, 15)
    assert await second.claim("second", now + AHEAD, 15, 9) == ()
    assert await second.claim_one(A, ConnectionId("c1"), "second", now + AHEAD, 15) is None
    await first.release(taken, now + AHEAD / 2)
    assert await first.claim("first", now, 15, 9) == (), "due goes by the clock of whoever plans"
    assert len(await second.claim("second", now + AHEAD, 15, 9)) == 1
    await first.close()
    await second.close()


@pytest.fixture
def slow_database(postgres_url: str, postgres_schema: str) -> str:
    """Options of a connection to which the database tells a time that is behind ours."""
    with psycopg.connect(postgres_url) as conn:
        conn.execute(
            f'CREATE FUNCTION "{postgres_schema}".clock_timestamp() RETURNS timestamptz LANGUAGE sql AS '
            f"$$ SELECT pg_catalog.clock_timestamp() - interval '{AHEAD.seconds} seconds' $$".encode()
        )
    return f"-c search_path={postgres_schema},pg_catalog"


async def test_a_plane_s_leases_go_by_the_database_s_clock(
    postgres_url: str, postgres_schema: str, slow_database: str, tmp_path: Path
) -> None:
    engine = create_async_engine(async_url(postgres_url), connect_args={"options": slow_database})
    made = settings(tmp_path, database_schema=postgres_schema)
    async with Plane.open(made, engine=engine, run=False) as plane:
        await furnish(plane.store, A, "c1")
        now = plane.clock.now()
        (taken,) = await plane.store.claim("me", now, 15, 9)
        assert now - AHEAD < taken.until - timedelta(seconds=15) < now - AHEAD / 2
    await engine.dispose()
