"""Answers: the worst part speaks for the whole, nobody's answer is another firm's, and nothing waits for ever."""

from pathlib import Path

from rowcol.core.change import Action
from rowcol.core.ids import FirmId
from rowcol.core.need import Purpose, question_of
from rowcol.engine.answer import Answer, Open
from tests.rig import BUSINESS, FIRM, rig


async def test_a_business_without_a_login_is_held_with_the_reason(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        question = question_of(Purpose.RITUAL, it.clock.now())
        answer = await it.plane.answerer.ask(FirmId("other"), BUSINESS, question)
        assert isinstance(answer, Answer)
        assert answer.action is Action.HOLD
        assert answer.value.totals == ()


async def test_asking_spends_nothing_and_writes_needs(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.bank.calls.clear()
        question = question_of(Purpose.RITUAL, it.clock.now())
        asked = await it.plane.answerer.ask(FIRM, BUSINESS, question)
        assert isinstance(asked, Open)
        assert it.bank.calls == []
        assert await it.plane.answerer.collect(FIRM, BUSINESS, asked) is None
        given_up = await it.plane.answerer.give_up(FIRM, BUSINESS, asked)
        assert given_up.action is Action.HOLD
        assert "worker" in given_up.reason


async def test_each_answer_leaves_its_decision(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        question = question_of(Purpose.DISPLAY, it.clock.now())
        answer = await it.plane.answerer.ask(FIRM, BUSINESS, question)
        assert isinstance(answer, Answer)
        await it.plane.decisions.flush()
        (line,) = await it.plane.store.list_decisions(FIRM)
        assert line.decision.reason == answer.reason
        assert [o.balance for o in answer.evidence] == [answer.value.parts[0].observation.balance]  # type: ignore[union-attr]
