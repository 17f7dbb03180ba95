"""Books: one look answers every question of a company; what cannot be looked at waits, is labelled or held, and never loops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rowcol.core.budget import month_of
from rowcol.core.change import Action, Intent, Settlement
from rowcol.core.delivery import Incoming
from rowcol.core.ids import CallId, DeliveryId
from rowcol.core.money import FREE
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.engine.books import BooksAnswer
from rowcol.engine.reconcile import CALLS_MAX
from rowcol.services.cache import CacheService
from tests.company_rig import CompanyRig, company_rig
from tests.fake_books import COMPANY, LEDGER
from tests.fake_company import APP
from tests.rig import BUSINESS, FIRM
from tests.waiting import pass_time, until_stuck

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY = f"{APP.rail}/{APP.id}"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    """Read whole."""
    async with company_rig(tmp_path) as made:
        made.company.known.add("r1")
        await made.settle()
        made.company.calls.clear()
        yield made


def metered(it: CompanyRig) -> list[str]:
    return [name for name in it.company.calls if name != "refresh"]


async def finish(
    it: CompanyRig, asked: asyncio.Task[BooksAnswer[Any]], until: timedelta = timedelta(0)
) -> BooksAnswer[Any]:
    """The answer, moving on in steps of a minute."""
    await pass_time(it.clock, asked, at_most=until, settle=it.settle)
    return asked.result()


def ask(
    it: CompanyRig, purpose: Purpose = Purpose.GUARDRAIL, *, force: bool = False
) -> asyncio.Task[BooksAnswer[Any]]:
    service = CacheService(it.plane, BUSINESS)
    return asyncio.create_task(service.batch_get_bills(["b1"], purpose, force=force))


async def read(
    it: CompanyRig, purpose: Purpose = Purpose.GUARDRAIL, *, force: bool = False
) -> BooksAnswer[Any]:
    return await finish(it, ask(it, purpose, force=force))


async def deliver(it: CompanyRig, number: int = 0) -> None:
    now = it.clock.now()
    body = f"BILL:{COMPANY}#{number}".encode()
    hint = Incoming(
        DeliveryId(f"dlv-{number}"),
        LEDGER,
        APP.id,
        (COMPANY,),
        "BILL",
        f"k{number}",
        now,
        now,
        body,
    )
    await it.plane.store.receive([hint])
    await it.settle()


async def test_a_new_company_is_listed_by_itself_page_by_page(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        it.company.bills = {f"b{n:03}": n for n in range(2 * 2 * CALLS_MAX + 1)}
        began = it.clock.now()
        for run in range(1, 4):
            await it.settle()
            assert it.company.calls == ["list"] * min(CALLS_MAX * run, 2 * CALLS_MAX + 1)
            it.clock.advance(timedelta(milliseconds=1))
        assert [c.complete_as_of for c in (await it.view()).coverages] == [began]
        rows = await it.plane.store.list_rows(FIRM, it.connection, "Bill")
        assert len(rows) == len(it.company.bills)
        calls = await it.plane.store.list_calls(FIRM)
        assert {c.trigger for c in calls} == {Trigger.REPAIR}


async def test_one_look_answers_everybody(it: CompanyRig) -> None:
    it.clock.advance(HOUR)
    it.company.change("b1", 7)
    asked = [ask(it) for _ in range(12)]
    await until_stuck(it.clock, *asked, settle=it.settle)
    answers = [each.result() for each in asked]
    assert metered(it) == ["changes"]
    assert {a.value["b1"].balance.amount_minor for a in answers} == {7}
    assert {(a.action, a.label, a.as_of) for a in answers} == {(Action.SERVE, None, it.clock.now())}


async def test_two_seconds_and_a_day(it: CompanyRig) -> None:
    it.clock.advance(MINUTE)
    await deliver(it)
    await read(it)
    it.company.calls.clear()
    it.clock.advance(timedelta(seconds=2))
    for purpose in (Purpose.GUARDRAIL, Purpose.RITUAL, Purpose.DISPLAY):
        assert (await read(it, purpose)).action is Action.SERVE
    assert metered(it) == []
    it.clock.advance(timedelta(seconds=1))
    await read(it, Purpose.DISPLAY)
    assert metered(it) == []
    await read(it, Purpose.RITUAL)
    assert metered(it) == ["changes"]


async def test_deliveries_alone_cause_no_call(it: CompanyRig) -> None:
    for number in range(30):
        it.clock.advance(20 * MINUTE)
        await deliver(it, number)
    assert it.company.calls == []
    state = (await it.view()).connection.state
    assert state.dirty
    assert state.delivered_at == it.clock.now()


async def test_a_hint_within_ten_minutes_is_looked_at_by_a_decision_only(it: CompanyRig) -> None:
    await deliver(it)
    it.clock.advance(MINUTE)
    assert (await read(it, Purpose.DISPLAY)).label is None
    assert metered(it) == []
    await read(it, Purpose.GUARDRAIL)
    assert metered(it) == ["changes"]
    await read(it, Purpose.GUARDRAIL)
    assert metered(it) == ["changes"]


async def test_the_sweep_comes_after_a_week_with_or_without_deliveries(it: CompanyRig) -> None:
    for _ in range(5 * 24):
        it.clock.advance(HOUR)
        await it.settle()
    assert metered(it) == []
    for _ in range(2 * 24):
        it.clock.advance(HOUR)
        await it.settle()
    assert metered(it) == ["changes"]
    (call, *_) = await it.plane.store.list_calls(FIRM)
    assert call.trigger is Trigger.SWEEP


async def test_insisting_reads_even_what_is_fresh(it: CompanyRig) -> None:
    it.clock.advance(timedelta(seconds=5))
    it.company.change("b1", 3)
    answer = await read(it, force=True)
    assert metered(it) == ["changes"]
    assert answer.value["b1"].balance.amount_minor == 3


async def test_a_payment_check_takes_what_others_read(it: CompanyRig) -> None:
    it.clock.advance(HOUR)
    checking = ask(it, Purpose.VERIFY)
    await until_stuck(it.clock, checking)
    await it.settle()
    assert not checking.done()
    it.clock.advance(HOUR)
    deciding = ask(it, Purpose.GUARDRAIL)
    await until_stuck(it.clock, checking, deciding, settle=it.settle)
    assert deciding.done()
    assert (await finish(it, checking, 3 * DAY)).action is Action.SERVE
    assert metered(it) == ["changes"]


async def test_a_saturated_list_of_changes_is_read_whole(it: CompanyRig) -> None:
    it.clock.advance(HOUR)
    it.company.cap = 2
    for bill in ("b1", "b2"):
        it.company.change(bill, 11)
    del it.company.bills["b5"]
    answer = await read(it)
    assert metered(it) == [
        "changes",
        "list",
        "list",
        "rows",
    ]  # b5 is asked for before it is told as gone
    assert (answer.action, answer.as_of) == (Action.SERVE, it.clock.now())
    rows = await it.plane.store.list_rows(FIRM, it.connection, "Bill")
    assert [row.remote_id for row in rows] == ["b1", "b2", "b3", "b4"]


async def spend(it: CompanyRig, per_cent: float) -> None:
    """Calls of people until that much of the month is used."""
    pool = await it.plane.store.read_pool(KEY, month_of(it.clock.now()))
    assert pool is not None
    row, now = (await it.view()).connection, it.clock.now()
    for number in range(int(pool.limit * per_cent / 100) - pool.used):
        intent = Intent(
            CallId(f"call-{number}"), FIRM, None, None, LEDGER, APP.id, "production", "company",
            Trigger.PERSON, None, "a test", FREE, (), None, FREE, now, 1, pool.limit,
        )  # fmt: skip
        assert await it.plane.store.open_call(row.firm, intent) is None
        ended = Settlement(intent.id, Outcome.OK, "", Billed.YES, 200, now)
        await it.plane.store.settle(row.firm, ended)


async def test_a_machine_s_refusal_delays_no_person(it: CompanyRig) -> None:
    await spend(it, 90)
    it.clock.advance(HOUR)
    it.company.calls.clear()
    ritual = await read(it, Purpose.RITUAL)
    assert "kept for people" in (ritual.label or "")
    assert metered(it) == []
    it.clock.advance(MINUTE)
    person = await read(it, Purpose.GUARDRAIL)
    assert (person.action, person.label) == (Action.SERVE, None)
    assert metered(it) == ["changes"]


async def test_a_refused_sweep_delays_no_person(it: CompanyRig) -> None:
    await spend(it, 90)
    it.clock.advance(8 * DAY)
    it.company.calls.clear()
    await it.settle()
    assert metered(it) == []
    it.clock.advance(MINUTE)
    person = await read(it, Purpose.DISPLAY)
    assert (person.action, person.label) == (Action.SERVE, None)
    assert metered(it) == ["changes"]


async def test_a_closed_month_is_answered_from_the_mirror(it: CompanyRig) -> None:
    await spend(it, 99.8)
    it.clock.advance(25 * HOUR)
    it.company.calls.clear()
    shown = await read(it, Purpose.DISPLAY)
    assert shown.action is Action.SERVE
    assert "until the month ends" in (shown.label or "")
    assert shown.value["b1"].balance.amount_minor == 100
    held = await finish(it, ask(it, Purpose.GUARDRAIL), 10 * MINUTE)
    assert held.action is Action.HOLD
    assert metered(it) == []
    it.clock.advance(datetime.fromisoformat("2026-12-01T00:06:00+00:00") - it.clock.now())
    await it.settle()
    after = await read(it, Purpose.GUARDRAIL)
    assert (after.action, after.label) == (Action.SERVE, None)
