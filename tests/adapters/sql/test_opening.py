"""Opening: what is checked, what is upgraded, what is refused and how it is said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from rowcol.adapters.sql import open_engine, open_sqlite, open_url, schema
from rowcol.core.refusal import Busy, Misconfigured


class TestOpening:
    async def test_a_hosts_database_is_checked_never_upgraded(self, tmp_path: Path) -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/host.db")
        with pytest.raises(Misconfigured, match="no tables of rowcol"):
            await open_engine(engine)
        schema.upgrade(f"sqlite:///{tmp_path}/host.db", prefix="fin_")
        with pytest.raises(Misconfigured, match="no tables of rowcol"):
            await open_engine(engine)
        await open_engine(engine, prefix="fin_")
        await engine.dispose()

    async def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "x.db"
        path.write_bytes(b"not a database, but long enough to look at" * 100)
        with pytest.raises(Misconfigured, match=r"x\.db cannot be read"):
            await open_sqlite(path)

    async def test_a_database_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(Busy):
            await open_url("postgresql://nobody@127.0.0.1:1/none")
        with pytest.raises(Misconfigured, match="no such database: mysql"):
            await open_url("mysql://x/y")
        with pytest.raises(Misconfigured, match="cannot be read"):
            await open_url("nonsense")
        with pytest.raises(Busy):
            await open_sqlite(tmp_path / "no" / "folder" / "x.db")

    async def test_opening_what_is_current_is_fast(self, sqlite_template: Path) -> None:
        await (await open_sqlite(sqlite_template)).close()
        started = time.perf_counter()
        await (await open_sqlite(sqlite_template)).close()
        assert time.perf_counter() - started < 0.05
