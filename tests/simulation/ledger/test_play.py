"""Play: everybody is asked and answered, every edit is made, and every look is counted as the emulator counts it."""

from __future__ import annotations

from rowcol.simulation.ledger.play import IS_DECISION, Play, planned
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wiring import Setup


async def test_a_week_of_three_companies() -> None:
    plan = planned(5, 3, 1)
    shares: list[float] = []
    async with open_rig(Setup(plan.seed, plan.linked_at)) as rig:
        events = await Play(rig, plan, shares.append).run()
        assert not rig.waiting
        assert sum(r.units for r in events.requests) == rig.books.meter.month(plan.linked_at) + (
            rig.books.meter.month(plan.ends_at)
        )
    assert [edit.at for edit in events.edits] == [edit.at for edit in plan.edits]
    assert len(events.reads) == sum(read.purpose in IS_DECISION for read in plan.reads)
    assert all(read.is_served for read in events.reads)
    assert shares == sorted(shares)
