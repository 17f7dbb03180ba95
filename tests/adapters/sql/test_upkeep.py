"""The store contract of `upkeep` on SQL: what is over goes, by helpings."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_upkeep import ClockBackContract, PruneContract


class TestSqlite(OnSqlite, ClockBackContract, PruneContract):
    pass


class TestHostsSqlite(OnHostsSqlite, ClockBackContract, PruneContract):
    pass


class TestPostgres(OnPostgres, ClockBackContract, PruneContract):
    pass
