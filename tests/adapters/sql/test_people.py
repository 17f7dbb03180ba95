"""The store contract of `people` on every SQL store, and that no firm reaches another's rows."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_people import PeopleContract, TenantContract


class TestSqlite(OnSqlite, PeopleContract, TenantContract):
    pass


class TestHostsSqlite(OnHostsSqlite, PeopleContract, TenantContract):
    pass


class TestPostgres(OnPostgres, PeopleContract, TenantContract):
    pass
