"""The store contract of `upkeep` on SQL: what is over goes, by helpings."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_upkeep import PruneContract


class TestSqlite(OnSqlite, PruneContract):
    pass


class TestHostsSqlite(OnHostsSqlite, PruneContract):
    pass


class TestPostgres(OnPostgres, PruneContract):
    pass
