"""CacheService: display reads come from memory for a second, decisions never do."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rowcol.core.change import Action
from rowcol.core.need import GRACE, Purpose
from rowcol.core.refusal import BadInput, NotFound
from rowcol.core.wire import Silence
from rowcol.engine.books import BooksAnswer
from rowcol.services.cache import CacheService
from tests.company_rig import company_rig
from tests.rig import BUSINESS, FIRM, rig
from tests.waiting import pass_time, until_stuck


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
        await pass_time(it.clock, asked, at_most=5 * GRACE, step=GRACE / 8)
        assert asked.result().action is Action.HOLD


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


BOOKS: dict[str, Callable[..., Coroutine[Any, Any, BooksAnswer[Any]]]] = {
    "one bill": lambda s, **how: s.get_bill("b1", **how),
    "some bills": lambda s, **how: s.batch_get_bills(["b1"], **how),
    "bills": lambda s, **how: s.list_bills(None, **how),
    "vendors": CacheService.list_vendors,
    "bank accounts": CacheService.list_bank_accounts,
}
read_of_the_books = pytest.mark.parametrize("read", BOOKS.values(), ids=BOOKS)


@read_of_the_books
async def test_a_read_of_the_books_is_answered_at_its_deadline(
    tmp_path: Path, read: Callable[..., Coroutine[Any, Any, BooksAnswer[Any]]]
) -> None:
    async with company_rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(minutes=1))
        cache, by = CacheService(it.plane, BUSINESS), it.clock.now() + timedelta(minutes=5)
        asked = asyncio.create_task(read(cache, purpose=Purpose.VERIFY, deadline=by))
        await pass_time(it.clock, asked, at_most=timedelta(minutes=6), settle=it.settle)
        answer = asked.result()
        assert (answer.action, answer.label) == (Action.SERVE, None)
        assert answer.question.deadline == by <= answer.answered_at
        with pytest.raises(BadInput, match="deadline is more than 31 days ahead"):
            await read(cache, deadline=by + timedelta(days=32))


@read_of_the_books
@pytest.mark.parametrize("purpose", [Purpose.GUARDRAIL, Purpose.RITUAL])
async def test_books_that_cannot_be_read_by_the_deadline_are_told_as_they_are_known(
    tmp_path: Path, read: Callable[..., Coroutine[Any, Any, BooksAnswer[Any]]], purpose: Purpose
) -> None:
    """Without one a rail that fails would be asked again for hours."""
    async with company_rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(days=2))
        it.company.fails["changes"] = Silence.TIMEOUT
        cache, by = CacheService(it.plane, BUSINESS), it.clock.now() + timedelta(minutes=6)
        asked = asyncio.create_task(read(cache, purpose=purpose, deadline=by))
        await pass_time(it.clock, asked, at_most=timedelta(minutes=7), settle=it.settle)
        answer = asked.result()
        is_held = purpose is Purpose.GUARDRAIL
        assert answer.action is (Action.HOLD if is_held else Action.SERVE)
        assert answer.label == answer.reason
        assert answer.reason.startswith("held: the books are" if is_held else "unverified since")


@read_of_the_books
async def test_a_deadline_ends_the_wait_for_a_worker(
    tmp_path: Path, read: Callable[..., Coroutine[Any, Any, BooksAnswer[Any]]]
) -> None:
    async with company_rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(minutes=1))
        cache, by = CacheService(it.plane, BUSINESS), it.clock.now() + timedelta(minutes=5)
        asked = asyncio.create_task(read(cache, purpose=Purpose.VERIFY, deadline=by))
        await pass_time(it.clock, asked, at_most=timedelta(minutes=5) + 2 * GRACE)
        assert asked.result().action is Action.HOLD
        assert "no worker answered in time" in asked.result().reason


@read_of_the_books
async def test_every_read_of_the_books_can_be_forced(
    tmp_path: Path, read: Callable[..., Coroutine[Any, Any, BooksAnswer[Any]]]
) -> None:
    async with company_rig(tmp_path) as it:
        await it.settle()
        it.company.calls.clear()
        cache = CacheService(it.plane, BUSINESS)
        await read(cache)
        assert it.company.calls == []
        it.clock.advance(timedelta(minutes=1))
        asked = asyncio.create_task(read(cache, force=True))
        await until_stuck(it.clock, asked, settle=it.settle)
        answer = asked.result()
        assert it.company.calls == ["changes"]
        assert (answer.question.purpose, answer.as_of) == (Purpose.FORCED, it.clock.now())
