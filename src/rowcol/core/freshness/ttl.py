"""Policy `ttl`: the decision record's rule. A bought balance is valid for an hour; older is bought anew, whatever it is for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rowcol.core.change import Action, Decision
from rowcol.core.evidence import Standing, age_of
from rowcol.core.freshness import books
from rowcol.core.freshness.wording import moment, paid_why, seen, span
from rowcol.core.money import Cost
from rowcol.core.need import Purpose, Question

VALID_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ttl:
    """Cached for an hour, else a paid call; force always pays. It knows no free evidence.

    The hour counts from the paid call. A balance that a free look brought is not one the record
    knows: were it to count, each sweep would prolong an old value by another hour.
    """

    name: str = "ttl"

    def decide(self, question: Question, standing: Standing, now: datetime) -> Decision:
        """SERVE within the hour, else PAY; HOLD or a label where paying cannot help."""
        bought_at = standing.live_as_of
        if bought_at is not None and bought_at >= question.asked_at:
            reason = f"bought for this question at {moment(bought_at, now)}"
            return Decision(Action.SERVE, "ttl.bought", reason, standing.as_of)
        age = age_of(bought_at, now)
        if not question.is_confirmed and age is not None and age <= VALID_FOR:
            reason = f"bought {span(age)} ago; valid for {span(VALID_FOR)}"
            return Decision(Action.SERVE, "ttl.valid", reason, standing.as_of)
        why = _no_help(question, standing, now)
        if why is None:
            cause = "a live value was asked for" if question.is_confirmed else "the hour is over"
            reason = f"paying {Cost(standing.price_micros)}: {cause}, {seen(standing.as_of, now)}"
            return Decision(Action.PAY, "ttl.pay", reason, standing.as_of)
        if question.purpose is Purpose.GUARDRAIL or standing.as_of is None:
            reason = f"{seen(standing.as_of, now)}, and {why}; held until it can be checked"
            return Decision(Action.HOLD, "ttl.hold", reason, standing.as_of, label=reason)
        label = f"unverified since {moment(standing.as_of, now)}: {why}"
        return Decision(Action.SERVE, "ttl.labelled", label, standing.as_of, label=label)

    def decide_books(self, question: Question, standing: Standing, now: datetime) -> Decision:
        """The record's day for bills."""
        return books.by_ttl(question, standing, now)


def _no_help(question: Question, standing: Standing, now: datetime) -> str | None:
    """Why another paid call would not help this question, or None."""
    tried = paid_why(question, standing, now)
    return tried if standing.paid_is_unknown and tried else standing.cannot_pay or tried
