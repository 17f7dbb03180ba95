"""The month's pool at 99 %: the machine stops, a person is still answered, nothing is blocked; without the governor it is."""

from __future__ import annotations

from datetime import timedelta

from rowcol.core.budget import month_of
from rowcol.core.change import Action, Intent, Settlement
from rowcol.core.ids import CallId
from rowcol.core.money import FREE
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.pool import Stage, pace_of
from rowcol.simulation.chance import stream
from rowcol.simulation.ledger.clerk import Clerk
from rowcol.simulation.rig import Rig, open_rig
from rowcol.simulation.wiring import BOOKS_APP, FIRM, Setup

LIMIT = 500_000
KEY = f"qbo/{BOOKS_APP}"


async def used(rig: Rig) -> int:
    """Of the month's pool, by our count."""
    pool = await rig.plane.store.read_pool(KEY, month_of(rig.clock.now()))
    return 0 if pool is None else pool.used


async def use_up_to(rig: Rig, count: int) -> None:
    """Other firms of the same app have used so much, by our count and the rail's."""
    store, now = rig.plane.store, rig.clock.now()
    units = count - await used(rig)
    intent = Intent(
        id=CallId(rig.plane.rng.new_id("call")),
        firm=FIRM,
        connection=None,
        business=None,
        rail="qbo",
        app=BOOKS_APP,
        environment="emulated",
        endpoint="query",
        trigger=Trigger.PERSON,
        purpose=None,
        reason="everybody else",
        price=FREE,
        quotas=(),
        budget_key=None,
        budget_limit=FREE,
        opened_at=now,
        units=units,
        pool_limit=10 * LIMIT,
    )
    assert await store.open_call(FIRM, intent) is None
    done = Settlement(intent.id, Outcome.OK, "", Billed.YES, 200, now)
    await store.settle(FIRM, done)
    rig.books.meter.by_month[month_of(now)] += units


async def test_at_99_percent_people_are_answered_and_nothing_is_blocked() -> None:
    async with open_rig(Setup(pool_limit=LIMIT)) as rig:
        rig.books.meter.limit_per_month = LIMIT
        companies = [rig.books.add_company(f"C{n}") for n in range(3)]
        businesses = []
        for n, company in enumerate(companies):
            Clerk(company.books, stream(n, "clerk")).open_the_books()
            businesses.append(await rig.add_business(company.name))
            await rig.connect_books(businesses[n], company)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=1))
        await use_up_to(rig, LIMIT * 99 // 100)
        before = len(rig.books.meter.requests)
        await rig.advance_to(rig.clock.now() + timedelta(days=9))  # sweeps fall due
        assert len(rig.books.meter.requests) == before, "the machine stopped"
        ritual = await rig.ask_books(businesses[0], Purpose.RITUAL)
        assert ritual.answer is not None
        assert ritual.answer.action is Action.SERVE
        assert "kept for people" in str(ritual.answer.label)
        person = await rig.ask_books(businesses[0], Purpose.GUARDRAIL)
        assert person.answer is not None
        assert (person.answer.action, person.answer.label) == (Action.SERVE, None)
        await use_up_to(rig, LIMIT * 998 // 1000 - 3)
        asked = person
        for _ in range(5):
            await rig.advance_to(rig.clock.now() + timedelta(minutes=11))
            asked = await rig.ask_books(businesses[1], Purpose.GUARDRAIL)
            await rig.advance_to(rig.clock.now() + timedelta(minutes=1))
        assert asked.answer is not None
        assert asked.answer.action is Action.HOLD, "the last of it is never spent"
        assert "until the month ends" in asked.answer.reason
        shown = await rig.ask_books(businesses[1], Purpose.DISPLAY)
        assert shown.answer is not None
        assert shown.answer.action is Action.SERVE
        pool = await rig.plane.store.read_pool(KEY, month_of(rig.clock.now()))
        assert pool is not None
        assert pace_of(pool, rig.clock.now()).stage is Stage.STOPPED
        assert {r.status for r in rig.books.meter.requests} == {200}, "the rail never refused"
        assert rig.books.meter.month(rig.clock.now()) < LIMIT
        assert pool.spent == rig.books.meter.month(rig.clock.now())


async def test_without_the_governor_it_is_blocked() -> None:
    async with open_rig(Setup(pool_limit=10 * LIMIT)) as rig:
        rig.books.meter.limit_per_month = LIMIT
        company = rig.books.add_company("C")
        Clerk(company.books, stream(0, "clerk")).open_the_books()
        business = await rig.add_business("C")
        await rig.connect_books(business, company)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=1))
        await use_up_to(rig, LIMIT - 2)
        for _ in range(5):
            await rig.advance_to(rig.clock.now() + timedelta(minutes=11))
            await rig.ask_books(business, Purpose.GUARDRAIL)
        assert 429 in {r.status for r in rig.books.meter.requests}
        assert rig.books.meter.is_blocked(rig.clock.now())


async def test_the_pool_ends_in_the_middle_of_a_first_reading() -> None:
    """It stops between two pages, says so, and goes on where it was when the month is over."""
    async with open_rig(Setup(pool_limit=40)) as rig:
        company = rig.books.add_company("C")
        Clerk(company.books, stream(0, "clerk")).open_the_books()
        first, second = await rig.add_business("A"), await rig.add_business("B")
        await rig.connect_books(first, company)
        other = rig.books.add_company("D")
        login = await rig.connect_books(second, other)
        held = await rig.ask_books(second, Purpose.RITUAL)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=10))
        assert held.answer is not None
        assert held.answer.action is Action.HOLD
        assert "never read" in held.answer.reason
        await rig.advance_to(rig.clock.now() + timedelta(days=32))
        view = await rig.plane.store.read_view(FIRM, login.id)
        assert view is not None
        assert view.coverages, "read whole in the new month"
