"""Board: what is known now; looking at it asks nobody and logs nothing."""

import asyncio
from datetime import timedelta
from pathlib import Path

from rowcol.core.budget import month_of
from rowcol.core.money import Cost
from rowcol.core.need import Purpose, question_of
from rowcol.services.board import board, peek
from rowcol.services.integration import IntegrationService
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS, FIRM, rig


async def test_looking_moves_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(days=3))
        before = list(it.bank.calls)
        (row,) = await board(it.plane, FIRM)
        answer, _ = await peek(
            it.plane, FIRM, BUSINESS, question_of(Purpose.RITUAL, it.clock.now())
        )
        assert row.cash.totals[0].amount_minor == 100
        assert answer.action.value in {"LOOK", "PAY", "WAIT"}
        await it.plane.decisions.flush()
        assert await it.plane.store.list_decisions(FIRM) == ()
        assert it.bank.calls == before


async def test_costs_are_of_the_month(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        service = IntegrationService(it.plane, BUSINESS)
        task = asyncio.create_task(service.refresh_plaid_balance(force=True))
        await it.finish(task, timedelta(hours=1))
        month = month_of(it.clock.now())
        assert await it.plane.store.sum_costs(FIRM, month) == {BUSINESS: Cost(LIVE_MICROS)}
        assert (await board(it.plane, FIRM))[0].cost.micros == LIVE_MICROS
        assert not await it.plane.store.sum_costs(FIRM, "2025-01")
