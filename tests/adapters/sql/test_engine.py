"""The engine executor: many at once on PostgreSQL, lost transactions run again, and a host's engine left as it was."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from rowcol.adapters.sql import SqlStore, open_engine, open_url
from rowcol.adapters.sql.engine import RETRIES_MAX
from rowcol.adapters.sql.tx import Tx
from rowcol.core.budget import Budget
from rowcol.core.money import Cost
from rowcol.core.records import Firm
from rowcol.core.refusal import Busy
from tests.contracts.values import (
    T0,
    TOKEN,
    A,
    after,
    connection,
    free_intent,
    furnish,
    incoming,
    intent,
    quota,
    settlement,
)


@pytest.fixture
async def pair(postgres_url: str, postgres_schema: str) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    """Two processes' worth of stores on one database."""
    stores = [await open_url(postgres_url, schema=postgres_schema) for _ in range(2)]
    yield stores[0], stores[1]
    for store in stores:
        await store.close()


class TestManyAtOnce:
    async def test_quota_and_budget_are_never_passed(self, pair: tuple[SqlStore, SqlStore]) -> None:
        await furnish(pair[0], A, "c1")
        quotas = (quota("one", 6), quota("two", 40))
        made = [intent(f"{n}", "c1", quotas=quotas if n % 2 else quotas[::-1]) for n in range(40)]
        done = await asyncio.gather(
            *(pair[n % 2].open_call(A, each) for n, each in enumerate(made))
        )
        opened = [each for each, answer in zip(made, done, strict=True) if answer is None]
        assert len(opened) == quotas[0].burst
        await asyncio.gather(
            *(
                pair[n % 2].settle(A, settlement(each.id.removeprefix("call_")))
                for n, each in enumerate(opened * 2)
            )
        )
        (spending,) = await pair[0].read_spending(A, "2026-03")
        spent = Cost(100_000 * len(opened))
        assert spending.budget == Budget("plaid", Cost(1_000_000), spent, Cost(0))

    async def test_no_subject_is_leased_twice(self, pair: tuple[SqlStore, SqlStore]) -> None:
        await furnish(pair[0], A, *(f"c{n}" for n in range(30)))
        rounds = await asyncio.gather(
            *(pair[n % 2].claim(f"w{n}", after(1), 60, 4) for n in range(12))
        )
        taken = [lease.subject for leases in rounds for lease in leases]
        assert len(taken) == len(set(taken))
        rest = await pair[0].claim("last", after(1), 60, 99)
        assert len(taken) + len(rest) == 30

    async def test_one_copy_is_stored_of_deliveries_that_arrive_everywhere(
        self, pair: tuple[SqlStore, SqlStore]
    ) -> None:
        await furnish(pair[0], A)
        batch = [incoming(f"{n:02}", f"item_c{n % 4}") for n in range(20)]
        jobs = [pair[n % 2].receive(batch if n % 3 else batch[::-1]) for n in range(8)]
        logins = [pair[n % 2].add_connection(A, connection(f"c{n}"), TOKEN) for n in range(4)]
        done = await asyncio.gather(*jobs, *logins)
        news = [sum(each) for each in done if each is not None]
        assert sum(news) == 20
        assert await pair[1].list_unmatched() == ()
        assert len(await pair[1].list_deliveries(A)) == 20

    async def test_leases_go_by_the_databases_clock(self, pair: tuple[SqlStore, SqlStore]) -> None:
        await furnish(pair[0], A, "c1")
        (lease,) = await pair[0].claim("me", after(0), 60, 9)
        assert lease.until > after(10_000_000) or lease.until > T0
        assert await pair[1].claim("other", after(10**8), 60, 9) == ()


class TestFaults:
    async def test_a_lost_transaction_is_run_again(self, pair: tuple[SqlStore, SqlStore]) -> None:
        runs: list[None] = []

        def unlucky(tx: Tx) -> str:
            runs.append(None)
            if len(runs) <= RETRIES_MAX:
                tx.conn.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))
            return "done"

        assert await pair[0].executor.write(unlucky) == "done"
        runs.clear()

        def hopeless(tx: Tx) -> None:
            runs.append(None)
            tx.conn.execute(text("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$"))

        with pytest.raises(Busy):
            await pair[0].executor.write(hopeless)
        assert len(runs) == RETRIES_MAX + 1

    async def test_deadlocks_are_resolved(self, pair: tuple[SqlStore, SqlStore]) -> None:
        await furnish(pair[0], A)
        both = [quota("q1", 1000), quota("q2", 1000)]
        calls = [free_intent(f"{n}", quotas=tuple(both[:: 1 if n % 2 else -1])) for n in range(30)]
        done = await asyncio.gather(*(pair[n % 2].open_call(A, k) for n, k in enumerate(calls)))
        assert done == [None] * 30

    async def test_rows_that_another_holds_are_busy_not_forever(
        self, pair: tuple[SqlStore, SqlStore], postgres_url: str, postgres_schema: str
    ) -> None:
        await furnish(pair[0], A, "c1")

        def impatient(tx: Tx) -> None:
            tx.conn.execute(text("SET LOCAL lock_timeout = '50ms'"))
            tx.conn.execute(tx.t.connections.select().with_for_update())

        with psycopg.connect(postgres_url) as another:
            rows = f"SELECT 1 FROM {postgres_schema}.rowcol_connections FOR UPDATE"
            assert another.execute(rows.encode()).fetchall() == [(1,)]
            with pytest.raises(Busy, match="holds rows"):
                await pair[0].executor.write(impatient)
        await pair[0].executor.write(impatient)

    async def test_a_server_that_goes_away_is_busy_and_comes_back(
        self, pair: tuple[SqlStore, SqlStore], postgres_url: str
    ) -> None:
        await furnish(pair[0], A)

        def cut(tx: Tx) -> None:
            tx.conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        with pytest.raises(Busy):
            await pair[0].executor.write(cut)
        assert len(await pair[0].list_firms()) == 1


class TestHostsEngine:
    async def test_it_keeps_its_own_settings(self, postgres_url: str, postgres_schema: str) -> None:
        url = postgres_url.replace("postgresql:", "postgresql+psycopg:")
        engine = create_async_engine(url)
        store = await open_engine(engine, schema=postgres_schema)
        await store.add_firm(Firm(A, "A", T0))
        await store.close()
        async with engine.connect() as conn:
            assert (await conn.execute(text("SHOW lock_timeout"))).scalar() == "0"
        await engine.dispose()

    async def test_two_installations_share_a_database(
        self, postgres_url: str, postgres_schema: str, postgres_ddl: str
    ) -> None:
        with psycopg.connect(postgres_url) as conn:
            conn.execute(f"CREATE SCHEMA {postgres_schema}_b".encode())
            conn.execute(postgres_ddl.replace('"PLACE"', f"{postgres_schema}_b").encode())
        first = await open_url(postgres_url, schema=postgres_schema)
        second = await open_url(postgres_url, schema=f"{postgres_schema}_b")
        await first.add_firm(Firm(A, "A", T0))
        assert await second.list_firms() == ()
        await first.close()
        await second.close()

    async def test_a_hosts_sqlite_file_takes_many_writers(
        self, tmp_path: Path, sqlite_template: Path
    ) -> None:
        path = shutil.copy(sqlite_template, tmp_path / "host.db")
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        store = await open_engine(engine)
        await asyncio.gather(*(store.receive([incoming(f"{n}", "x")]) for n in range(40)))
        assert len(await store.list_unmatched()) == 40
        await engine.dispose()
