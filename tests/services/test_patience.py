"""Patience: our own limits are waited for, as long as they open soon."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.change import NotBefore, Refused
from rowcol.core.refusal import NotYet, RailRefused
from rowcol.engine.gateway import Sent
from rowcol.services.patience import sent_within
from tests.rig import rig

SOON = timedelta(seconds=15)


async def test_what_opens_soon_is_waited_for(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        until, asked = it.clock.now() + timedelta(seconds=5), 0

        async def fetch() -> Sent | NotBefore | Refused:
            nonlocal asked
            asked += 1
            return NotBefore(until, "busy") if it.clock.now() < until else Refused("opened")

        waiting = asyncio.create_task(sent_within(it.plane, SOON, fetch))
        await asyncio.sleep(0)  # noqa: TID251 - it asks, and waits
        assert not waiting.done()
        it.clock.advance(timedelta(seconds=5))
        with pytest.raises(RailRefused, match="opened"):
            await waiting
        assert asked == 2


@pytest.mark.parametrize("is_late", [True, False])
async def test_what_opens_late_or_never_is_said(tmp_path: Path, is_late: bool) -> None:
    async with rig(tmp_path) as it:
        late = NotBefore(it.clock.now() + SOON + timedelta(seconds=1), "used up")

        async def fetch() -> Sent | NotBefore | Refused:
            return late if is_late else Refused("the month is used up")

        with pytest.raises(NotYet if is_late else RailRefused, match="used up") as refused:
            await sent_within(it.plane, SOON, fetch)
        if isinstance(refused.value, NotYet):
            assert refused.value.retry_after_s == SOON.total_seconds() + 1
