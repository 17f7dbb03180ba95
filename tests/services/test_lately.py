"""Lately: what was paid for a moment ago, or may have been, is not paid for again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.wire import Request
from rowcol.services.integration import IntegrationService
from rowcol.services.lately import JOINED
from tests.rig import BUSINESS, CONNECTION, rig
from tests.waiting import pass_time


async def test_a_refresh_whose_asker_gave_up_is_joined(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        service, send = IntegrationService(it.plane, BUSINESS), it.bank.send
        begun, never = asyncio.Event(), asyncio.Event()

        async def hang(base_url: str, request: Request) -> object:
            if "again" not in request.path:
                return await send(base_url, request)
            begun.set()
            await never.wait()
            raise AssertionError("unreachable")

        it.bank.send = hang  # type: ignore[method-assign,assignment]
        first = asyncio.create_task(service.refresh_transactions(force=True))
        await begun.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        it.bank.send = send  # type: ignore[method-assign]
        it.bank.calls.clear()
        again = await service.refresh_transactions(force=True)
        assert (again.asked, it.bank.calls) == ((CONNECTION,), [])
        it.clock.advance(JOINED + timedelta(seconds=1))
        await service.refresh_transactions(force=True)
        assert it.bank.calls.count("again") == 1


async def test_two_at_once_are_one(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        service = IntegrationService(it.plane, BUSINESS)
        asked = [asyncio.create_task(service.refresh_transactions(force=True)) for _ in range(3)]
        await pass_time(it.clock, *asked, at_most=JOINED, step=timedelta(milliseconds=300))
        assert {task.result().asked for task in asked} == {(CONNECTION,)}
        assert it.bank.calls.count("again") == 1
