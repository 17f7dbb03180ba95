"""The gateway: one sender. Quota, then budget, then the log line, then the wire; nothing is sent that is not written."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.change import NotBefore, Refused
from rowcol.core.ids import AppId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.rail import Look
from rowcol.core.refusal import Misconfigured
from rowcol.engine.gateway import Cause, Sent
from tests.fakes import LIVE_MICROS
from tests.rig import APP, CONNECTION, FIRM, Rig, rig

CAUSE = Cause(Trigger.PERSON, "because a test asks")


async def fetch(it: Rig, name: str, cause: Cause = CAUSE) -> Sent | NotBefore | Refused:
    view = await it.plane.store.read_view(FIRM, CONNECTION)
    assert view is not None
    return await it.plane.gateway.fetch(FIRM, view.connection, Look(name), cause, view.token)


async def test_the_intent_is_on_record_before_the_wire(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        sent = await fetch(it, "live")
        assert isinstance(sent, Sent)
        (call,) = await it.plane.store.list_calls(FIRM)
        assert (call.outcome, call.price.micros, call.reason) == (None, LIVE_MICROS, CAUSE.reason)
        await it.plane.gateway.settle(sent, Outcome.OK)
        (call,) = await it.plane.store.list_calls(FIRM)
        assert (call.outcome, call.billed, call.cost.micros) == (
            Outcome.OK,
            Billed.YES,
            LIVE_MICROS,
        )


async def test_half_the_rail_s_limit_and_then_not_before(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        answers = [await fetch(it, "live") for _ in range(10)]
        sent = [a for a in answers if isinstance(a, Sent)]
        later = [a for a in answers if isinstance(a, NotBefore)]
        assert len(sent) <= 5
        assert it.bank.calls == ["live"] * len(sent)
        assert all(a.until > it.clock.now() for a in later)
        it.clock.advance(later[0].until - it.clock.now())
        assert isinstance(await fetch(it, "live"), Sent)


async def test_a_refused_call_is_neither_sent_nor_counted(tmp_path: Path) -> None:
    async with rig(tmp_path, budget_usd_month=0) as it:
        assert isinstance(await fetch(it, "live"), Refused)
        assert it.bank.calls == []
        assert await it.plane.store.list_calls(FIRM) == ()


async def test_the_machine_leaves_the_people_s_reserve(tmp_path: Path) -> None:
    async with rig(tmp_path, budget_usd_month=1) as it:
        machine = replace(CAUSE, trigger=Trigger.RITUAL)
        for _ in range(20):
            await fetch(it, "live", machine)
            it.clock.advance(timedelta(minutes=1))
        assert it.bank.calls.count("live") == 8
        assert isinstance(await fetch(it, "live"), Sent)


async def test_pausing_paid_calls_lets_free_ones_go(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.plane.store.set_switch("pause.paid", "invoice in dispute")
        refused = await fetch(it, "live")
        assert isinstance(refused, Refused)
        assert "invoice in dispute" in refused.reason
        assert isinstance(await fetch(it, "status"), Sent)


async def test_an_app_that_settings_dropped_is_named(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        with pytest.raises(Misconfigured, match="gone"):
            it.plane.gateway.app(AppId("gone"))


async def test_a_sandbox_costs_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        sandbox = replace(APP, environment="sandbox")
        endpoint = it.plane.rails["tally"].spec.endpoints["live"]
        assert (await it.plane.gateway.price_of(FIRM, sandbox, endpoint)).micros == 0
        assert (await it.plane.gateway.price_of(FIRM, APP, endpoint)).micros == LIVE_MICROS


async def test_the_firm_s_price_book_wins(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        row = {
            "rail": "tally",
            "item": "live",
            "micros": 70_000,
            "since": "2026-06-01",
            "source": "invoice",
        }
        await it.plane.store.set_firm_settings(FIRM, {"prices": [row]})
        it.plane.preferences.forget(FIRM)
        endpoint = it.plane.rails["tally"].spec.endpoints["live"]
        assert (await it.plane.gateway.price_of(FIRM, APP, endpoint)).micros == 70_000
