"""The store contract of `mirror` on every SQL store: rows by id and due date, replacing."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_mirror import MirrorContract


class TestSqlite(OnSqlite, MirrorContract):
    pass


class TestHostsSqlite(OnHostsSqlite, MirrorContract):
    pass


class TestPostgres(OnPostgres, MirrorContract):
    pass
