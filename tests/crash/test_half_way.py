"""Half way: a run that dies after its deliveries were drained is gone on with once its lease has expired."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from rowcol.core.delivery import RouteState
from rowcol.core.outcome import Outcome
from rowcol.core.wire import RawDelivery
from rowcol.engine.inbox import Reception
from tests.rig import APP, CONNECTION, FIRM, rig


class Killed(RuntimeError):
    """Stands for the end of the process: nothing of the run is committed any more."""


async def test_what_a_dead_run_left_is_due_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(hours=1))
        it.bank.seen_until = it.clock.now() - timedelta(minutes=1)
        it.bank.cached_minor = 777

        def die(name: str) -> None:
            if name == "balances":
                raise Killed

        it.bank.on_call = die
        raw = RawDelivery({"key": "k"}, b"BANK.MOVED:item-1", it.clock.now())
        assert (await it.plane.inbox.receive(APP, raw)).reception is Reception.ACCEPTED
        await it.settle()
        (delivery,) = await it.plane.store.list_deliveries(FIRM)
        assert delivery.state is RouteState.DRAINED
        it.bank.on_call = None
        await it.advance(seconds=20)
        view = await it.plane.store.read_view(FIRM, CONNECTION)
        assert view is not None
        assert view.accounts[0].latest is not None
        assert view.accounts[0].latest.balance is not None
        assert view.accounts[0].latest.balance.current is not None
        assert view.accounts[0].latest.balance.current.amount_minor == 777
        calls = await it.plane.store.list_calls(FIRM)
        assert all(c.settled_at is not None for c in calls)
        assert sorted({str(c.outcome) for c in calls}) == [Outcome.NO_ANSWER, Outcome.OK]
        assert {c.billed for c in calls if c.outcome is Outcome.NO_ANSWER} == {"NO"}
