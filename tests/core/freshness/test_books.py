"""Books: the table in its docstring line by line, for both policies and every purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.change import Action
from rowcol.core.evidence import Health, Standing
from rowcol.core.freshness.policy import POLICIES, policy_of
from rowcol.core.need import STANDARDS, Purpose, Question, question_of
from tests.core.builders import DAY, HOUR, MINUTE, NOW, questions

SECOND = timedelta(seconds=1)
EVIDENCE, TTL = policy_of("evidence"), policy_of("ttl")
DECISIONS = [purpose for purpose in Purpose if STANDARDS[purpose].is_decision]
NAMES = st.sampled_from(sorted(POLICIES))


def books(age: timedelta | None, **more: object) -> Standing:
    """Books complete as of `age` ago and read then."""
    at = None if age is None else NOW - age
    made = Standing(as_of=at, live_as_of=at, looked_at=at, read_at=at)
    return replace(made, **more)  # type: ignore[arg-type]


def tried(standing: Standing) -> Standing:
    """After a look that could not be made in this run."""
    return replace(standing, looked_at=NOW)


def asked(
    purpose: Purpose, ago: timedelta = timedelta(0), *, is_confirmed: bool = False
) -> Question:
    return question_of(purpose, NOW - ago, is_confirmed=is_confirmed)


def action(standing: Standing, purpose: Purpose, name: str = "evidence") -> Action:
    return policy_of(name).decide_books(asked(purpose), standing, NOW).action


@pytest.mark.parametrize("purpose", DECISIONS)
class TestADecision:
    """A look of its own, unless one was made two seconds ago; ten minutes where it cannot look."""

    def test_is_served_from_a_look_of_the_last_two_seconds(self, purpose: Purpose) -> None:
        """By when it was read: what it is complete as of is some minutes before."""
        known = books(6 * MINUTE)
        for read, expected in ((2 * SECOND, Action.SERVE), (3 * SECOND, Action.LOOK)):
            assert action(replace(known, read_at=NOW - read), purpose) is expected
        old = books(10 * MINUTE + SECOND, read_at=NOW - SECOND)
        assert action(old, purpose) is Action.LOOK, "a second ago, and yet not complete as of then"

    @pytest.mark.parametrize(
        "no_look", [{"looked_at": NOW}, {"cannot_pay": "the month is used up"}]
    )
    def test_is_served_ten_minutes_where_another_look_cannot_be_made(
        self, purpose: Purpose, no_look: dict[str, Any]
    ) -> None:
        for age, expected in ((10 * MINUTE, True), (10 * MINUTE + SECOND, False)):
            known = replace(books(age), **no_look)
            decision = policy_of("evidence").decide_books(asked(purpose), known, NOW)
            assert (decision.action is Action.SERVE and decision.label is None) is expected
            hinted = replace(known, is_hinted=True)
            assert policy_of("evidence").decide_books(asked(purpose), hinted, NOW).label

    def test_looks_again_where_a_delivery_spoke(self, purpose: Purpose) -> None:
        for age in (SECOND, 9 * MINUTE):
            known = books(age, is_hinted=True, read_at=NOW - SECOND)
            assert action(known, purpose) is Action.LOOK

    def test_has_a_window_of_its_own_if_it_is_tighter(self, purpose: Purpose) -> None:
        tight, just = replace(asked(purpose), window=2 * MINUTE), {"read_at": NOW - SECOND}
        assert EVIDENCE.decide_books(tight, books(2 * MINUTE, **just), NOW).action is Action.SERVE
        assert EVIDENCE.decide_books(tight, books(3 * MINUTE, **just), NOW).action is Action.LOOK


def test_a_display_accepts_a_day_whatever_was_hinted() -> None:
    assert action(books(DAY, is_hinted=True), Purpose.DISPLAY) is Action.SERVE
    assert action(books(DAY + SECOND), Purpose.DISPLAY) is Action.LOOK


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_insisting_means_looked_at_since_it_was_asked(name: str) -> None:
    question = asked(Purpose.FORCED, MINUTE, is_confirmed=True)
    policy = policy_of(name)
    before = books(MINUTE + SECOND)
    assert policy.decide_books(question, before, NOW).action is Action.LOOK
    since = books(6 * MINUTE, read_at=question.asked_at)
    decision = policy.decide_books(question, since, NOW)
    assert (decision.action, decision.label) == (Action.SERVE, None)


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("purpose", list(Purpose))
def test_books_that_were_never_read_are_looked_at_then_held(name: str, purpose: Purpose) -> None:
    policy, never = policy_of(name), books(None)
    question = asked(purpose)
    if purpose is Purpose.VERIFY:
        question = replace(question, deadline=NOW)
    assert policy.decide_books(question, never, NOW).action is Action.LOOK
    held = policy.decide_books(question, tried(never), NOW)
    assert held.action is Action.HOLD
    assert "never read" in (held.label or "")


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.VERIFY])
@pytest.mark.parametrize("why", ["the month's pool is used up", None])
def test_what_cannot_be_read_holds_a_guardrail_and_labels_the_rest(
    name: str, purpose: Purpose, why: str | None
) -> None:
    known = tried(books(2 * DAY, cannot_pay=why, health_reason="consent ended"))
    decision = policy_of(name).decide_books(asked(purpose), known, NOW)
    assert decision.action is (Action.HOLD if purpose is Purpose.GUARDRAIL else Action.SERVE)
    assert (why or "consent ended") in (decision.label or "")
    assert decision.as_of == known.as_of
    if decision.action is Action.SERVE:
        assert "unverified since 2026-11-23 17:00 UTC" in (decision.label or "")


def test_without_any_reason_it_is_said_all_the_same() -> None:
    decision = EVIDENCE.decide_books(asked(Purpose.DISPLAY), tried(books(2 * DAY)), NOW)
    assert "could not be read" in (decision.label or "")


class TestVerify:
    """A payment check."""

    def test_waits_to_its_deadline(self) -> None:
        question = asked(Purpose.VERIFY, HOUR)
        waiting = EVIDENCE.decide_books(question, books(2 * HOUR), NOW)
        assert (waiting.action, waiting.until) == (Action.WAIT, question.deadline)
        late = question.deadline
        assert EVIDENCE.decide_books(question, books(2 * HOUR), late).action is Action.LOOK

    def test_takes_any_reading_since_it_was_asked(self) -> None:
        since = books(6 * MINUTE, read_at=NOW - MINUTE, is_hinted=True)
        question = asked(Purpose.VERIFY, 2 * MINUTE)
        assert EVIDENCE.decide_books(question, since, NOW).action is Action.SERVE

    def test_young_books_read_before_are_not_enough(self) -> None:
        young = books(SECOND)
        assert EVIDENCE.decide_books(asked(Purpose.VERIFY), young, NOW).action is Action.WAIT

    def test_serves_with_a_label_when_it_cannot_be_read(self) -> None:
        question = replace(asked(Purpose.VERIFY, DAY), deadline=NOW)
        decision = EVIDENCE.decide_books(question, tried(books(2 * DAY)), NOW)
        assert decision.action is Action.SERVE
        assert decision.label is not None


class TestTtl:
    """A day, whatever it is for."""

    @pytest.mark.parametrize("purpose", list(Purpose))
    def test_a_day_is_served_hinted_or_not(self, purpose: Purpose) -> None:
        known = books(DAY, is_hinted=True)
        assert action(known, purpose, "ttl") is Action.SERVE
        assert action(replace(known, as_of=NOW - DAY - SECOND), purpose, "ttl") is Action.LOOK


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    moments = st.none() | st.integers(0, 3000).map(lambda m: NOW - m * MINUTE)
    return Standing(
        as_of=draw(moments),
        live_as_of=None,
        looked_at=draw(moments),
        health=draw(st.sampled_from(Health)),
        cannot_pay=draw(st.none() | st.just("the month's pool is used up")),
        read_at=draw(moments),
        is_hinted=draw(st.booleans()),
    )


@given(questions(), standings(), NAMES)
def test_after_one_look_every_question_ends_or_waits_for_its_deadline(
    question: Question, standing: Standing, name: str
) -> None:
    """So that a run never looks twice, and nothing is paid for: books have no paid look."""
    policy = policy_of(name)
    first = policy.decide_books(question, standing, NOW)
    assert first.action is not Action.PAY
    then = policy.decide_books(question, tried(standing), NOW)
    if then.action is Action.WAIT:
        assert then.until is not None
        assert then.until == question.deadline > NOW
    else:
        assert then.action in (Action.SERVE, Action.HOLD)


@given(questions(), standings(), NAMES)
def test_no_decision_rests_on_books_older_than_it_says(
    question: Question, standing: Standing, name: str
) -> None:
    decision = policy_of(name).decide_books(question, standing, NOW)
    assert decision.as_of == standing.as_of
    assert decision.reason
    if decision.action is Action.SERVE:
        assert standing.as_of is not None
    if decision.action is Action.HOLD:
        assert decision.label
    if (
        name == "evidence"
        and decision.action is Action.SERVE
        and decision.label is None
        and STANDARDS[question.purpose].is_decision
    ):
        assert standing.as_of is not None
        is_joined = standing.read_at is not None and standing.read_at >= question.asked_at
        assert is_joined or (NOW - standing.as_of <= 10 * MINUTE and not standing.is_hinted)
