"""The store contract of `accounts` in memory."""

from __future__ import annotations

from tests.adapters.memory.stores import InMemory
from tests.contracts.store_accounts import AccountsContract


class TestMemory(InMemory, AccountsContract):
    pass
