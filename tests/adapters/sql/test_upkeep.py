"""Upkeep: pruning takes one helping at a time."""

from __future__ import annotations

from rowcol.adapters.sql.upkeep import PRUNE_MAX
from rowcol.core import change as c
from rowcol.ports import FullStore
from tests.adapters.sql.stores import OnPostgres, OnSqlite
from tests.contracts.values import A, after, furnish, incoming, lease, record


class PruneContract:
    async def test_a_helping_is_bounded(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.record_decisions(A, [record(f"{n:05}") for n in range(PRUNE_MAX)])
        drained = [incoming(f"{n}", "item_c1") for n in range(10)]
        await store.receive(drained)
        change = c.Change(await lease(store, "c1"), drained=tuple(each.id for each in drained))
        await store.commit(A, change)
        assert await store.prune(after(1)) == PRUNE_MAX
        assert len(await store.list_decisions(A)) == 10
        assert await store.list_deliveries(A) == ()
        assert await store.prune(after(1)) == 10
        assert await store.prune(after(1)) == 0


class TestSqlite(OnSqlite, PruneContract):
    pass


class TestPostgres(OnPostgres, PruneContract):
    pass
