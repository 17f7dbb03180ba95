"""Outcome: every way a call can end has its rule, and pauses grow but not for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.outcome import RULES, Billed, Outcome, outcome_of_silence, retry_at
from rowcol.core.wire import NoAnswer, Silence
from tests.core.builders import HOUR, MINUTE, NOW


def test_every_outcome_has_a_rule() -> None:
    assert set(RULES) == set(Outcome)


@given(st.sampled_from(Outcome), st.integers(0, 100))
def test_pauses_grow_and_are_capped(outcome: Outcome, failures: int) -> None:
    first, later = retry_at(outcome, failures, NOW), retry_at(outcome, failures + 1, NOW)
    if first is None or later is None:
        assert (first, later, RULES[outcome].retry_after) == (None, None, None)
        return
    assert NOW <= first <= later <= NOW + timedelta(hours=1)


def test_the_first_pause_is_the_table_s() -> None:
    assert retry_at(Outcome.TRY_AGAIN, 1, NOW) == NOW + timedelta(minutes=1)
    assert retry_at(Outcome.TRY_AGAIN, 3, NOW) == NOW + timedelta(minutes=4)


def test_what_waits_for_a_person_is_not_retried() -> None:
    for outcome in (Outcome.NEEDS_PERSON, Outcome.GONE, Outcome.UNSUPPORTED):
        assert retry_at(outcome, 1, NOW) is None
        assert RULES[outcome].health is not None


@pytest.mark.parametrize("silence", Silence)
def test_what_may_have_been_done_may_be_billed(silence: Silence) -> None:
    answer = NoAnswer(silence, NOW, NOW)
    is_possibly_billed = RULES[outcome_of_silence(answer)].billed is Billed.POSSIBLY
    assert is_possibly_billed is answer.is_possibly_done


def test_only_success_is_surely_billed() -> None:
    assert [o for o in Outcome if RULES[o].billed is Billed.YES] == [Outcome.OK]


def test_a_renewed_token_that_is_refused_too_is_not_tried_at_once_for_ever() -> None:
    pauses = [retry_at(Outcome.TOKEN_EXPIRED, failures, NOW) for failures in (1, 2, 3, 99)]
    assert pauses == [NOW, NOW + MINUTE, NOW + 2 * MINUTE, NOW + HOUR]
