"""Lines: every row of the store goes over the wire with nothing that may not."""

from pathlib import Path

import msgspec

from rowcol.api import lines
from rowcol.core.budget import Budget
from rowcol.core.money import Cost
from rowcol.core.records import Spending
from tests.rig import FIRM, rig


async def test_calls_and_decisions(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        calls = await it.plane.store.list_calls(FIRM)
        assert {lines.call_of(c).outcome for c in calls} == {"OK"}
        assert b"token" not in msgspec.json.encode([lines.call_of(c) for c in calls])


def test_a_months_costs_are_summed() -> None:
    rows = tuple(Spending("2026-11", Budget(k, Cost(10), Cost(3), Cost(1))) for k in "ab")
    made = lines.costs_of("2026-11", rows)
    assert (made.spent_micros, [r.key for r in made.rows]) == (6, ["a", "b"])
    assert lines.costs_of("2026-11", ()).spent_micros == 0
