"""Opening: what is checked, what is upgraded, what is refused and how it is said."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from rowcol.adapters.sql import open_engine, open_sqlite, open_url, schema
from rowcol.core.refusal import Busy, Misconfigured

OPEN = """
import asyncio, sys
from rowcol.adapters.sql import open_sqlite

async def main():
    await (await open_sqlite(sys.argv[1])).close()

asyncio.run(main())
print("slow" if "alembic" in sys.modules else "opened")
"""


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
        with pytest.raises(Misconfigured, match="cannot write"):
            await open_sqlite(tmp_path / "no" / "folder" / "x.db")

    def test_opening_what_is_current_is_fast(self, sqlite_template: Path) -> None:
        """It waits for nobody who writes, and imports no migrations."""
        with closing(sqlite3.connect(sqlite_template, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            done = subprocess.run(
                [sys.executable, "-c", OPEN, sqlite_template], capture_output=True, text=True
            )
            writer.execute("ROLLBACK")
        assert (done.stdout, done.stderr) == ("opened\n", "")
