"""Deeds: a login is ended, pointed or refreshed under its lease; what fails changes nothing and says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.connection import Connection
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId, FirmId, RemoteId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.refusal import Busy, Conflict, NotFound, RailRefused
from rowcol.core.wire import Silence
from rowcol.services.integration import IntegrationService
from tests.fakes import AGAIN_MICROS, MONTH_MICROS
from tests.rig import BUSINESS, CONNECTION, FIRM, Rig, rig
from tests.waiting import pass_time, until_stuck


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(tmp_path) as made:
        await made.settle()
        made.bank.calls.clear()
        yield made


def service(it: Rig) -> IntegrationService:
    return IntegrationService(it.plane, BUSINESS)


async def row(it: Rig) -> Connection:
    (found,) = await it.plane.store.list_connections(FIRM)
    return found


async def test_a_login_is_ended_and_keeps_its_history(it: Rig) -> None:
    assert (await service(it).price_of_month(CONNECTION)).micros == MONTH_MICROS
    ended = await service(it).disconnect(CONNECTION)
    assert ended.state.health is (await row(it)).state.health is Health.RETIRED
    (call, *_) = await it.plane.store.list_calls(FIRM)
    assert (call.endpoint, call.trigger, call.outcome) == ("remove", Trigger.PERSON, Outcome.OK)
    view = await it.plane.store.read_view(FIRM, CONNECTION)
    assert view is not None
    assert view.accounts
    assert not view.open_calls
    for _ in range(3):
        await it.advance(hours=30)
    assert it.bank.calls == ["remove"]


async def test_ending_it_again_asks_nobody(it: Rig) -> None:
    for _ in range(2):
        assert (await service(it).disconnect(CONNECTION)).state.health is Health.RETIRED
    assert it.bank.calls == ["remove"]


async def test_a_login_that_the_rail_does_not_know_is_ended(it: Rig) -> None:
    it.bank.fails["remove"] = Outcome.GONE
    assert (await service(it).disconnect(CONNECTION)).state.health is Health.RETIRED
    assert (await row(it)).state.health is Health.RETIRED


@pytest.mark.parametrize("failure", [Outcome.BAD_REQUEST, Outcome.TRY_AGAIN, Silence.TIMEOUT])
async def test_a_failure_leaves_everything_as_it_was(it: Rig, failure: Outcome | Silence) -> None:
    before = await it.plane.store.read_view(FIRM, CONNECTION)
    it.bank.fails["remove"] = failure
    with pytest.raises(RailRefused, match=str(failure.value)):
        await service(it).disconnect(CONNECTION)
    assert await it.plane.store.read_view(FIRM, CONNECTION) == before
    del it.bank.fails["remove"]
    await service(it).disconnect(CONNECTION)
    assert (await row(it)).state.health is Health.RETIRED


async def test_the_lease_of_a_run_is_waited_for_but_not_for_ever(it: Rig) -> None:
    lease = await it.plane.store.claim_one(FIRM, CONNECTION, "other", it.clock.now(), 15)
    assert lease is not None
    asked = asyncio.create_task(service(it).point_webhook(CONNECTION))
    await until_stuck(it.clock, asked)
    assert it.bank.calls == []
    await it.plane.store.release(lease, None)
    await _until(it, asked)
    assert it.bank.calls == ["point"]

    await it.plane.store.claim_one(FIRM, CONNECTION, "other", it.clock.now(), 9999)
    with pytest.raises(Busy):
        await _until(it, asyncio.create_task(service(it).disconnect(CONNECTION)))
    assert it.bank.calls == ["point"]


async def _until(it: Rig, asked: asyncio.Task[Connection]) -> None:
    second = timedelta(seconds=1)
    await pass_time(it.clock, asked, at_most=100 * second, step=second)
    await asked


async def test_no_reconcile_runs_meanwhile(it: Rig) -> None:
    """Its commit would bring the old state back."""
    taken: list[asyncio.Task[object]] = []

    def on_call(_name: str) -> None:
        claim = it.plane.store.claim("runner", it.clock.now(), 15, 9)
        taken.append(asyncio.create_task(claim))

    await it.advance(hours=25)
    it.clock.advance(timedelta(hours=25))  # it is due
    it.bank.on_call = on_call
    await service(it).disconnect(CONNECTION)
    assert [await each for each in taken] == [()]


async def test_a_webhook_is_pointed_here(it: Rig) -> None:
    await service(it).point_webhook(CONNECTION)
    assert it.bank.calls == ["point"]
    await it.settle()
    assert it.bank.calls[1:] == ["status"]  # the next look shows what came of it


async def test_a_refresh_names_its_price_first(it: Rig) -> None:
    named = await service(it).refresh_transactions()
    assert (named.price.micros, named.logins, named.asked) == (AGAIN_MICROS, (CONNECTION,), ())
    assert it.bank.calls == []
    done = await service(it).refresh_transactions(force=True)
    assert done.asked == (CONNECTION,)
    (call, *_) = await it.plane.store.list_calls(FIRM)
    assert (call.endpoint, call.trigger, call.billed) == ("again", Trigger.PERSON, Billed.YES)
    (spending,) = await it.plane.store.read_spending(FIRM, f"{it.clock.now():%Y-%m}")
    assert spending.budget.spent.micros == AGAIN_MICROS


async def test_a_refresh_repeated_after_a_time_out_is_paid_once(it: Rig) -> None:
    for minutes, paid in ((0, 1), (5, 1), (6, 2)):
        it.clock.advance(timedelta(minutes=minutes))
        assert (await service(it).refresh_transactions(force=True)).asked == (CONNECTION,)
        assert it.bank.calls.count("again") == paid


async def test_a_refresh_that_cannot_help_costs_nothing(it: Rig) -> None:
    it.bank.health = Health.NEEDS_RECONNECT
    await it.advance(hours=25)
    it.bank.calls.clear()
    done = await service(it).refresh_transactions(force=True)
    assert (done.price.micros, done.asked, list(done.refused)) == (0, (), [CONNECTION])
    assert it.bank.calls == []


async def test_a_refresh_that_fails_is_said_by_login(it: Rig) -> None:
    it.bank.fails["again"] = Outcome.RATE_LIMITED
    done = await service(it).refresh_transactions(force=True)
    assert done.asked == ()
    assert "RATE_LIMITED" in done.refused[CONNECTION]


async def test_nothing_is_done_to_another_firms_or_businesses_login(it: Rig) -> None:
    for asked in (
        IntegrationService(it.plane, BUSINESS, firm=FirmId("firm-2")),
        IntegrationService(it.plane, "biz-2"),
    ):
        for deed in (asked.disconnect, asked.point_webhook, asked.price_of_month):
            with pytest.raises(NotFound):
                await deed(CONNECTION)
    assert it.bank.calls == []


async def test_nothing_else_is_done_to_an_ended_login(it: Rig) -> None:
    await service(it).disconnect(CONNECTION)
    with pytest.raises(Conflict, match="removed"):
        await service(it).point_webhook(CONNECTION)
    assert (await service(it).price_of_refresh()).micros == 0
    with pytest.raises(NotFound):
        await service(it)._login(FIRM, "tally")
    it.plane.rng.new_id("con")
    again = Connection(
        ConnectionId("con-2"), FIRM, BUSINESS, "tally", (await row(it)).app, "production",
        RemoteId("item-2"), "", "", it.clock.now(),
    )  # fmt: skip
    await it.plane.store.add_connection(FIRM, again, it.plane.vault.seal("token"))
    assert (await service(it)._login(FIRM, "tally")).id == "con-2"
