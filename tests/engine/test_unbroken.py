"""Unbroken: whoever asked may go, the work goes on; closing waits for it, but not for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from rowcol.engine.unbroken import Unbroken

SOON = timedelta(seconds=5)


class Gate:
    """Work that ends when it is let."""

    def __init__(self, error: Exception | None = None) -> None:
        self.open = asyncio.Event()
        self.is_done = False
        self._error = error

    async def pass_through(self) -> str:
        await self.open.wait()
        if self._error is not None:
            raise self._error
        self.is_done = True
        return "through"


async def left(unbroken: Unbroken, gate: Gate) -> None:
    """Begun by a caller that gave up."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(unbroken.run(gate.pass_through(), "key"), 0.01)


async def test_its_result_and_its_error_are_the_callers() -> None:
    unbroken, gate, bad = Unbroken(), Gate(), Gate(ValueError("no"))
    gate.open.set()
    bad.open.set()
    assert await unbroken.run(gate.pass_through()) == "through"
    with pytest.raises(ValueError, match="no"):
        await unbroken.run(bad.pass_through())


async def test_it_goes_on_without_its_caller_and_can_be_joined() -> None:
    unbroken, gate = Unbroken(), Gate()
    await left(unbroken, gate)
    assert not gate.is_done
    joining = asyncio.create_task(unbroken.join("key"))
    assert not await unbroken.join("another")
    gate.open.set()
    assert await joining
    assert gate.is_done
    assert not await unbroken.join("key")


async def test_what_nobody_hears_of_is_logged() -> None:
    unbroken, gate = Unbroken(), Gate(ValueError("no"))
    await left(unbroken, gate)
    with capture_logs() as logs:
        gate.open.set()
        await unbroken.finish(SOON)
        await asyncio.sleep(0)  # noqa: TID251 - callbacks of a task run after it
    assert [each["event"] for each in logs] == ["unbroken.failed"]


async def test_closing_waits_but_not_for_ever() -> None:
    unbroken, gate, stuck = Unbroken(), Gate(), Gate()
    await unbroken.finish(SOON)
    await left(unbroken, gate)
    closing = asyncio.create_task(unbroken.finish(SOON))
    await asyncio.sleep(0)  # noqa: TID251 - lets it begin to wait
    gate.open.set()
    await closing
    assert gate.is_done
    await left(unbroken, stuck)
    with capture_logs() as logs:
        await unbroken.finish(timedelta(milliseconds=10))
    assert [each["event"] for each in logs] == ["unbroken.cut"]
    assert not await unbroken.join("key")
