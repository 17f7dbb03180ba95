"""The store contract of `mirror` in memory: rows by id and due date, replacing."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_mirror import MirrorContract


class TestMemory(InMemory, MirrorContract):
    pass
