"""The store contract of `commit` on every SQL store: all or nothing, the fence, the mirror, observations."""

from __future__ import annotations

from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.store_commit import CommitContract


class TestSqlite(OnSqlite, CommitContract):
    pass


class TestHostsSqlite(OnHostsSqlite, CommitContract):
    pass


class TestPostgres(OnPostgres, CommitContract):
    pass
