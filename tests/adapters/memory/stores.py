"""Stores: the memory store as fixtures for the contract."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rowcol.adapters.memory import MemoryStore

Use = Callable[[MemoryStore], Awaitable[Any]]


class InMemory:
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def store_run(self) -> Callable[[Use], Any]:
        async def on_fresh(use: Use) -> Any:
            return await use(MemoryStore())

        return lambda use: asyncio.run(on_fresh(use))
