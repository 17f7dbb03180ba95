"""The store contract of `calls` on every SQL store: quota, budget, pauses and the log line."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_calls import CallContract


class TestSqlite(OnSqlite, CallContract):
    pass


class TestHostsSqlite(OnHostsSqlite, CallContract):
    pass


class TestPostgres(OnPostgres, CallContract):
    pass
