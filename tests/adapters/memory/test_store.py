"""The memory store is a whole store, and keeps to the naive model in any order of events."""

from __future__ import annotations

from rowcol.adapters.memory import MemoryStore
from rowcol.ports import FullStore
from tests.contracts.store_machine import machine_of
from tests.contracts.values import TOKEN, A, connection, furnish


async def open_memory() -> FullStore:
    return MemoryStore()


TestMemoryMachine = machine_of(open_memory, 60)


async def test_stores_share_nothing() -> None:
    first, second = MemoryStore(), MemoryStore()
    await furnish(first, A)
    await first.add_connection(A, connection("c1"), TOKEN)
    assert await second.list_firms() == ()
    await first.close()
