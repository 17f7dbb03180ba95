"""The store contract of `inbox` in memory: deliveries stored once and routed."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_inbox import InboxContract


class TestMemory(InMemory, InboxContract):
    pass
