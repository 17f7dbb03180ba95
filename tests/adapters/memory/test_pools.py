"""The store contract of `pools` in memory: metered calls of an app's month."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_pools import PoolContract


class TestMemory(InMemory, PoolContract):
    pass
