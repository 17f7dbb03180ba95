"""Busy: a write to the store that is tried again at once while it is refused as `Busy`. The store waits some seconds a try."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rowcol.core.refusal import Busy

T = TypeVar("T")
TRIES = 5


async def retried_while_busy(write: Callable[[], Awaitable[T]], tries: int = TRIES) -> T:
    """What `write` returns. Raise the last `Busy`."""
    for _ in range(tries - 1):
        with contextlib.suppress(Busy):
            return await write()
    return await write()
