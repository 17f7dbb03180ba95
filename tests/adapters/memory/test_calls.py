"""The store contract of `calls` in memory: quota, budget, pauses and the log line."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_calls import CallContract


class TestMemory(InMemory, CallContract):
    pass
