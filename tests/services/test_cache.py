"""CacheService: display reads come from memory for a second, decisions never do."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.change import Action
from rowcol.core.need import GRACE, Purpose
from rowcol.core.refusal import NotFound
from rowcol.services.cache import CacheService
from tests.company_rig import company_rig
from tests.rig import BUSINESS, FIRM, rig


async def test_a_display_read_is_remembered_for_a_second(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        cache = CacheService(it.plane, BUSINESS)
        first = await cache.get_balance()
        assert await cache.get_balance() is first
        it.clock.advance(timedelta(seconds=2))
        assert await cache.get_balance() is not first


async def test_repeats_are_logged_with_their_number(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        cache = CacheService(it.plane, BUSINESS)
        for _ in range(4):
            await cache.get_balance()
        await it.plane.decisions.flush()
        times = [str(d.inputs.get("times", 1)) for d in await it.plane.store.list_decisions(FIRM)]
        assert sorted(times) == ["1", "3"]


async def test_a_decision_never_comes_from_memory(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.bank.seen_until = it.clock.now()
        await it.settle()
        cache = CacheService(it.plane, BUSINESS)
        shown = await cache.get_balance()
        decided = await cache.get_balance(Purpose.GUARDRAIL)
        assert decided is not shown
        assert decided.question.purpose is Purpose.GUARDRAIL


async def test_an_unknown_business_is_not_found(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        with pytest.raises(NotFound, match="no-such"):
            await CacheService(it.plane, "no-such").get_balance()


async def test_without_a_worker_the_wait_ends_in_a_hold(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(hours=1))
        read = CacheService(it.plane, BUSINESS).get_balance(
            Purpose.RITUAL, deadline=it.clock.now() + timedelta(minutes=1)
        )
        asked = asyncio.create_task(read)
        for _ in range(40):
            await asyncio.sleep(0.005)  # noqa: TID251 - the store's threads answer in real time
            it.clock.advance(GRACE / 8)
            if asked.done():
                break
        answer = await asyncio.wait_for(asked, 2)
        assert answer.action is Action.HOLD


async def test_a_deleted_bill_is_told_as_such_with_nothing_open(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        await it.settle()
        cache = CacheService(it.plane, BUSINESS)
        before = (await cache.get_bill("b1")).value
        assert before is not None
        assert (before.balance.amount_minor, before.is_deleted) == (100, False)
        del it.company.bills["b1"]
        it.company.change("b2", 5)
        it.company.cap = 1  # saturated: the whole is listed anew, and b1 is missing
        await it.advance(days=8)
        after = (await cache.get_bill("b1")).value
        assert after is not None
        assert (after.balance.amount_minor, after.is_deleted) == (0, True)
        assert (await cache.batch_get_bills(["b1"])).value == {"b1": after}


async def test_spaces_around_an_id_are_nobodys(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        await it.settle()
        cache = CacheService(it.plane, BUSINESS)
        plain = await cache.get_bill("b1")
        assert plain.value is not None
        assert (await cache.get_bill(" b1\n")).value == plain.value
        assert (await cache.batch_get_bills([" b1 "])).value == {"b1": plain.value}
