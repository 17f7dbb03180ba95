"""Store contract, links: a consent is taken once, in time, and says how it ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rowcol.core.ids import BusinessId, ConnectionId
from rowcol.core.refusal import Conflict, NotFound
from rowcol.ports import FullStore
from tests.contracts.values import A, B, after, furnish, link


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
