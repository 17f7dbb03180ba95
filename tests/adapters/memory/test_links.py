"""The store contract of `links` in memory: consents on their way."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_links import LinkContract


class TestMemory(InMemory, LinkContract):
    pass
