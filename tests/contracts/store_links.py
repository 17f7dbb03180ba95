"""Store contract, links: a consent is taken once, in time, and says how it ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rowcol.core.ids import BusinessId, ConnectionId
from rowcol.core.records import LinkEnd, LinkKind
from rowcol.core.refusal import Conflict, NotFound
from rowcol.ports import FullStore
from tests.contracts.values import A, B, after, furnish, incoming, link, session


class LinkContract:
    async def test_a_link_is_taken_once(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.add_link(A, link("1"))
        await store.add_link(A, link("2"))
        assert await store.read_link(A, "link_1") == link("1")
        used = replace(link("1"), used_at=after(5))
        assert await store.take_link("hash_1", after(5)) == used
        assert await store.take_link("hash_1", after(5)) is None
        assert await store.read_link(A, "link_1") == used
        assert await store.read_link(A, "link_2") == link("2")
        assert await store.take_link("unknown", after(5)) is None

    async def test_of_many_callbacks_one_takes_it(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.add_link(A, link("1"))
        taken = await asyncio.gather(*(store.take_link("hash_1", after(n)) for n in range(8)))
        assert sum(each is not None for each in taken) == 1

    async def test_an_old_link_is_not_taken(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.add_link(A, link("1"))
        assert await store.take_link("hash_1", after(600)) is None
        assert await store.read_link(A, "link_1") == link("1")
        assert await store.take_link("hash_1", after(599)) is not None

    async def test_a_link_says_how_it_ended(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.add_link(A, link("1"))
        await store.add_link(A, link("2"))
        await store.end_link(A, "link_1", ConnectionId("c1"), "")
        await store.end_link(A, "link_2", None, "access_denied")
        await store.end_link(A, "link_9", None, "nobody")
        first, second = await store.read_link(A, "link_1"), await store.read_link(A, "link_2")
        assert first == replace(link("1"), connection=ConnectionId("c1"))
        assert second == replace(link("2"), failure="access_denied")

    async def test_ids_and_states_are_unique(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.add_link(A, link("1"))
        with pytest.raises(Conflict):
            await store.add_link(A, replace(link("1"), state_hash="other"))
        with pytest.raises(Conflict):
            await store.add_link(A, replace(link("2"), state_hash="hash_1"))
        with pytest.raises(NotFound):
            await store.add_link(A, replace(link("2"), business=BusinessId("nobody")))
        with pytest.raises(NotFound):
            await store.add_link(B, link("2"))

    async def test_a_session_is_kept_as_it_was_begun(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        begun = replace(
            session("1"),
            kind=LinkKind.REPAIR,
            target=ConnectionId("c1"),
            is_double_allowed=True,
        )
        await store.add_link(A, begun)
        assert await store.read_link(A, "link_1") == begun
        assert await store.read_link(B, "link_1") is None

    async def test_a_callback_takes_no_session(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.add_link(A, session("1"))
        assert await store.take_link("hash_1", after(5)) is None

    async def test_of_many_who_claim_a_session_one_holds_it(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.add_link(A, session("1"))
        claims = (store.claim_link(A, "link_1", f"o{n}", after(5), 60) for n in range(8))
        held = [each for each in await asyncio.gather(*claims) if each is not None]
        assert len(held) == 1
        assert await store.claim_link(B, "link_1", held[0].owner, after(5), 60) is None

    async def test_a_lease_is_made_longer_by_its_owner_and_ends_by_itself(
        self, store: FullStore
    ) -> None:
        await furnish(store, A)
        await store.add_link(A, session("1"))
        assert await store.claim_link(A, "link_1", "me", after(5), 60)
        assert await store.claim_link(A, "link_1", "me", after(6), 60)
        assert await store.due_links(after(20), 10) == ()

    async def test_who_holds_it_moves_it_and_nobody_else(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.add_link(A, session("1"))
        held = await store.claim_link(A, "link_1", "me", after(5), 60)
        assert held is not None
        moved = replace(
            held,
            ended=LinkEnd.DONE,
            connection=ConnectionId("c1"),
            failure="not all",
            sealed=None,
            next_at=None,
            polls=7,
            is_double_allowed=True,
        )
        assert not await store.move_link(A, replace(moved, owner="other"))
        assert not await store.move_link(B, moved)
        assert await store.move_link(A, moved)
        assert not await store.move_link(A, moved), "its lease was given back"
        assert await store.read_link(A, "link_1") == replace(moved, owner="", lease_until=None)
        assert await store.claim_link(A, "link_1", "me", after(5), 60) is None

    async def test_what_is_open_is_due_at_its_time(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.add_link(A, link("0"))
        for name, at in (("1", 20), ("2", 10), ("3", 30)):
            await store.add_link(A, replace(session(name), next_at=after(at)))
        assert [each.id for each in await store.due_links(after(20), 10)] == ["link_2", "link_1"]
        assert [each.id for each in await store.due_links(after(20), 1)] == ["link_2"]
        assert await store.claim_link(A, "link_2", "me", after(20), 60)
        assert [each.id for each in await store.due_links(after(20), 10)] == ["link_1"]
        opened = await store.list_open_links(A, BusinessId("biz_1"))
        assert [each.id for each in opened] == ["link_1", "link_2", "link_3"]
        assert await store.list_open_links(B, BusinessId("biz_1")) == ()

    async def test_a_delivery_that_names_it_makes_it_due_until_it_is_claimed(
        self, store: FullStore
    ) -> None:
        await furnish(store, A)
        await store.add_link(A, replace(session("1"), next_at=after(500)))
        await store.receive([incoming("1", "session:hash_1"), incoming("2", "session:other")])
        assert [each.id for each in await store.due_links(after(5), 10)] == ["link_1"]
        held = await store.claim_link(A, "link_1", "me", after(5), 60)
        assert held is not None
        assert await store.move_link(A, held)
        assert await store.due_links(after(5), 10) == ()
        assert [each.id for each in await store.list_unmatched()] == ["del_2"]
