"""Work: what a refusal leaves behind, and what of an answer the next commit carries."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.change import Change, Refused
from rowcol.core.need import TRIGGERS, Purpose, Trigger, question_of
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.plan import Fetch
from rowcol.core.rail import Look
from rowcol.engine.gateway import Cause, Sent
from rowcol.engine.work import REFUSED_RETRY, Work
from tests.company_rig import CompanyRig, company_rig
from tests.core.builders import need
from tests.rig import FIRM

POLICY_NAME = "evidence"


async def work_of(it: CompanyRig) -> Work:
    lease = await it.plane.store.claim_one(FIRM, it.connection, "test", it.clock.now(), 60)
    assert lease is not None
    policy = await it.plane.preferences.policy(FIRM)
    view = await it.view()
    rail = it.plane.rails[view.connection.rail]
    return Work(lease, view, rail, 0, policy, Change(lease), is_resumed=False)


def step_of(look: Look, purpose: Purpose | None) -> Fetch:
    if purpose is None:
        return Fetch(look, Trigger.SWEEP, "a test", None, None, is_paid=False)
    asking = need(purpose)
    return Fetch(look, TRIGGERS[purpose], "a test", purpose, asking, is_paid=False)


async def sent(it: CompanyRig, look: Look) -> Sent:
    view = await it.view()
    cause = Cause(Trigger.PERSON, "a test")
    got = await it.plane.gateway.fetch(FIRM, view.connection, look, cause, view.token)
    assert isinstance(got, Sent), got
    return got


@pytest.mark.parametrize("purpose", [None, Purpose.RITUAL, Purpose.VERIFY])
async def test_a_refusal_of_the_machine_delays_no_person(
    tmp_path: Path, purpose: Purpose | None
) -> None:
    """A pool that stops the machine has calls left for people."""
    async with company_rig(tmp_path) as it:
        work, now = await work_of(it), it.clock.now()
        until = now + timedelta(days=9)
        work.refuse(step_of(Look("list", {"page": ""}), purpose), "kept for people", until, now)
        assert work.state.retry_at is None
        assert work.picture.is_parked
        assert work.picture.paid_refusal == "kept for people"


async def test_a_refused_person_is_not_asked_for_again_at_once(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        work, now = await work_of(it), it.clock.now()
        work.refuse(step_of(Look("list"), Purpose.DISPLAY), "the month is used up", None, now)
        assert work.rest_until == now + REFUSED_RETRY
        assert work.state.retry_at is None, "whoever asks next is judged anew"
        assert work.change.state is None, "a refusal of ours is no fact of the rail"


async def test_a_refused_sweep_rests_until_the_pool_opens(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        work, now = await work_of(it), it.clock.now()
        work.refuse(step_of(Look("list"), None), "saving", now + timedelta(days=1), now)
        assert work.rest_until == now + timedelta(days=1)
        work.refuse(step_of(Look("list"), None), "no key", None, now)
        assert work.rest_until == now + REFUSED_RETRY


async def test_a_page_is_staged_and_the_last_one_published(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        it.company.page = 3
        work, pages = await work_of(it), []
        while not work.state.cursor:
            look = Look("list", {"page": work.state.page}, is_full=True)
            outcome = work.fold(step_of(look, None), await sent(it, look), it.clock.now())
            assert outcome is Outcome.OK
            pages.append((len(work.change.staged), work.change.publishes, work.replaces))
        began = it.clock.now().isoformat()
        assert pages == [(3, None, ()), (5, began, ("Bill",))]
        assert [c.complete_as_of for c in work.change.coverages] == [it.clock.now()]
        assert work.view.coverages == work.change.coverages
        assert [s.billed for s in work.change.settlements] == [Billed.YES, Billed.YES]


async def test_a_metered_call_without_an_answer_is_counted(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        work, look = await work_of(it), Look("list", {"page": ""}, is_full=True)
        for failure, billed in (
            (Outcome.RATE_LIMITED, Billed.NO),
            (Outcome.TRY_AGAIN, Billed.NO),
        ):
            it.company.fails["list"] = failure
            assert work.fold(step_of(look, None), await sent(it, look), it.clock.now()) is failure
            assert work.change.settlements[-1].billed is billed
        assert work.state.failures == 2
        assert work.state.retry_at is not None
        assert work.change.coverages == ()


async def test_the_quota_s_not_yet_is_kept_as_a_retry(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        work, until = await work_of(it), it.clock.now() + timedelta(seconds=9)
        step = step_of(Look("list"), None)
        work.put_off(step, until)
        assert (work.state.retry_at, work.paid_not_before) == (until, None)
        work.put_off(replace(step, is_paid=True), until)
        assert work.picture.paid_not_before == until


def test_a_refusal_has_a_reason() -> None:
    assert Refused("x").until is None
    assert question_of(Purpose.DISPLAY, need().check_at).purpose is Purpose.DISPLAY
