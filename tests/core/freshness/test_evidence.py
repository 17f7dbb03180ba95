"""Policy `evidence`, rule by rule. What holds over whole runs is in `test_evidence_runs`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251  # Hypothesis seeds it

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.change import Action, Decision
from rowcol.core.evidence import Health, Standing
from rowcol.core.freshness.evidence import DISPLAY_FREE_UNDER, Evidence
from rowcol.core.freshness.rhythm import JITTER
from rowcol.core.need import GRACE, Purpose, Question, question_of
from tests.core.builders import DAY, HOUR, MINUTE, NOW, questions, standings

POLICY = Evidence()
USUAL = tuple(NOW - day * DAY + 2 * HOUR for day in range(14, 0, -1))
"""Two hours from now, as on every day of two weeks."""
RITUAL = question_of(Purpose.RITUAL, NOW)
GUARDRAIL = question_of(Purpose.GUARDRAIL, NOW)
VERIFY = question_of(Purpose.VERIFY, NOW)
DISPLAY = question_of(Purpose.DISPLAY, NOW)
FORCED = question_of(Purpose.FORCED, NOW)
CONFIRMED = question_of(Purpose.FORCED, NOW, is_confirmed=True)
NIGHT = datetime(2026, 11, 25, 6, 30, tzinfo=UTC)
"""Half past one in New York: nothing has been posted since eight."""


def standing(age: timedelta | None, looked_at: datetime | None = NOW) -> Standing:
    """A healthy login last seen so long ago, looked at just now, with no known rhythm."""
    as_of = None if age is None else NOW - age
    return Standing(as_of, None, looked_at, price_micros=100_000)


def decide(question: Question, known: Standing, now: datetime = NOW) -> Decision:
    return POLICY.decide(question, known, now)


@pytest.mark.parametrize(
    ("question", "age"),
    [(RITUAL, 4 * HOUR), (GUARDRAIL, HOUR), (DISPLAY, DAY), (FORCED, HOUR)],
)
def test_served_up_to_its_window(question: Question, age: timedelta) -> None:
    """Without a look: nothing needs to be asked."""
    known = standing(age, looked_at=None)
    fresh = decide(question, known)
    assert (fresh.action, fresh.label) == (Action.SERVE, None)
    older = decide(question, standing(age + timedelta(seconds=1), looked_at=None))
    assert older.action is Action.LOOK


def test_the_reason_is_a_sentence_for_a_person() -> None:
    assert decide(RITUAL, standing(38 * MINUTE)).reason == (
        "last seen at 16:22 UTC, 38 min ago; a ritual accepts up to 4 h"
    )
    assert decide(RITUAL, standing(5 * HOUR)).reason == (
        "paying $0.10: last seen at 12:00 UTC, 5 h ago; a ritual accepts up to 4 h"
        " and no free look is expected before 20:00 UTC"
    )


def test_banks_closed_is_a_proof_only_where_it_was_proven() -> None:
    known = replace(
        standing(None), as_of=NIGHT - 5 * HOUR, looked_at=NIGHT, closed_days_proven=True
    )
    question = question_of(Purpose.GUARDRAIL, NIGHT)
    assert decide(question, known, NIGHT).rule == "evidence.banks_closed"
    unproven = replace(known, closed_days_proven=False)
    assert decide(question, unproven, NIGHT).action is Action.PAY
    morning = NIGHT + HOUR
    awake = replace(known, looked_at=morning)
    assert decide(question_of(Purpose.GUARDRAIL, morning), awake, morning).action is Action.PAY


def test_closed_banks_do_not_answer_a_payment_check() -> None:
    known = replace(
        standing(None), as_of=NIGHT - 5 * HOUR, looked_at=NIGHT, closed_days_proven=True
    )
    assert decide(question_of(Purpose.VERIFY, NIGHT), known, NIGHT).action is Action.WAIT


@pytest.mark.parametrize("seconds", [59, 60, 61, None])
def test_a_look_serves_for_a_minute(seconds: int | None) -> None:
    looked_at = None if seconds is None else NOW - timedelta(seconds=seconds)
    decision = decide(RITUAL, standing(5 * HOUR, looked_at))
    is_recent = seconds is not None and seconds <= 60
    assert decision.action is (Action.PAY if is_recent else Action.LOOK)


def test_each_check_looks_anew() -> None:
    known = replace(standing(5 * HOUR), pulls=USUAL)
    assert decide(RITUAL, known).action is Action.WAIT
    assert decide(RITUAL, known, NOW + HOUR).action is Action.LOOK


def test_waits_for_the_usual_pull() -> None:
    decision = decide(RITUAL, replace(standing(5 * HOUR), pulls=USUAL))
    assert (decision.action, decision.until) == (Action.WAIT, NOW + 2 * HOUR + JITTER)
    assert "usually looked at by 19:10 UTC" in decision.reason


def test_no_pull_outgrows_the_window_unseen() -> None:
    """A guardrail check looks again within its hour, though the usual pull is two hours away."""
    decision = decide(GUARDRAIL, replace(standing(5 * HOUR), pulls=USUAL))
    assert (decision.action, decision.until) == (Action.WAIT, NOW + HOUR)


def test_a_late_pull_is_waited_for_until_the_deadline_then_paid() -> None:
    known = replace(standing(5 * HOUR), pulls=USUAL)
    for minutes, until in ((130, 145), (160, 175), (170, 180)):
        now = NOW + minutes * MINUTE
        decision = decide(RITUAL, replace(known, looked_at=now), now)
        assert (decision.action, decision.until) == (Action.WAIT, NOW + until * MINUTE)
        assert "late" in decision.reason
    at_last = RITUAL.deadline
    assert decide(RITUAL, replace(known, looked_at=at_last), at_last).action is Action.PAY


def test_a_pull_that_came_is_served() -> None:
    now = NOW + 2 * HOUR + JITTER
    known = replace(standing(-2 * HOUR), looked_at=now, pulls=(*USUAL, NOW + 2 * HOUR))
    assert decide(GUARDRAIL, known, now).action is Action.SERVE


def test_pays_at_once_where_no_pull_is_expected() -> None:
    assert decide(RITUAL, standing(5 * HOUR)).action is Action.PAY


def test_does_not_wait_for_a_login_that_is_not_well() -> None:
    known = replace(standing(5 * HOUR), pulls=USUAL, health=Health.INSTITUTION_DOWN)
    assert decide(RITUAL, known).action is Action.PAY


def test_a_payment_check_wants_a_look_after_it_was_asked() -> None:
    assert decide(VERIFY, standing(timedelta(0))).action is Action.SERVE
    before = decide(VERIFY, standing(MINUTE))
    assert before.action is Action.WAIT
    assert before.until == NOW + 3 * HOUR
    late = VERIFY.deadline
    seen = replace(standing(-DAY), looked_at=late)
    assert decide(VERIFY, seen, late).rule == "evidence.seen_since"
    unseen = replace(standing(MINUTE), looked_at=late)
    assert decide(VERIFY, unseen, late).action is Action.PAY


def test_a_display_pays_only_after_a_day() -> None:
    tight = replace(DISPLAY, window=MINUTE)
    shown = decide(tight, standing(DISPLAY_FREE_UNDER - MINUTE))
    assert shown.action is Action.SERVE
    assert shown.label is not None
    assert shown.label.endswith("a live value costs $0.10")
    assert decide(DISPLAY, standing(DISPLAY_FREE_UNDER + MINUTE)).action is Action.PAY
    assert decide(DISPLAY, standing(None)).action is Action.HOLD


def test_an_unconfirmed_look_up_never_pays() -> None:
    shown = decide(FORCED, standing(3 * DAY))
    assert shown.action is Action.SERVE
    assert "$0.10" in (shown.label or "")
    assert decide(FORCED, standing(None)).action is Action.HOLD


def test_a_confirmed_look_up_looks_then_pays() -> None:
    assert decide(CONFIRMED, standing(MINUTE, looked_at=None)).action is Action.LOOK
    assert decide(CONFIRMED, standing(MINUTE)).action is Action.PAY


@pytest.mark.parametrize(("minutes", "action"), [(10, Action.SERVE), (11, Action.PAY)])
def test_a_confirmed_look_up_joins_a_live_look(minutes: int, action: Action) -> None:
    known = replace(standing(minutes * MINUTE), live_as_of=NOW - minutes * MINUTE)
    assert decide(CONFIRMED, known).action is action


def test_a_confirmed_look_up_is_paid_once() -> None:
    paid = replace(standing(-MINUTE), live_as_of=NOW + MINUTE)
    assert decide(CONFIRMED, paid, NOW + 50 * MINUTE).label is None
    assert decide(CONFIRMED, paid, NOW + 2 * HOUR).action is Action.SERVE
    assert decide(CONFIRMED, paid, NOW + 2 * HOUR).label


def test_a_confirmed_look_up_takes_the_proof_after_a_look() -> None:
    known = replace(standing(None), as_of=NIGHT - 5 * HOUR, closed_days_proven=True)
    question = question_of(Purpose.FORCED, NIGHT, is_confirmed=True)
    assert decide(question, replace(known, looked_at=None), NIGHT).action is Action.LOOK
    looked = decide(question, replace(known, looked_at=NIGHT), NIGHT)
    assert looked.rule == "evidence.banks_closed"


@pytest.mark.parametrize("question", [RITUAL, GUARDRAIL, DISPLAY, CONFIRMED])
def test_where_paying_cannot_help(question: Question) -> None:
    stuck = replace(standing(3 * DAY), cannot_pay="the login has to be repaired")
    failed = replace(standing(3 * DAY), paid_failed_at=NOW)
    for hopeless, why in ((stuck, "has to be repaired"), (failed, "17:00 UTC failed")):
        decision = decide(question, hopeless)
        held = question.purpose is Purpose.GUARDRAIL
        assert decision.action is (Action.HOLD if held else Action.SERVE)
        assert why in (decision.label or "")
        assert decide(question, replace(hopeless, as_of=None)).action is Action.HOLD


def test_what_cannot_be_bought_may_still_come() -> None:
    stuck = replace(standing(5 * HOUR), cannot_pay="no paid calls are allowed now", pulls=USUAL)
    assert decide(RITUAL, stuck).action is Action.WAIT
    broken = replace(stuck, health=Health.NEEDS_RECONNECT)
    assert decide(RITUAL, broken).action is Action.SERVE
    late = RITUAL.deadline
    assert decide(RITUAL, replace(stuck, looked_at=late), late).label


def test_nobody_pays_for_an_answer_that_is_overdue() -> None:
    late = RITUAL.deadline + GRACE
    assert decide(RITUAL, standing(9 * HOUR, late), late).action is Action.PAY
    later = late + MINUTE
    assert decide(RITUAL, standing(9 * HOUR, later), later).label
    assert decide(GUARDRAIL, standing(9 * HOUR, later), later).action is Action.HOLD


@given(questions(), standings(), st.integers(1, 5000))
def test_a_tighter_window_never_serves_older_data(
    question: Question, known: Standing, minutes: int
) -> None:
    tight = replace(question, window=min(question.window, minutes * MINUTE))
    served = decide(tight, known)
    if served.action is Action.SERVE and served.label is None:
        loose = decide(question, known)
        assert (loose.action, loose.label) == (Action.SERVE, None)
        assert loose.as_of == served.as_of


@given(questions(), standings())
def test_served_without_a_label_is_young_or_proven(question: Question, known: Standing) -> None:
    decision = decide(question, known)
    if decision.action is not Action.SERVE or decision.label is not None:
        return
    assert decision.as_of is not None
    match decision.rule:
        case "evidence.banks_closed":
            assert known.closed_days_proven
        case "evidence.seen_since":
            assert decision.as_of >= question.asked_at
        case "evidence.joined":
            assert known.live_as_of is not None
            assert NOW - known.live_as_of <= question.window
        case _:
            assert NOW - decision.as_of <= question.window


@given(questions(), standings())
def test_a_display_under_a_day_never_pays(question: Question, known: Standing) -> None:
    question = replace(question, purpose=Purpose.DISPLAY)
    if known.as_of is not None and NOW - known.as_of < DISPLAY_FREE_UNDER:
        assert decide(question, known).action is not Action.PAY


@given(questions(), standings(), st.randoms(use_true_random=False))
def test_the_order_of_pulls_does_not_matter(
    question: Question, known: Standing, dice: Random
) -> None:
    shuffled = list(known.pulls)
    dice.shuffle(shuffled)
    assert decide(question, replace(known, pulls=tuple(shuffled))) == decide(question, known)
