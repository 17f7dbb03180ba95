"""Judge: what was served against what was on the account. Knows the world and the answers, nothing of the engine.

A value is good for its purpose if it was the truth at some moment within the purpose's window before the answer. A label
excuses nothing, except that an answer which says it is unverified is not counted while its own bank could not be reached
at all: no call could have brought a better one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from rowcol.core.need import STANDARDS, Purpose
from rowcol.sandbox.world import Ledger

DECISIONS: Final = frozenset({Purpose.RITUAL, Purpose.GUARDRAIL, Purpose.FORCED})


@dataclass(frozen=True, slots=True)
class Served:
    """One answer as it was handed out. `value_minor` is None where it carried no number."""

    client: int
    purpose: Purpose
    asked_at: datetime
    answered_at: datetime
    value_minor: int | None
    as_of: datetime | None
    is_held: bool
    label: str | None
    cost_micros: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A span in which the bank of these clients could not be reached, or not without their person."""

    clients: frozenset[int]
    starts_at: datetime
    ends_at: datetime

    def touches(self, served: Served) -> bool:
        """Whether it lay between the question and its answer."""
        return (
            served.client in self.clients
            and served.answered_at >= self.starts_at
            and served.asked_at <= self.ends_at
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge found. `is_false`: the value never was what the account held at its own as-of."""

    served: Served
    is_decision: bool
    is_in_trouble: bool
    is_stale: bool
    is_false: bool

    @property
    def is_excused(self) -> bool:
        """Said to be unverified while nobody could have verified it."""
        return self.is_in_trouble and self.served.label is not None


@dataclass(frozen=True, slots=True)
class Tally:
    """The verdicts of a run, counted."""

    reads: int
    decisions: int
    stale_decisions: int
    stale_others: int
    unverified_in_outage: int
    false_as_of: int
    held: int
    labelled_pct: float
    free_decisions_pct: float
    waited: int
    waited_minutes_p95: float


class Judge:
    """Judges answers about clients by their ledgers."""

    def __init__(
        self, ledgers: Sequence[Sequence[Ledger]], troubles: Sequence[Trouble] = ()
    ) -> None:
        self._ledgers = ledgers
        self._troubles = troubles

    def verdict(self, served: Served) -> Verdict:
        """Judge one answer. A held one served no value, so it cannot be stale."""
        ledgers = self._ledgers[served.client]
        window = STANDARDS[served.purpose].window
        is_served = not served.is_held
        since = served.answered_at - window
        return Verdict(
            served=served,
            is_decision=served.purpose in DECISIONS,
            is_in_trouble=any(trouble.touches(served) for trouble in self._troubles),
            is_stale=is_served
            and not was_true(ledgers, served.value_minor, since, served.answered_at),
            is_false=served.value_minor is not None
            and served.as_of is not None
            and not was_true(ledgers, served.value_minor, served.as_of, served.as_of),
        )

    def tally(self, answers: Iterable[Served]) -> Tally:
        """Count the verdicts."""
        verdicts = [self.verdict(served) for served in answers]
        decisions = [v for v in verdicts if v.is_decision]
        others = [v for v in verdicts if not v.is_decision]
        outside = [v for v in verdicts if not v.is_in_trouble]
        marked = sum(v.served.is_held or v.served.label is not None for v in outside)
        waits = sorted(
            v.served.answered_at - v.served.asked_at
            for v in verdicts
            if v.served.answered_at > v.served.asked_at
        )
        return Tally(
            reads=len(verdicts),
            decisions=len(decisions),
            stale_decisions=sum(v.is_stale and not v.is_excused for v in decisions),
            stale_others=sum(v.is_stale and not v.is_excused for v in others),
            unverified_in_outage=sum(v.is_stale and v.is_excused for v in decisions),
            false_as_of=sum(v.is_false for v in verdicts),
            held=sum(v.served.is_held for v in verdicts),
            labelled_pct=percent(marked, len(outside)),
            free_decisions_pct=percent(
                sum(v.served.cost_micros == 0 for v in decisions), len(decisions)
            ),
            waited=len(waits),
            waited_minutes_p95=round(_p95(waits) / timedelta(minutes=1), 1),
        )


def was_true(
    ledgers: Sequence[Ledger], value_minor: int | None, since: datetime, until: datetime
) -> bool:
    """Whether the accounts together held `value_minor` at any moment of [`since`, `until`]."""
    if value_minor is None:
        return False
    held = sum(ledger.balance_at(since) for ledger in ledgers)
    if held == value_minor:
        return True
    postings = sorted(
        (p for ledger in ledgers for p in ledger.postings_between(since, until)),
        key=lambda posting: posting.posted_at,
    )
    for _, together in groupby(postings, key=lambda posting: posting.posted_at):
        held += sum(posting.amount_minor for posting in together)
        if held == value_minor:
            return True
    return False


def percent(part: int, whole: int) -> float:
    """0 of nothing is 0."""
    return round(100 * part / whole, 2) if whole else 0.0


def _p95(waits: Sequence[timedelta]) -> timedelta:
    return waits[min(len(waits) - 1, int(0.95 * len(waits)))] if waits else timedelta()
