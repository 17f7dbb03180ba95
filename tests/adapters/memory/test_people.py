"""The store contract of `people` in memory, and that no firm reaches another's rows."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_people import PeopleContract, TenantContract


class TestMemory(InMemory, PeopleContract, TenantContract):
    pass
