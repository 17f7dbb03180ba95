"""The store contract of `pools` on every SQL store: metered calls of an app's month."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_pools import PoolContract


class TestSqlite(OnSqlite, PoolContract):
    pass


class TestHostsSqlite(OnHostsSqlite, PoolContract):
    pass


class TestPostgres(OnPostgres, PoolContract):
    pass
