"""Stages: the same firm in process and over sockets; a service that goes on lives in real time."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from datetime import timedelta

import httpx2
import pytest

from rowcol.adapters.clock import SystemClock
from rowcol.api.app import create_app
from rowcol.simulation.stages import go_on, grant, in_process, over_sockets
from rowcol.simulation.wiring import FIRM
from rowcol.simulation.workload import synthetic
from tests.waiting import until

WORKLOAD = synthetic(1, businesses=1, weeks=1)


async def test_in_process_there_is_no_address() -> None:
    async with in_process(WORKLOAD, "ttl") as stage:
        assert stage.url == ""
        firm = await stage.rig.plane.store.read_firm(FIRM)
        assert firm is not None
        assert firm.settings["policy"] == "ttl"


@pytest.mark.serial
async def test_over_sockets_it_answers_and_goes_on() -> None:
    async with over_sockets(WORKLOAD, "evidence", create_app) as stage:
        token = await grant(stage)
        rows = await stage.rig.plane.store.list_tokens(FIRM)
        assert [row.token_hash for row in rows] == [hashlib.sha256(token.encode()).hexdigest()]
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{stage.url}/healthz")
        assert answer.status_code == 200
        clock, real = stage.rig.clock, SystemClock()
        before, began_at = clock.now(), real.now()
        going = asyncio.create_task(go_on(stage))
        await until(lambda: clock.now() - before > timedelta(seconds=0.5))
        going.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await going
        assert clock.now() - before <= real.now() - began_at
