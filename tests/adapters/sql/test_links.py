"""The store contract of `links` on every SQL store: consents on their way."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_links import LinkContract


class TestSqlite(OnSqlite, LinkContract):
    pass


class TestHostsSqlite(OnHostsSqlite, LinkContract):
    pass


class TestPostgres(OnPostgres, LinkContract):
    pass
