"""Asking: woken by a commit or a poll, never past the deadline and its grace, and every bell is given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.change import Action
from rowcol.core.ids import BusinessId
from rowcol.core.need import GRACE, Purpose, Question, question_of
from rowcol.core.refusal import NotFound
from rowcol.engine.books import BooksAnswer
from rowcol.services.asking import POLL_MAX, answered
from tests.company_rig import CompanyRig, company_rig
from tests.rig import BUSINESS, FIRM
from tests.waiting import until_stuck


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    """Read whole, an hour ago."""
    async with company_rig(tmp_path) as made:
        await made.settle()
        made.clock.advance(timedelta(minutes=30))
        made.company.calls.clear()
        yield made


def question(it: CompanyRig, purpose: Purpose = Purpose.RITUAL) -> Question:
    return question_of(purpose, it.clock.now())


def ask(it: CompanyRig, asked: Question) -> asyncio.Task[BooksAnswer[None]]:
    plane = it.plane
    return asyncio.create_task(answered(plane, plane.bookkeeper, FIRM, BUSINESS, asked))


async def test_an_answer_at_once_waits_for_nothing(it: CompanyRig) -> None:
    found = await answered(
        it.plane, it.plane.bookkeeper, FIRM, BUSINESS, question(it, Purpose.DISPLAY)
    )
    assert found.action is Action.SERVE
    assert it.company.calls == []


async def test_a_business_of_nobody_is_not_found(it: CompanyRig) -> None:
    with pytest.raises(NotFound):
        await answered(it.plane, it.plane.bookkeeper, FIRM, BusinessId("none"), question(it))


async def test_a_commit_of_this_process_wakes_it(it: CompanyRig) -> None:
    """Time stands still: no poll could."""
    asked = ask(it, question(it))
    await until_stuck(it.clock, asked)
    assert not asked.done()
    await it.settle()
    await until_stuck(it.clock, asked)
    assert asked.done()
    assert asked.result().as_of == it.clock.now()


async def test_another_process_s_commit_is_found_by_a_poll(it: CompanyRig) -> None:
    asked = ask(it, question(it))
    await until_stuck(it.clock, asked)
    it.plane.runner._reconciler._doorbell = Deaf()  # type: ignore[assignment]
    await it.settle()
    await until_stuck(it.clock, asked)
    assert not asked.done()
    for _ in range(3):
        it.clock.advance(POLL_MAX)
        await until_stuck(it.clock, asked)
    assert asked.done()


async def test_nobody_working_on_it_ends_at_the_deadline_and_its_grace(it: CompanyRig) -> None:
    wanted = question(it, Purpose.FORCED)
    asked = ask(it, wanted)
    await until_stuck(it.clock, asked)
    while it.clock.now() + timedelta(minutes=1) < wanted.deadline + GRACE:
        it.clock.advance(timedelta(minutes=1))
        await until_stuck(it.clock, asked)
    assert not asked.done()
    for _ in range(2):
        it.clock.advance(timedelta(minutes=1))
        await until_stuck(it.clock, asked)
    assert asked.done()
    found = asked.result()
    assert found.action is Action.HOLD
    assert "rowcol serve" in (found.label or "")
    assert it.company.calls == []


class Deaf:
    """A doorbell in another process."""

    def ring(self, topic: str) -> None:
        return
