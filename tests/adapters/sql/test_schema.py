"""Schema: migrations and tables agree, and every state of a database is met with the right answer."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine
from sqlalchemy.pool import NullPool

from rowcol.adapters.sql import open_sqlite, open_url, schema
from rowcol.adapters.sql.schema import SchemaState
from rowcol.adapters.sql.tables import Tables, tables
from rowcol.core.refusal import Misconfigured


def differences(conn: Connection, t: Tables) -> list[Any]:
    ours = {each.name for each in t.metadata.tables.values()}

    def is_ours(name: str | None, kind: str, parents: Any) -> bool:
        if kind == "schema":
            return name == t.schema
        return kind != "table" or name in ours

    context = MigrationContext.configure(
        conn,
        opts={
            "include_schemas": t.schema is not None,
            "include_name": is_ours,
            "compare_type": True,
        },
    )
    return [
        each
        for each in compare_metadata(context, t.metadata)
        if not (each[0] == "remove_table" and each[1].schema != t.schema)
    ]


def content(path: Path) -> bytes:
    return path.read_bytes()


class TestAgreement:
    def test_on_sqlite(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/x.db"
        schema.upgrade(url, prefix="fin_")
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as conn:
            assert differences(conn, tables(None, "fin_")) == []

    def test_on_postgres(self, postgres_url: str, empty_schema: str) -> None:
        schema.upgrade(postgres_url, schema=empty_schema)
        url = postgres_url.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as conn:
            assert differences(conn, tables(empty_schema, is_postgres=True)) == []

    def test_known_versions_are_those_of_the_folder(self) -> None:
        scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
        chain = [script.revision for script in scripts.walk_revisions()]
        assert tuple(reversed(chain)) == schema.KNOWN

    def test_a_host_does_not_see_our_tables_in_its_metadata(self, tmp_path: Path) -> None:
        hosts = MetaData()
        assert not set(hosts.tables) & set(tables().metadata.tables)
        assert all(name.startswith("rowcol_") for name in tables().metadata.tables)

    def test_the_ddl_for_hand_work_makes_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "x.db"
        with sqlite3.connect(path) as conn:
            conn.executescript(schema.sql(is_postgres=False))
        conn.close()
        assert schema.check(f"sqlite:///{path}") is SchemaState.CURRENT


class TestStates:
    def test_what_a_version_means(self) -> None:
        known = ("0001", "0002")
        assert schema.judge(None, known) is SchemaState.MISSING
        assert schema.judge("0001", known) is SchemaState.OLDER
        assert schema.judge("0002", known) is SchemaState.CURRENT
        assert schema.judge("0003", known) is SchemaState.NEWER

    @pytest.mark.parametrize("state", [SchemaState.MISSING, SchemaState.OLDER, SchemaState.NEWER])
    def test_what_does_not_fit_is_refused_with_what_to_do(self, state: SchemaState) -> None:
        with pytest.raises(Misconfigured) as caught:
            schema.insist(state)
        assert "rowcol" in caught.value.what_to_do

    async def test_a_newer_file_is_refused_and_left_alone(
        self, tmp_path: Path, sqlite_template: Path
    ) -> None:
        path = Path(shutil.copy(sqlite_template, tmp_path / "x.db"))
        with sqlite3.connect(path) as conn:
            conn.execute("UPDATE rowcol_version SET version_num = '9999'")
        conn.close()
        before = content(path)
        with pytest.raises(Misconfigured, match="newer release"):
            await open_sqlite(path)
        with pytest.raises(Misconfigured, match="newer release"):
            schema.upgrade(f"sqlite:///{path}")
        with pytest.raises(Misconfigured, match="newer release"):
            await open_url(f"sqlite:///{path}")
        assert content(path) == before

    async def test_upgrading_twice_changes_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "x.db"
        for _ in range(2):
            store = await open_sqlite(path)
            assert await store.list_firms() == ()
            await store.close()
        schema.upgrade(f"sqlite:///{path}")
        assert schema.check(f"sqlite:///{path}") is SchemaState.CURRENT
