"""Need: standards, deadlines and who goes first."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.need import STANDARDS, TRIGGERS, Purpose, priority_of, question_of
from rowcol.core.refusal import BadInput
from tests.core.builders import HOUR, NOW, minutes_before


def test_every_purpose_has_its_standard_and_trigger() -> None:
    assert set(STANDARDS) == set(TRIGGERS) == set(Purpose)


@given(st.sampled_from(Purpose), st.none() | minutes_before(600))
def test_a_deadline_never_precedes_the_question(
    purpose: Purpose, deadline: datetime | None
) -> None:
    asked_at = NOW - 5 * HOUR
    question = question_of(purpose, asked_at, deadline=deadline)
    assert question.deadline >= asked_at
    assert question.window == STANDARDS[purpose].window
    if deadline is None:
        assert question.deadline == asked_at + STANDARDS[purpose].patience
    else:
        assert question.deadline == (
            asked_at if purpose is Purpose.DISPLAY else max(deadline, asked_at)
        )


def test_people_go_first_then_deadlines() -> None:
    forced = question_of(Purpose.FORCED, NOW)
    ritual = question_of(Purpose.RITUAL, NOW)
    sooner = question_of(Purpose.RITUAL, NOW, deadline=NOW + HOUR)
    assert sorted([ritual, forced, sooner], key=priority_of) == [forced, sooner, ritual]


def test_a_deadline_without_an_offset_is_none() -> None:
    with pytest.raises(BadInput, match="no offset"):
        question_of(Purpose.RITUAL, NOW, deadline=NOW.replace(tzinfo=None))
