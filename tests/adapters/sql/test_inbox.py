"""The store contract of `inbox` on every SQL store: deliveries stored once and routed."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_inbox import InboxContract


class TestSqlite(OnSqlite, InboxContract):
    pass


class TestHostsSqlite(OnHostsSqlite, InboxContract):
    pass


class TestPostgres(OnPostgres, InboxContract):
    pass
