"""Upgrading: a database that an earlier release wrote keeps its rows, by `db upgrade` and by being opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from rowcol.adapters.sql import SqlStore, open_sqlite, open_url, schema
from rowcol.adapters.sql.schema import SchemaState
from rowcol.adapters.sql.sqlite import Options, sqlite_engine
from rowcol.adapters.sql.tables import Tables, tables
from rowcol.core.change import Change
from rowcol.core.ids import ConnectionId, RemoteId
from rowcol.core.records import LinkKind
from rowcol.core.refusal import Misconfigured
from tests.contracts.store_pools import KEY, MARCH
from tests.contracts.values import A, after, free_intent, furnish, lease, metered, row, settlement

C1 = ConnectionId("c1")
CALL = """
    INSERT INTO {0}calls (id, firm, connection, rail, app, environment, endpoint, cause, reason,
        price_micros, cost_micros, month, detail, opened_at_us, remote_request_id)
    VALUES ('call_old', 'firm_a', 'c1', 'plaid', 'app_1', 'sandbox', 'item.get', 'PERSON', '',
        0, 0, '2026-03', '', 1, '')
"""
ROW = """
    INSERT INTO {0}mirror (firm, connection, entity, remote_id, remote_version, body, deleted)
    VALUES ('firm_a', 'c1', 'account', 'a1', '1', '{{"name":"Old"}}', 0)
"""

LINK = """
    INSERT INTO rowcol_links (id, state_hash, firm, business, app, created_at_us, expires_at_us, failure)
    VALUES ('link_old', 'hash_old', 'firm_a', 'biz_1', 'app_1', 1, 9000000000000000, '')
"""


def make_first(engine: Engine, t: Tables) -> None:
    """Tables as the first release made them, with a call on its way and a row of the mirror."""
    with engine.connect() as conn:
        if not t.is_postgres:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        command.upgrade(schema._config(t, conn), "0001")
        place = t.prefix if t.schema is None else f"{t.schema}.{t.prefix}"
        for statement in (CALL, ROW):
            conn.execute(text(statement.format(place)))
        if not t.is_postgres:
            conn.exec_driver_sql("COMMIT")
        conn.commit()
    engine.dispose()


@pytest.fixture
def first_file(tmp_path: Path) -> Path:
    path = tmp_path / "first.db"
    make_first(sqlite_engine(path, Options()), tables())
    return path


async def check_kept(store: SqlStore) -> None:
    """What the first release wrote is there, and what this one adds works beside it."""
    (call,) = await store.list_calls(A)
    assert (call.id, call.units, call.settled_at) == ("call_old", 0, None)
    (old,) = await store.list_rows(A, C1, "account")
    assert (old.body, old.due_on, old.is_deleted) == (b'{"name":"Old"}', None, False)
    await furnish(store, A, "c1")
    taken = await lease(store, "c1")
    await store.settle(A, settlement("old"))
    assert await store.open_call(A, metered("new", "c1")) is None
    assert await store.open_call(A, free_intent("free", "c1")) is None
    await store.commit(A, Change(taken, staged=(row("a2"),), publishes="x", releases=True))
    pool = await store.read_pool(KEY, MARCH)
    assert pool is not None
    assert (pool.spent, pool.reserved) == (0, 1)
    rows = await store.read_rows(A, C1, "account", [RemoteId("a1"), RemoteId("a2")])
    assert [rows[RemoteId(name)].is_deleted for name in ("a1", "a2")] == [False, False]
    assert await store.abandon_calls(after(9), after(9)) == 2


class TestUpgrade:
    async def test_an_embedded_file_is_upgraded_by_opening_it(self, first_file: Path) -> None:
        assert schema.check(f"sqlite:///{first_file}") is SchemaState.OLDER
        store = await open_sqlite(first_file)
        await check_kept(store)
        await store.close()
        assert schema.check(f"sqlite:///{first_file}") is SchemaState.CURRENT

    async def test_a_url_is_refused_until_it_is_upgraded(self, first_file: Path) -> None:
        url = f"sqlite:///{first_file}"
        with pytest.raises(Misconfigured, match="older release"):
            await open_url(url)
        schema.upgrade(url)
        store = await open_url(url)
        await check_kept(store)
        await store.close()

    async def test_a_consent_on_its_way_is_still_one(self, tmp_path: Path) -> None:
        """The release before had links, and no sessions."""
        path, t = tmp_path / "second.db", tables()
        engine = sqlite_engine(path, Options())
        with engine.connect() as conn:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
            command.upgrade(schema._config(t, conn), "0002")
            conn.execute(text(LINK))
            conn.exec_driver_sql("COMMIT")
        engine.dispose()
        store = await open_sqlite(path)
        assert await store.due_links(after(0), 8) == ()
        taken = await store.take_link("hash_old", after(0))
        assert taken is not None
        assert (taken.id, taken.kind, taken.ended) == ("link_old", LinkKind.CONSENT, None)
        await store.close()

    async def test_on_postgres(self, postgres_url: str, empty_schema: str) -> None:
        engine = create_engine(
            postgres_url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool
        )
        make_first(engine, tables(empty_schema, is_postgres=True))
        with pytest.raises(Misconfigured, match="older release"):
            await open_url(postgres_url, schema=empty_schema)
        schema.upgrade(postgres_url, schema=empty_schema)
        store = await open_url(postgres_url, schema=empty_schema)
        (call,) = await store.list_calls(A)
        assert (call.id, call.units) == ("call_old", 0)
        assert [kept.remote_id for kept in await store.list_rows(A, C1, "account")] == ["a1"]
        await store.close()

    def test_an_upgrade_that_fails_leaves_the_file_as_it_was(self, first_file: Path) -> None:
        with sqlite3.connect(first_file) as conn:
            conn.execute("CREATE TABLE rowcol_links (id TEXT)")
        conn.close()
        with pytest.raises(Exception, match="rowcol"):
            schema.upgrade(f"sqlite:///{first_file}")
        assert schema.check(f"sqlite:///{first_file}") is SchemaState.OLDER
        with sqlite3.connect(first_file) as conn:
            (made,) = conn.execute("SELECT count(*) FROM sqlite_master WHERE name = 'rowcol_pools'")
        conn.close()
        assert made == (0,)
