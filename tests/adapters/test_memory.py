"""The memory store keeps the contract."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from rowcol.adapters.memory import MemoryStore
from tests.contracts.store import StoreContract
from tests.contracts.store_machine import machine_of

T = TypeVar("T")


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def store_run(self) -> Callable[[Callable[[MemoryStore], Awaitable[T]]], T]:
        async def on_fresh(use: Callable[[MemoryStore], Awaitable[T]]) -> T:
            return await use(MemoryStore())

        return lambda use: asyncio.run(on_fresh(use))


async def open_memory() -> MemoryStore:
    return MemoryStore()


TestMemoryMachine = machine_of(open_memory, 60)
