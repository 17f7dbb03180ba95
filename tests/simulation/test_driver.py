"""Driver: every question is answered once, the bill is counted twice, and the board stands at the end of the weeks."""

from __future__ import annotations

import pytest

from rowcol.sandbox.plaid.billing import BALANCE
from rowcol.sandbox.plaid.switches import Switches
from rowcol.simulation.driver import Driver, account_id, bank_of, play, world_of
from rowcol.simulation.rig import open_rig
from rowcol.simulation.stages import in_process
from rowcol.simulation.wiring import Setup
from rowcol.simulation.workload import spec, synthetic

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


async def test_showing_the_board_is_not_on_the_bill_of_a_policy() -> None:
    async with in_process(FIRM, "ttl") as stage:
        drive = await Driver(stage.rig, FIRM).run()
        billing = stage.rig.emulator.billing
        in_the_weeks = sum(call.at < FIRM.ends_at for call in billing.calls)
    assert billing.n_calls(BALANCE) == in_the_weeks + len(FIRM.clients), "each row looked"
    assert drive.paid_calls == drive.billed_calls == in_the_weeks
    assert sum(row.cost.micros for row in drive.board) == drive.cost.micros


def test_banks_are_as_uneven_and_unreliable_as_the_workload_says() -> None:
    bank = bank_of(FIRM.clients[0])
    assert bank.refresh_jitter_s == 60 * spec().bank.refresh_jitter_min
    assert bank.refresh_failure_share == spec().bank.refresh_failure_share


OTHER_ANSWERS = (
    Switches(live_call_refreshes_cache=True),
    Switches(refresh_renews_unchanged=False),
    Switches(broken_item_serves_cache=False),
    Switches(unset_webhook_is_empty=False),
    Switches(limit_window="fixed", limits_table="sandbox", sends_retry_after=True),
    Switches(institution_status=False),
    Switches(retry_delays_s=()),
    Switches(initial_update_s=3_600, historical_update_s=7_200),
)


@pytest.mark.parametrize("switches", OTHER_ANSWERS, ids=range(len(OTHER_ANSWERS)))
async def test_what_nobody_knows_of_the_rail_makes_no_decision_stale(switches: Switches) -> None:
    """The same week under the other answer to each open question."""
    setup = Setup(FIRM.seed, FIRM.linked_at, "evidence", switches=switches)
    async with open_rig(setup, world=world_of(FIRM)) as rig:
        drive = await Driver(rig, FIRM).run()
        assert rig.emulator.limits.n_violations == 0
    assert drive.unanswered == drive.tally.stale_decisions == drive.tally.false_as_of == 0
    assert drive.paid_calls == drive.billed_calls > 0
