"""Store contract, deliveries: stored once, routed to whom they are for, states as in `core/delivery`."""

from __future__ import annotations

import pytest

from rowcol.core import change as c
from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import RouteState
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId, DeliveryId
from rowcol.core.refusal import Conflict
from rowcol.ports import FullStore
from tests.contracts.values import (
    TOKEN,
    A,
    B,
    after,
    behind,
    business,
    connection,
    furnish,
    incoming,
    lease,
)


class InboxContract:
    async def test_a_copy_changes_nothing_whenever_it_comes(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        first = incoming("1", "item_c1", key="k")
        copy = incoming("2", "item_c1", key="k")
        assert await store.receive([first, copy]) == (True, False)
        assert await store.receive([copy]) == (False,)
        taken = await lease(store, "c1")
        await store.commit(A, c.Change(taken, drained=(first.id,), releases=True))
        assert await store.receive([copy]) == (False,)
        assert [d.state for d in await store.list_deliveries(A)] == [RouteState.DRAINED]

    async def test_many_at_once_are_each_stored(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2")
        many = [incoming(f"{n:03}", f"item_c{n % 3}") for n in range(300)]
        assert await store.receive(many) == (True,) * 300
        assert await store.receive(many) == (False,) * 300
        assert len(await store.list_deliveries(A, limit=1000)) == 200
        assert len(await store.list_unmatched(limit=1000)) == 100
        assert await store.receive([]) == ()

    async def test_a_delivery_goes_to_every_connection_it_names(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2")
        await furnish(store, B, "c3")
        await store.receive([incoming("1", "item_c1", "item_c3", "item_c1", "nobody")])
        assert [d.connection for d in await store.list_deliveries(A)] == ["c1"]
        assert [d.connection for d in await store.list_deliveries(B)] == ["c3"]
        (lost,) = await store.list_unmatched()
        assert (lost.remote_id, lost.firm, lost.connection) == ("nobody", None, None)

    async def test_a_delivery_that_names_nobody_is_kept(self, store: FullStore) -> None:
        await store.receive([incoming("1")])
        (lost,) = await store.list_unmatched()
        assert (lost.id, lost.remote_id) == ("del_1", "")

    async def test_what_was_unmatched_reaches_its_connection_later(self, store: FullStore) -> None:
        await furnish(store, A)
        early = incoming("1", "item_c1", at=after(-500))
        await store.receive([early, incoming("2", "item_x")])
        await store.add_connection(A, connection("c1"), TOKEN)
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert [(p.id, p.body) for p in view.pending] == [(early.id, early.body)]
        assert [d.id for d in await store.list_unmatched()] == ["del_2"]

    async def test_foreign_text_is_no_obstacle(self, store: FullStore) -> None:
        await store.receive([incoming("1", "a\0b\ud800", key="k\0\udfff"), incoming("2", "ö")])
        assert len(await store.list_unmatched()) == 2

    async def test_pending_comes_oldest_first(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        late, early = incoming("1", "item_c1", at=after(9)), incoming("2", "item_c1", at=after(3))
        await store.receive([late, early])
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert [p.id for p in view.pending] == [early.id, late.id]

    async def test_drained_parked_and_replayed(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        good, bad = incoming("1", "item_c1"), incoming("2", "item_c1")
        await store.receive([good, bad])
        taken = await lease(store, "c1")
        change = c.Change(
            taken,
            drained=(good.id,),
            parked={bad.id: "not JSON"},
            next_at=after(3600),
            releases=True,
        )
        await store.commit(A, change)
        listed = {d.id: d for d in await store.list_deliveries(A)}
        assert listed[good.id].state is RouteState.DRAINED
        assert listed[good.id].drained_at is not None
        assert (listed[bad.id].state, listed[bad.id].note) == (RouteState.PARKED, "not JSON")
        assert await store.claim("me", after(1), 15, 10) == ()
        assert await store.replay(A, bad.id)
        assert await store.replay(A, good.id)
        assert not await store.replay(A, good.id)
        assert not await store.replay(A, DeliveryId("del_9"))
        listed = {d.id: d for d in await store.list_deliveries(A)}
        assert {d.state for d in listed.values()} == {RouteState.RECEIVED}
        assert listed[bad.id].note == ""
        assert len(await store.claim("me", after(1), 15, 10)) == 1

    async def test_lists_are_newest_first_and_page(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2")
        await store.receive([incoming(str(n), "item_c1", "item_c2") for n in range(5)])
        first = await store.list_deliveries(A, limit=2)
        assert [d.id for d in first] == ["del_4", "del_4", "del_3", "del_3"]
        rest = await store.list_deliveries(A, after=first[-1].id)
        assert [d.id for d in rest][::2] == ["del_2", "del_1", "del_0"]
        assert await store.list_deliveries(A, state=RouteState.PARKED) == ()

    async def test_a_login_is_connected_once_until_it_is_retired(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await furnish(store, B)
        twin = connection("c2", B, remote_id="item_c1")
        with pytest.raises(Conflict):
            await store.add_connection(B, twin, TOKEN)
        taken = await lease(store, "c1")
        gone = ConnectionState(health=Health.RETIRED)
        await store.commit(A, c.Change(taken, state=gone, releases=True))
        await store.add_connection(B, twin, TOKEN)
        await store.receive([incoming("1", "item_c1")])
        assert [d.connection for d in await store.list_deliveries(B)] == ["c2"]

    async def test_equal_ids_at_other_apps_are_others(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        other = connection("c2", app="app_2", remote_id="item_c1")
        await store.add_connection(A, other, TOKEN)
        await store.receive([incoming("1", "item_c1")])
        assert [d.connection for d in await store.list_deliveries(A)] == ["c1"]

    async def test_only_what_is_over_is_pruned(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        drained, parked, open_ = (incoming(n, "item_c1") for n in "123")
        await store.receive([drained, parked, open_, incoming("4", "nobody")])
        taken = await lease(store, "c1")
        change = c.Change(taken, drained=(drained.id,), parked={parked.id: "x"}, releases=True)
        await store.commit(A, change)
        assert await store.prune(behind(0)) == 0
        assert await store.prune(behind(1)) == 1
        assert {d.id for d in await store.list_deliveries(A)} == {parked.id, open_.id}
        assert len(await store.list_unmatched()) == 1

    async def test_business_of_another_firm_takes_no_login(self, store: FullStore) -> None:
        await furnish(store, A)
        await furnish(store, B, biz="biz_b")
        assert business(B, "biz_b").firm == B
        with pytest.raises(Exception, match="no such business"):
            await store.add_connection(A, connection("c1", A, "biz_b"), TOKEN)
        assert await store.list_connections(A) == ()
