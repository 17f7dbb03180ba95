"""The store contract of `accounts` on every SQL store."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_accounts import AccountsContract


class TestSqlite(OnSqlite, AccountsContract):
    pass


class TestHostsSqlite(OnHostsSqlite, AccountsContract):
    pass


class TestPostgres(OnPostgres, AccountsContract):
    pass
