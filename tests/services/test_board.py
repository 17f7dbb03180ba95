"""Board: what is known now; looking at it asks nobody and logs nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from rowcol.core.budget import month_of
from rowcol.core.change import Action
from rowcol.core.ids import AppId, BusinessId, ConnectionId, RemoteId
from rowcol.core.money import Cost
from rowcol.core.need import Purpose, question_of
from rowcol.core.records import Business
from rowcol.services.board import board, peek
from rowcol.services.cache import CacheService
from rowcol.services.explain import explain
from rowcol.services.integration import IntegrationService
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS, CONNECTION, FIRM, rig


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


async def test_a_removed_login_is_left_out_as_a_read_leaves_it_out(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        (old,) = await it.plane.store.list_connections(FIRM)
        await IntegrationService(it.plane, BUSINESS).disconnect(CONNECTION)
        it.clock.advance(timedelta(days=3))
        it.bank.seen_until = it.clock.now() - timedelta(hours=1)
        new = replace(
            old, id=ConnectionId("con-2"), remote_id=RemoteId("item-2"), created_at=it.clock.now()
        )
        await it.plane.store.add_connection(FIRM, new, it.plane.vault.seal("token"))
        await it.settle()
        (row,) = await board(it.plane, FIRM)
        read = await CacheService(it.plane, BUSINESS).get_balance()
        assert row.action is read.action is Action.SERVE
        assert (row.reason, row.label, row.as_of) == (read.reason, read.label, read.as_of)
        assert row.cash == read.value


async def test_a_removed_login_that_had_cash_is_said_to_be_missing(tmp_path: Path) -> None:
    """By the board and by a read alike, until its bank is connected anew."""
    async with rig(tmp_path) as it:
        await it.settle()
        await IntegrationService(it.plane, BUSINESS).disconnect(CONNECTION)
        (row,) = await board(it.plane, FIRM)
        read = await CacheService(it.plane, BUSINESS).get_balance()
        assert row.action is read.action is Action.HOLD
        assert row.label == read.label == "Bank was removed"
        assert row.cash == read.value
        found = await explain(it.plane, FIRM, BUSINESS)
        assert [view.connection.id for view in found.logins] == [CONNECTION]


async def test_what_a_look_would_cost_is_its_real_price(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(days=3))
        await it.settle()
        (row,) = await board(it.plane, FIRM)
        assert row.action is Action.PAY
        assert "$0.10" in row.reason


async def test_a_business_whose_app_is_gone_does_not_hide_the_others(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        other = Business(BusinessId("biz-2"), FIRM, "Other", "b-2", it.clock.now())
        await it.plane.store.add_business(FIRM, other)
        (old,) = await it.plane.store.list_connections(FIRM)
        lost = replace(
            old,
            id=ConnectionId("con-2"),
            business=other.id,
            app=AppId("gone"),
            remote_id=RemoteId("item-2"),
        )
        await it.plane.store.add_connection(FIRM, lost, it.plane.vault.seal("token"))
        first, second = await board(it.plane, FIRM)
        assert (first.action, first.label) == (Action.SERVE, None)
        assert second.action is Action.HOLD
        assert second.label is not None
        assert "gone" in second.label
