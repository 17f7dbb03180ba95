"""The store contract of `upkeep` in memory: what is over goes, by helpings."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_upkeep import ClockBackContract, PruneContract


class TestMemory(InMemory, ClockBackContract, PruneContract):
    pass
