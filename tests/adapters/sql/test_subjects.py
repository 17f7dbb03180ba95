"""The store contract of `subjects` on every SQL store: derived due, leases, turns."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_subjects import SubjectContract


class TestSqlite(OnSqlite, SubjectContract):
    pass


class TestHostsSqlite(OnHostsSqlite, SubjectContract):
    pass


class TestPostgres(OnPostgres, SubjectContract):
    pass
