"""Judge: by the account's truth within the window of the purpose, whatever label or as-of an answer carries."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rowcol.core.need import Purpose
from rowcol.sandbox.world import AccountFacts, Ledger, Posting
from rowcol.simulation.judge import Judge, Served, Trouble, was_true

NOON = datetime(2026, 5, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ledger(*postings: tuple[timedelta, int]) -> Ledger:
    rows = [Posting(f"p{n}", NOON + at, amount, "") for n, (at, amount) in enumerate(postings)]
    return Ledger("a", AccountFacts("Checking"), 1_000, rows)


def served(value: int | None, purpose: Purpose = Purpose.GUARDRAIL) -> Served:
    return Served(
        client=0,
        purpose=purpose,
        asked_at=NOON,
        answered_at=NOON,
        value_minor=value,
        as_of=None,
        is_held=False,
        label=None,
        cost_micros=0,
    )


MOVED = ledger((-2 * HOUR, 10), (-HOUR / 2, 5), (HOUR, 7))


@pytest.mark.parametrize(
    ("value", "purpose", "is_stale"),
    [
        (1_015, Purpose.GUARDRAIL, False),  # now
        (1_010, Purpose.GUARDRAIL, False),  # half an hour ago
        (1_000, Purpose.GUARDRAIL, True),  # two hours ago
        (1_000, Purpose.RITUAL, False),
        (1_022, Purpose.RITUAL, True),  # not yet
        (1_012, Purpose.DISPLAY, True),  # never
        (None, Purpose.RITUAL, True),
    ],
)
def test_a_value_must_have_been_true_within_the_window(
    value: int | None, purpose: Purpose, is_stale: bool
) -> None:
    assert Judge([[MOVED]]).verdict(served(value, purpose)).is_stale is is_stale


def test_what_posts_together_is_one_moment() -> None:
    assert not was_true([ledger((-HOUR, 5), (-HOUR, -3))], 1_005, NOON - 2 * HOUR, NOON)


def test_several_accounts_are_summed_at_the_same_moment() -> None:
    both = [ledger((-HOUR, 5)), ledger((-HOUR / 2, 50))]
    assert was_true(both, 2_005, NOON - 2 * HOUR, NOON)
    assert not was_true(both, 2_050, NOON - 2 * HOUR, NOON)


def test_a_held_answer_serves_nothing() -> None:
    assert not Judge([[MOVED]]).verdict(replace(served(1), is_held=True)).is_stale


def test_a_value_must_have_been_true_at_its_own_as_of() -> None:
    judge = Judge([[MOVED]])
    assert not judge.verdict(replace(served(1_010), as_of=NOON - HOUR)).is_false
    assert judge.verdict(replace(served(1_015), as_of=NOON - HOUR)).is_false


def test_a_label_excuses_only_while_the_bank_could_not_be_reached() -> None:
    stale = served(1_000)
    labelled = replace(stale, label="unverified")
    trouble = Trouble(frozenset({0}), NOON - HOUR, NOON + HOUR)
    other = Trouble(frozenset({1}), NOON - HOUR, NOON + HOUR)
    past = Trouble(frozenset({0}), NOON - 2 * HOUR, NOON - HOUR)

    def counts(answer: Served, *troubles: Trouble) -> tuple[int, int]:
        tally = Judge([[MOVED]], troubles).tally([answer])
        return tally.stale_decisions, tally.unverified_in_outage

    assert counts(labelled) == counts(labelled, other) == counts(labelled, past) == (1, 0)
    assert counts(labelled, trouble) == (0, 1)
    assert counts(stale, trouble) == (1, 0)


def test_labels_and_holds_outside_outages_are_a_share_of_all_answers() -> None:
    trouble = Trouble(frozenset({0}), NOON + HOUR, NOON + 2 * HOUR)
    good = served(1_015)
    later = replace(good, asked_at=NOON + HOUR, answered_at=NOON + HOUR, label="unverified")
    answers = [good, good, replace(good, label="x"), replace(good, is_held=True), later]
    tally = Judge([[MOVED]], [trouble]).tally(answers)
    assert (tally.labelled_pct, tally.held, tally.reads) == (50.0, 1, 5)


def test_waits_and_free_decisions_are_counted() -> None:
    paid = replace(served(1_015), cost_micros=100_000)
    waited = replace(served(1_015), asked_at=NOON - HOUR)
    display = replace(served(1_015, Purpose.DISPLAY), cost_micros=100_000)
    tally = Judge([[MOVED]]).tally([paid, waited, display])
    assert (tally.decisions, tally.free_decisions_pct) == (2, 50.0)
    assert (tally.waited, tally.waited_minutes_p95) == (1, 60.0)
    assert Judge([[MOVED]]).tally([]).labelled_pct == 0


def test_the_judge_never_loads_the_engine() -> None:
    code = (
        "import sys, rowcol.simulation.judge;"
        "print([m for m in sys.modules if m.startswith(('rowcol.engine', 'rowcol.rails', 'rowcol.services'))])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
