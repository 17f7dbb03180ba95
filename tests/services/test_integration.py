"""IntegrationService: force is the confirmation, the price is known before, and only declared endpoints are reached."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.evidence import Health
from rowcol.core.outcome import Outcome
from rowcol.core.refusal import BadInput, Misconfigured, RailRefused
from rowcol.core.wire import Silence
from rowcol.services.integration import IntegrationService
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS, FIRM, rig

HOUR = timedelta(hours=1)


async def test_without_force_the_price_is_named_instead_of_paid(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(HOUR)
        service = IntegrationService(it.plane, BUSINESS)
        answer = await it.finish(asyncio.create_task(service.refresh_plaid_balance()), HOUR)
        assert "live" not in it.bank.calls
        assert answer.label is not None
        assert "$0.10" in answer.label


async def test_force_pays_once_and_a_second_force_joins_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        service = IntegrationService(it.plane, BUSINESS)
        assert (await service.price_of_refresh()).micros == LIVE_MICROS
        for _ in range(2):
            task = asyncio.create_task(service.refresh_plaid_balance(force=True))
            answer = await it.finish(task, HOUR)
            assert answer.value.totals[0].amount_minor == it.bank.live_minor
            it.clock.advance(timedelta(minutes=2))
        assert it.bank.calls.count("live") == 1


@pytest.mark.parametrize(("rail", "endpoint"), [("tally", "live"), ("tally", "nope"), ("no", "x")])
async def test_what_is_not_declared_is_not_called(tmp_path: Path, rail: str, endpoint: str) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.bank.calls.clear()
        with pytest.raises(BadInput):
            await IntegrationService(it.plane, BUSINESS).call_api(rail, endpoint)
        assert it.bank.calls == []


async def test_what_the_rail_refuses_is_booked_as_what_it_was(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        service = IntegrationService(it.plane, BUSINESS)
        assert await service.call_api("tally", "status") == {
            "health": "OK",
            "seen_until": it.bank.seen_until.isoformat(),
        }
        for failure in (Outcome.NEEDS_PERSON, Outcome.RATE_LIMITED, Silence.TIMEOUT):
            it.bank.fails["status"] = failure
            with pytest.raises(RailRefused, match=str(failure.value)):
                await service.call_api("tally", "status")
            (call, *_) = await it.plane.store.list_calls(FIRM)
            expected = Outcome.NO_ANSWER if isinstance(failure, Silence) else failure
            assert (call.outcome, call.detail) == (expected, failure.value)
        (login,) = await it.plane.store.list_connections(FIRM)
        assert login.state.health is Health.OK, "a call of a person's own moves no state"


async def test_connecting_without_keys_says_which_are_missing(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        with pytest.raises(Misconfigured) as refused:
            await IntegrationService(it.plane, BUSINESS).connect("plaid", "public-sandbox-fake")
        assert "ROWCOL_PLAID" in refused.value.what_to_do
