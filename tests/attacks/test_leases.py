"""The lease of a person's call ends with its process: within 15 s, not 140 to 200 s.

| a process is killed in the middle of        | the next one begins after: had          | has        |
|---------------------------------------------|-----------------------------------------|------------|
| a call of a login (`rowcol call`, a deed)   | 80 s and the call's own time-out, 200 s | 15 s       |
| asking what became of a link session        | 45 s                                    | 15 s       |
| an exchange, a repair                       | 180 s                                   | 15 s       |
| (held for longer by a process that lives)   | that long                               | that long  |
"""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.need import Trigger
from rowcol.core.rail import Deed, Look
from rowcol.core.refusal import RailRefused
from rowcol.engine.gateway import Cause
from rowcol.services import deeds
from rowcol.services.heartbeat import LEASE_S, kept_alive
from rowcol.services.integration import IntegrationService
from tests.crash import office as offices
from tests.crash.bank import open_bank
from tests.crash.nursery import open_nursery
from tests.crash.office import FIRM, Office, pause
from tests.rig import CONNECTION, rig
from tests.rig import FIRM as ITS_FIRM

ITEM = "/item/get"


async def test_a_lease_is_taken_for_15_seconds(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        row = (await deeds.find_login(it.plane, ITS_FIRM, CONNECTION)).connection
        async with deeds.held(it.plane, row) as its:
            assert its.lease.until - it.clock.now() == timedelta(seconds=LEASE_S)
            assert LEASE_S == 15
            it.clock.advance(timedelta(seconds=LEASE_S))
            now = it.clock.now()
            assert await it.plane.store.claim_one(ITS_FIRM, CONNECTION, "next", now, LEASE_S)


async def test_a_short_hold_writes_nothing_and_a_long_one_is_kept() -> None:
    beats: list[int] = []

    async def renew() -> None:
        beats.append(1)

    async with kept_alive(renew):
        await pause(0.05)
    assert beats == []
    async with kept_alive(renew, timedelta(milliseconds=5)):
        while len(beats) < 3:
            await pause(0.005)
    count = len(beats)
    await pause(0.05)
    assert len(beats) == count, "it ends with what it was for"


async def test_who_was_paused_finds_that_it_was_taken_over(tmp_path: Path) -> None:
    """A deed whose holder sleeps past its lease (SIGSTOP) sends nothing, and moves no state."""
    async with rig(tmp_path) as it:
        await it.settle()
        row = (await deeds.find_login(it.plane, ITS_FIRM, CONNECTION)).connection
        async with deeds.held(it.plane, row) as its:
            it.clock.advance(timedelta(seconds=LEASE_S + 1))
            now = it.clock.now()
            assert await it.plane.store.claim_one(ITS_FIRM, CONNECTION, "next", now, LEASE_S)
            before = list(it.bank.calls)
            look = deeds.look_of(it.plane, its.view.connection, Deed.REFRESH)
            assert isinstance(look, Look)
            with pytest.raises(RailRefused, match="took this login over"):
                await deeds.send(it.plane, its, look, Cause(Trigger.PERSON, "x"))
            assert it.bank.calls == before


@pytest.mark.long
@pytest.mark.serial
async def test_after_kill_9_in_a_call_the_next_one_waits_15_seconds(tmp_path: Path) -> None:
    """Had: refused as busy after 45 s, free after 110 s (30 + 65 + 15). Has: done in 15 s and what a poll takes."""
    with open_bank() as bank, open_nursery() as nursery:
        bank.login(1, 100_000, [], None)
        office = Office(tmp_path, bank.url)
        (business,) = await office.prepare(bank)
        bank.slow_s[ITEM] = 60
        asked = bank.asked[ITEM]
        arguments = ["call", business, "plaid", "item.get", "--json"]
        pid = nursery.start(arguments, office.environment, tmp_path / "log")
        async with asyncio.timeout(offices.WAIT_S):
            while bank.asked[ITEM] == asked:
                await pause(0.05)
        nursery.end(pid, signal.SIGKILL)
        bank.slow_s.clear()
        begun = asyncio.get_running_loop().time()
        async with office.plane() as plane:
            service = IntegrationService(plane, business, firm=FIRM)
            await service.call_api("plaid", "item.get")
        waited_s = asyncio.get_running_loop().time() - begun
    (left,) = office.rows("SELECT count(*) FROM rowcol_subjects WHERE lease_until_us > 0")
    assert left == (0,)
    assert waited_s < 30, f"waited for {waited_s:.0f} s"
