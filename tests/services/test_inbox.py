"""Inbox: a replay may be asked for twice; another firm's delivery is not there."""

from pathlib import Path

import pytest

from rowcol.core.ids import DeliveryId, FirmId
from rowcol.core.refusal import NotFound
from rowcol.core.wire import RawDelivery
from rowcol.services.inbox import replay
from tests.rig import APP, FIRM, rig


async def test_twice_is_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        raw = RawDelivery({"key": "k"}, b"BANK:item-1", it.clock.now())
        received = await it.plane.inbox.receive(APP, raw)
        await it.settle()
        assert received.delivery is not None
        for _ in range(2):
            await replay(it.plane, FIRM, received.delivery)
        with pytest.raises(NotFound):
            await replay(it.plane, FirmId("firm-2"), received.delivery)
        with pytest.raises(NotFound):
            await replay(it.plane, FIRM, DeliveryId("del-none"))
