"""Rig: the prepared file serves a fresh balance without a call, to the bench's token."""

from pathlib import Path

from rowcol.bootstrap import Plane
from rowcol.core.change import Action
from rowcol.services.cache import CacheService
from rowcol.simulation.bench.rig import FIRM, LOGINS, prepare


async def test_the_prepared_file_is_ready_to_serve(tmp_path: Path) -> None:
    prepared = await prepare(tmp_path)
    assert [len(set(lane.remote_ids)) for lane in prepared.lanes.values()] == [LOGINS, LOGINS]
    async with Plane.open(prepared.settings, firm=FIRM, run=False) as plane:
        answer = await CacheService(plane, prepared.business, firm=FIRM).get_balance()
    assert (answer.action, answer.label) == (Action.SERVE, None)
    assert answer.value.totals[0].amount_minor == 123_456
