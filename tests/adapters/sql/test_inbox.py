"""The store contract of `inbox` on every SQL store: deliveries stored once and routed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from rowcol.adapters.sql import inbox
from rowcol.adapters.sql.prepared import Prepared, filled
from rowcol.adapters.sql.tables import Tables, tables
from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_inbox import InboxContract


class TestSqlite(OnSqlite, InboxContract):
    pass


class TestHostsSqlite(OnHostsSqlite, InboxContract):
    pass


class TestPostgres(OnPostgres, InboxContract):
    pass


@pytest.mark.parametrize("statement", [inbox._known, inbox._owners_of])
def test_what_every_batch_asks_is_answered_by_an_index(
    sqlite_template: Path, statement: Callable[[Tables, int], Prepared]
) -> None:
    """Reading through all deliveries ever stored would make each batch slower than the one before."""
    what = statement(tables(), 4)
    values = {"app": "main", **filled(["a", "b", "c"])}
    with closing(sqlite3.connect(sqlite_template)) as file:
        plan = file.execute(f"EXPLAIN QUERY PLAN {what.text}", what.arguments(values)).fetchall()
    assert any("SEARCH" in step[-1] for step in plan)
    assert not any("SCAN" in step[-1] for step in plan)
