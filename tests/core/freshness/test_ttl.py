"""Policy `ttl`: an hour from the paid call, as the decision record says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from rowcol.core.change import Action
from rowcol.core.evidence import Standing
from rowcol.core.freshness.ttl import Ttl
from rowcol.core.need import Purpose, Question, question_of
from tests.core.builders import DAY, HOUR, MINUTE, NOW, questions, standings

POLICY = Ttl()


def standing(age: timedelta) -> Standing:
    return Standing(NOW - age, NOW - age, None, price_micros=100_000)


@pytest.mark.parametrize("purpose", Purpose)
def test_every_purpose_pays_after_an_hour(purpose: Purpose) -> None:
    question = question_of(purpose, NOW)
    assert POLICY.decide(question, standing(HOUR), NOW).action is Action.SERVE
    late = POLICY.decide(question, standing(HOUR + MINUTE), NOW)
    assert late.action is Action.PAY
    assert "$0.10" in late.reason


@pytest.mark.parametrize("purpose", Purpose)
def test_force_always_pays_once(purpose: Purpose) -> None:
    question = question_of(purpose, NOW, is_confirmed=True)
    assert POLICY.decide(question, standing(MINUTE), NOW).action is Action.PAY
    paid = standing(-MINUTE)
    assert POLICY.decide(question, paid, NOW + 5 * MINUTE).action is Action.SERVE


def test_a_free_look_does_not_prolong_the_hour() -> None:
    looked = replace(standing(5 * HOUR), looked_at=NOW, as_of=NOW - HOUR)
    assert POLICY.decide(question_of(Purpose.RITUAL, NOW), looked, NOW).action is Action.PAY


@pytest.mark.parametrize(
    ("purpose", "action"), [(Purpose.GUARDRAIL, Action.HOLD), (Purpose.RITUAL, Action.SERVE)]
)
def test_where_paying_cannot_help(purpose: Purpose, action: Action) -> None:
    stuck = replace(standing(DAY), cannot_pay="the login has to be repaired")
    failed = replace(standing(DAY), paid_failed_at=NOW)
    for hopeless in (stuck, failed):
        decision = POLICY.decide(question_of(purpose, NOW), hopeless, NOW)
        assert decision.action is action
        assert decision.label


def test_an_earlier_failure_does_not_count() -> None:
    failed = replace(standing(DAY), paid_failed_at=NOW - MINUTE)
    assert POLICY.decide(question_of(Purpose.RITUAL, NOW), failed, NOW).action is Action.PAY


def test_what_was_never_seen_is_held() -> None:
    never = Standing(None, None, None, cannot_pay="the bank is down")
    assert POLICY.decide(question_of(Purpose.DISPLAY, NOW), never, NOW).action is Action.HOLD


@given(questions(), standings())
def test_it_knows_no_free_evidence(question: Question, known: Standing) -> None:
    action = POLICY.decide(question, known, NOW).action
    assert action in (Action.SERVE, Action.PAY, Action.HOLD)
