"""Throttles: a company's minute is told from the month, and the month closes the pool for everybody until it is probed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.budget import month_of
from rowcol.core.change import Action, NotBefore, Refused
from rowcol.core.connection import Connection
from rowcol.core.ids import RemoteId
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Outcome
from rowcol.core.pool import BLOCKED_FOR, Pool
from rowcol.core.rail import Look
from rowcol.core.wire import Silence
from rowcol.engine import throttles
from rowcol.engine.gateway import Cause, Sent
from rowcol.sandbox.qbo.faults import Fault
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wiring import FIRM as DEMO
from tests.company_rig import CompanyRig, company_rig, company_row
from tests.fake_company import APP, TOKEN_LASTS, token_of
from tests.rig import FIRM

NAMES = ("con-b", "con-c", "con-d")
LOOK = Look("company")
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    """Three companies of one app, all read."""
    async with company_rig(tmp_path) as made:
        for name in NAMES[1:]:
            sealed = made.plane.vault.seal(token_of(1, made.clock.now() + TOKEN_LASTS))
            row = company_row(name, remote_id=RemoteId(name))
            await made.plane.store.add_connection(FIRM, row, sealed)
        await made.settle()
        made.clock.advance(5 * MINUTE)
        made.company.calls.clear()
        yield made


async def row(it: CompanyRig, name: str) -> Connection:
    rows = await it.plane.store.list_connections(FIRM)
    return next(r for r in rows if r.id == name)


async def fetch(it: CompanyRig, name: str) -> Sent | NotBefore | Refused:
    sealed = it.plane.vault.seal(token_of(1, it.clock.now() + TOKEN_LASTS))
    cause = Cause(Trigger.PERSON, "a test")
    return await it.plane.gateway.fetch(FIRM, await row(it, name), LOOK, cause, sealed)


async def called(it: CompanyRig, name: str, outcome: Outcome) -> str:
    """A call that ends so; what a refusal means."""
    sent = await fetch(it, name)
    assert isinstance(sent, Sent), sent
    meaning = ""
    if outcome is Outcome.RATE_LIMITED:
        meaning = await throttles.meaning_of(it.plane.store, it.clock, sent.intent)
    await it.plane.gateway.settle(sent, outcome)
    return meaning


async def pool(it: CompanyRig) -> Pool:
    found = await it.plane.store.read_pool(f"{APP.rail}/{APP.id}", month_of(it.clock.now()))
    assert found is not None
    return found


async def month_ends(it: CompanyRig) -> None:
    for name in NAMES:
        await called(it, name, Outcome.RATE_LIMITED)
        it.clock.advance(timedelta(seconds=50))
    await called(it, NAMES[0], Outcome.RATE_LIMITED)


async def test_one_company_s_refusals_mean_others_use_it(it: CompanyRig) -> None:
    for n in range(5):
        meaning = await called(it, NAMES[0], Outcome.RATE_LIMITED)
        assert "others use this company's limit" in meaning
        assert meaning.startswith(f"{min(n + 1, 3)} calls of ours")
        it.clock.advance(timedelta(seconds=30))
    assert (await pool(it)).blocked_until is None
    assert isinstance(await fetch(it, NAMES[1]), Sent)


async def test_a_second_is_told_from_a_minute_by_our_own_counts(it: CompanyRig) -> None:
    """Three of ours at once, and then one alone, a while later in the same minute."""
    for _ in range(2):
        await called(it, NAMES[0], Outcome.OK)
    meaning = await called(it, NAMES[0], Outcome.RATE_LIMITED)
    assert "limit a second" in meaning
    it.clock.advance(timedelta(seconds=10))
    meaning = await called(it, NAMES[0], Outcome.RATE_LIMITED)
    assert meaning.startswith("4 calls of ours in that minute, 1 of them")
    assert "limit a minute" in meaning


async def test_every_company_refused_closes_the_pool(it: CompanyRig) -> None:
    """Its reason counts the refused call too, which was on its way when it was written."""
    await month_ends(it)
    blocked = await pool(it)
    assert blocked.blocked_until == it.clock.now() + BLOCKED_FOR
    assert "it counts more than we do" in blocked.blocked_reason
    assert f"{blocked.used + 1} of 1,000" in blocked.blocked_reason
    sent = len(it.company.calls)
    for name in NAMES:
        assert await fetch(it, name) == Refused(blocked.blocked_reason, blocked.blocked_until)
    it.clock.advance(BLOCKED_FOR - MINUTE)
    assert isinstance(await fetch(it, NAMES[2]), Refused)
    assert len(it.company.calls) == sent


async def test_one_probe_finds_out_whether_it_goes_on(it: CompanyRig) -> None:
    await month_ends(it)
    it.clock.advance(BLOCKED_FOR)
    assert "month's pool" in await called(it, NAMES[1], Outcome.RATE_LIMITED)
    assert isinstance(await fetch(it, NAMES[0]), Refused)
    it.clock.advance(BLOCKED_FOR)
    await called(it, NAMES[1], Outcome.OK)
    it.clock.advance(10 * MINUTE)
    meaning = await called(it, NAMES[2], Outcome.RATE_LIMITED)
    assert "this company's limit" in meaning, "ten minutes after an answered probe"
    assert isinstance(await fetch(it, NAMES[0]), Sent)


async def test_a_block_ends_with_the_month(it: CompanyRig) -> None:
    it.clock.advance(timedelta(days=28, hours=11, minutes=30))
    await month_ends(it)
    until = (await pool(it)).blocked_until
    assert until is not None
    assert (until.month, until.day, until.hour) == (12, 1, 0)
    it.clock.advance(until - it.clock.now())
    assert isinstance(await fetch(it, NAMES[0]), Sent)


async def test_a_success_between_keeps_it_open(it: CompanyRig) -> None:
    for name in NAMES:
        await called(it, name, Outcome.RATE_LIMITED)
        it.clock.advance(timedelta(seconds=50))
    await called(it, NAMES[1], Outcome.OK)
    await called(it, NAMES[0], Outcome.RATE_LIMITED)
    assert (await pool(it)).blocked_until is None


async def test_a_timeout_between_is_no_success(it: CompanyRig) -> None:
    for name in NAMES:
        await called(it, name, Outcome.RATE_LIMITED)
        it.clock.advance(timedelta(seconds=50))
    await called(it, NAMES[1], Outcome.NO_ANSWER)
    await called(it, NAMES[0], Outcome.RATE_LIMITED)
    assert (await pool(it)).blocked_until is not None


async def test_a_run_writes_the_meaning_into_the_log(it: CompanyRig) -> None:
    it.company.fails["changes"] = Outcome.RATE_LIMITED
    it.clock.advance(timedelta(days=8))
    await it.settle()
    calls = [c for c in await it.plane.store.list_calls(FIRM) if c.endpoint == "changes"]
    assert len(calls) == 3, "one a company"
    assert all("others use this company's limit" in c.detail for c in calls)
    assert all(c.units == 0 for c in calls)
    for _ in range(3):
        it.clock.advance(MINUTE)
        await it.settle()
    assert (await pool(it)).blocked_until is not None
    refused = await fetch(it, NAMES[0])
    assert isinstance(refused, Refused)
    assert "refuses every company" in refused.reason


async def test_silence_is_told_apart_from_a_refusal(it: CompanyRig) -> None:
    it.company.fails["changes"] = Silence.TIMEOUT
    it.clock.advance(timedelta(days=8))
    before = (await pool(it)).spent
    await it.settle()
    now = await pool(it)
    assert now.blocked_until is None
    assert now.spent == before + 3, "possibly done counts as used"


@pytest.mark.parametrize("fault", [Fault.THROTTLE_JSON, Fault.THROTTLE_XML])
async def test_a_throttle_that_goes_on_keeps_no_person_waiting(fault: Fault) -> None:
    """A minute is waited for, as Intuit advises; then they hear what is known, of when, and why not later."""
    async with open_rig() as rig:
        company = rig.books.add_company("Harbor")
        business = await rig.add_business("Harbor")
        await rig.connect_books(business, company)
        await rig.advance_to(rig.clock.now() + timedelta(hours=1))
        rig.books.faults.next(fault, 100)
        asked = await rig.ask_books(business, Purpose.FORCED, is_confirmed=True)
        await rig.advance_to(rig.clock.now() + timedelta(seconds=59))
        assert asked.answer is None
        await rig.advance_to(rig.clock.now() + timedelta(seconds=3))
        assert asked.answer is not None
        assert asked.answer.action is Action.SERVE
        assert (asked.answer.label or "").startswith("unverified since 08:55 UTC")
        assert asked.answer.as_of is not None
        tries = [c for c in await rig.plane.store.list_calls(DEMO) if c.endpoint == "cdc"]
        assert [c.outcome for c in tries] == [Outcome.RATE_LIMITED] * 2
