"""The store contract of `commit` in memory: all or nothing, the fence, the mirror, observations."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_commit import CommitContract


class TestMemory(InMemory, CommitContract):
    pass
