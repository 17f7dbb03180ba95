"""The store contract of `subjects` in memory: derived due, leases, turns."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_subjects import SubjectContract


class TestMemory(InMemory, SubjectContract):
    pass
