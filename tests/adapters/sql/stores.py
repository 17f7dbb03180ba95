"""Stores: the three ways to a SQL store, as fixtures for the contract: SQLite by our writer thread, a host's engine, PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from typing_extensions import override

from rowcol.adapters.clock import SystemClock
from rowcol.adapters.sql import SqlStore, open_engine, open_sqlite, open_url
from rowcol.adapters.sql.executor import Executor
from rowcol.core.change import Lease
from rowcol.core.ids import ConnectionId, FirmId
from rowcol.core.records import Business
from tests.contracts.values import T0

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]
Use = Callable[[SqlStore], Awaitable[Any]]


class SqlStores:
    """Wants `opening`: how to open a store on the test's own empty place."""

    @pytest.fixture
    async def store(self, opening: Opening) -> AsyncIterator[SqlStore]:
        async with opening() as store:
            yield store

    @pytest.fixture
    def store_run(self, opening: Opening) -> Callable[[Use], Any]:
        async def on_fresh(use: Use) -> Any:
            async with opening() as store:
                return await use(store)

        return lambda use: asyncio.run(on_fresh(use))


class OnSqlite(SqlStores):
    @pytest.fixture
    def opening(self, tmp_path: Path, sqlite_template: Path) -> Opening:
        path = tmp_path / "rowcol.db"
        shutil.copy(sqlite_template, path)

        @asynccontextmanager
        async def opened() -> AsyncIterator[SqlStore]:
            store = await open_sqlite(path)
            yield store
            await store.close()

        return opened


class OnHostsSqlite(SqlStores):
    @pytest.fixture
    def opening(self, tmp_path: Path, sqlite_template: Path) -> Opening:
        path = tmp_path / "host.db"
        shutil.copy(sqlite_template, path)

        @asynccontextmanager
        async def opened() -> AsyncIterator[SqlStore]:
            engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
            yield await open_engine(engine)
            await engine.dispose()

        return opened


class ToldClock(SystemClock):
    """A clock that says what it was told last."""

    def __init__(self) -> None:
        self.told = T0

    @override
    def now(self) -> datetime:
        return self.told


class ToldStore(SqlStore):
    """Sets the clock that leases go by to the `now` of each call, as if that were the database's."""

    def __init__(self, executor: Executor, clock: ToldClock) -> None:
        super().__init__(executor)
        self._told = clock

    @override
    async def claim(
        self, owner: str, now: datetime, lease_s: int, limit: int, only: Business | None = None
    ) -> tuple[Lease, ...]:
        self._told.told = now
        return await super().claim(owner, now, lease_s, limit, only)

    @override
    async def claim_one(
        self, firm: FirmId, connection: ConnectionId, owner: str, now: datetime, lease_s: int
    ) -> Lease | None:
        self._told.told = now
        return await super().claim_one(firm, connection, owner, now, lease_s)

    @override
    async def renew(self, leases: Sequence[Lease], now: datetime, lease_s: int) -> None:
        self._told.told = now
        await super().renew(leases, now, lease_s)


class OnPostgres(SqlStores):
    @pytest.fixture
    def opening(self, postgres_url: str, postgres_schema: str) -> Opening:
        @asynccontextmanager
        async def opened() -> AsyncIterator[SqlStore]:
            clock = ToldClock()
            store = await open_url(postgres_url, schema=postgres_schema, clock=clock)
            yield ToldStore(store.executor, clock)
            await store.close()

        return opened
