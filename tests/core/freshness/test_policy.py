"""Policy: the registry, and what holds for every policy in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.change import Action
from rowcol.core.evidence import Standing
from rowcol.core.freshness.policy import POLICIES, policy_of
from rowcol.core.need import Purpose, Question
from rowcol.core.refusal import BadInput
from tests.core.builders import NOW, questions, standings

ANY_POLICY = st.sampled_from(sorted(POLICIES))


def test_names() -> None:
    assert set(POLICIES) == {"ttl", "evidence"}
    assert all(policy_of(name).name == name for name in POLICIES)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="'tll'") as caught:
        policy_of("tll")
    assert "evidence, ttl" in caught.value.what_to_do


@given(ANY_POLICY, questions(), standings())
def test_never_paid_where_it_cannot_help(name: str, question: Question, standing: Standing) -> None:
    decision = policy_of(name).decide(question, standing, NOW)
    failed_at = standing.paid_failed_at
    is_hopeless = standing.cannot_pay or (failed_at is not None and failed_at >= question.asked_at)
    assert not (is_hopeless and decision.action is Action.PAY)


@given(ANY_POLICY, questions(), standings())
def test_a_decision_is_whole(name: str, question: Question, standing: Standing) -> None:
    """One sentence, the as-of of what is known, and `until` only for a wait: ahead, within the deadline."""
    decision = policy_of(name).decide(question, standing, NOW)
    assert decision.reason
    assert "\n" not in decision.reason
    assert decision.rule.startswith(f"{name}.")
    assert decision.as_of == standing.as_of
    assert (decision.until is not None) is (decision.action is Action.WAIT)
    if decision.until is not None:
        assert NOW < decision.until <= question.deadline
    if decision.action is Action.SERVE:
        assert decision.as_of is not None
    if decision.action is Action.HOLD:
        assert decision.label


@given(ANY_POLICY, questions(), standings())
def test_a_guardrail_is_never_served_with_a_label(
    name: str, question: Question, standing: Standing
) -> None:
    """It fails closed."""
    decision = policy_of(name).decide(question, standing, NOW)
    if question.purpose is Purpose.GUARDRAIL and decision.action is Action.SERVE:
        assert decision.label is None
