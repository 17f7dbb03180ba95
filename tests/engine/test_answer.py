"""Answers: the worst part speaks for the whole, nobody's answer is another firm's, and nothing waits for ever."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from rowcol.core.change import Action
from rowcol.core.connection import Connection
from rowcol.core.ids import ConnectionId, FirmId, RemoteId
from rowcol.core.need import Purpose, question_of
from rowcol.core.sameness import AccountVerdict
from rowcol.engine.answer import Answer
from rowcol.engine.resolve import Open
from tests.fakes import ACCOUNT, LIVE_MICROS
from tests.rig import BUSINESS, CONNECTION, FIRM, Rig, rig


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


async def test_a_login_served_early_is_judged_again_with_the_last_one(tmp_path: Path) -> None:
    """Two logins: the first is fresh when asked, and too old by the time the second is answered."""
    async with rig(tmp_path) as it:
        it.bank.seen_until = it.clock.now() - timedelta(minutes=50)
        await it.settle()
        second = replace(await _login(it), id=ConnectionId("con-2"), remote_id=RemoteId("item-2"))
        await it.plane.store.add_connection(FIRM, second, it.plane.vault.seal("token"))
        await _are_two(it)
        question = question_of(Purpose.GUARDRAIL, it.clock.now())
        asked = await it.plane.answerer.ask(FIRM, BUSINESS, question)
        assert isinstance(asked, Open)
        assert len(asked.needs) == 1
        it.clock.advance(timedelta(minutes=30))
        await it.settle()
        again = await it.plane.answerer.collect(FIRM, BUSINESS, asked)
        assert isinstance(again, Open)
        assert {c.id for c in again.needs.values()} == {CONNECTION}
        await it.settle()
        answer = await it.plane.answerer.collect(FIRM, BUSINESS, again)
        assert isinstance(answer, Answer)
        assert answer.as_of is not None
        assert it.clock.now() - answer.as_of <= question.window
        assert answer.cost.micros == LIVE_MICROS * it.bank.calls.count("live")


async def _login(it: Rig) -> Connection:
    (login,) = await it.plane.store.list_connections(FIRM, BUSINESS)
    return login


async def _are_two(it: Rig) -> None:
    """The fake bank shows both logins an account of one number: a person says that they are two."""
    refs = ((CONNECTION, str(ACCOUNT)), (ConnectionId("con-2"), str(ACCOUNT)))
    said = AccountVerdict(*refs, is_same=False, decided_by="Dana", decided_at=it.clock.now())
    await it.plane.store.record_verdict(FIRM, BUSINESS, said)
