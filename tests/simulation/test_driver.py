"""Driver: every question is answered once, the bill is counted twice, and the board stands at the end of the weeks."""

from __future__ import annotations

from rowcol.simulation.driver import account_id, play, world_of
from rowcol.simulation.stages import in_process
from rowcol.simulation.workload import synthetic

FIRM = synthetic(11, businesses=4, weeks=1)


def test_the_world_is_the_truth_of_the_workload() -> None:
    world = world_of(FIRM)
    for n, client in enumerate(FIRM.clients):
        total = client.opening_minor + sum(p.amount_minor for p in client.postings)
        assert world.balance_at(account_id(n), FIRM.ends_at) == total


async def test_a_week_from_login_to_bill() -> None:
    shares: list[float] = []
    async with in_process(FIRM, "evidence") as stage:
        played = await play(stage.rig, FIRM, "evidence", shares.append)
        world = stage.rig.world
    drive, result = played.drive, played.result
    assert drive.tally.reads == len(FIRM.reads)
    assert drive.unanswered == drive.tally.stale_decisions == drive.tally.false_as_of == 0
    assert drive.paid_calls == drive.billed_calls > 0
    assert result.business_weeks == 4
    assert shares[-1] == 1.0
    for n, row in enumerate(drive.board):
        assert row.business == FIRM.clients[n].name
        assert row.cash is not None
        assert row.as_of is not None
        assert row.as_of <= FIRM.ends_at
        assert row.cash.amount_minor == world.balance_at(account_id(n), row.as_of)
    assert sum(row.cost.micros for row in drive.board) == drive.cost.micros
