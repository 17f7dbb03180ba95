"""Upkeep: pruning takes helpings until nothing is left."""

from __future__ import annotations

from rowcol.adapters.sql.upkeep import PRUNE_MAX
from rowcol.ports import FullStore
from tests.adapters.sql.stores import OnPostgres, OnSqlite
from tests.contracts.values import A, after, furnish, record


class PruneContract:
    async def test_more_than_one_helping_goes(self, store: FullStore) -> None:
        await furnish(store, A)
        many = PRUNE_MAX + 10
        await store.record_decisions(A, [record(f"{n:05}") for n in range(many)])
        assert await store.prune(after(1)) == many
        assert await store.list_decisions(A) == ()


class TestSqlite(OnSqlite, PruneContract):
    pass


class TestPostgres(OnPostgres, PruneContract):
    pass
