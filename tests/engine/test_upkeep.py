"""Upkeep: calls whose process died are settled as possibly billed; what is older than the retention goes."""

from datetime import timedelta
from pathlib import Path

from typing_extensions import override

from rowcol.adapters.memory import MemoryStore
from rowcol.core.need import Trigger
from rowcol.core.outcome import Billed
from rowcol.core.rail import Look
from rowcol.core.retention import Horizon
from rowcol.engine.gateway import Cause, Sent
from rowcol.engine.upkeep import ABANDONED_AFTER, Upkeep
from tests.rig import CONNECTION, FIRM, rig


async def test_a_call_left_open_is_settled_once_nobody_can_be_waiting(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        view = await it.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        cause = Cause(Trigger.PERSON, "a test")
        sent = await it.plane.gateway.fetch(FIRM, view.connection, Look("live"), cause, view.token)
        assert isinstance(sent, Sent)
        upkeep = Upkeep(it.plane.store, it.clock, None)
        await upkeep.run_due()
        (call,) = await it.plane.store.list_calls(FIRM)
        assert call.settled_at is None
        it.clock.advance(ABANDONED_AFTER + timedelta(seconds=1))
        await upkeep.run_due()
        (call,) = await it.plane.store.list_calls(FIRM)
        assert (call.billed, call.cost) == (Billed.POSSIBLY, call.price)


async def test_what_is_older_than_the_retention_goes(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        assert await it.plane.store.list_calls(FIRM)
        it.clock.advance(timedelta(days=40))
        await Upkeep(it.plane.store, it.clock, None).run_due()
        assert await it.plane.store.list_calls(FIRM)
        await Upkeep(it.plane.store, it.clock, timedelta(days=30)).run_due()
        assert await it.plane.store.list_calls(FIRM) == ()


async def test_it_is_dropped_by_helpings_until_nothing_is_left(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        store = Pruned(5000, 5000, 10, 0, 0)
        upkeep = Upkeep(store, it.clock, timedelta(days=30))
        for minutes, calls in ((0, 1), (1, 2), (1, 3), (1, 4), (1, 4), (60 * 24, 5)):
            it.clock.advance(timedelta(minutes=minutes))
            await upkeep.run_due()
            assert store.calls == calls


class Pruned(MemoryStore):
    """A store of which so much goes at each helping."""

    def __init__(self, *helpings: int) -> None:
        super().__init__()
        self._helpings = helpings
        self.calls = 0

    @override
    async def prune(self, horizon: Horizon) -> int:
        self.calls += 1
        return self._helpings[self.calls - 1]
