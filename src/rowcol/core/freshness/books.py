"""Books: when a mirror of the books is fresh enough. One look revalidates a whole company, so there is one age, not one a row.

    | who asks                 | served as it is                             | else                        |
    |--------------------------|---------------------------------------------|-----------------------------|
    | a decision               | looked at two seconds ago at most, and no   | one look for everything;    |
    |                          | delivery spoke of changes since             | where that fails: complete  |
    |                          |                                             | as of 10 minutes ago        |
    | a person who only looks  | complete as of a day ago                    | one look                    |
    | a payment check          | looked at since it was asked                | one look, at its deadline   |
    | a person who insists     | looked at since they asked                  | one look                    |

A decision accepts books of ten minutes, but a look is cheap: only what is asked for at once shares one. A delivery
takes some minutes, so that none came is no proof that nothing changed: joining a look of up to ten minutes made one
decision of a thousand stale and saved one call of a hundred; of up to a minute, two of 353 in one firm (two checks 13 and
16 seconds after a third, a bill entered between them), and saved one of two hundred.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rowcol.core.change import Action, Decision
from rowcol.core.evidence import Standing, age_of
from rowcol.core.freshness.wording import NOUNS, moment, seen, span
from rowcol.core.need import STANDARDS, Purpose, Question

DECISION_WINDOW = timedelta(minutes=10)
JOIN_WINDOW = timedelta(seconds=2)
"""How young a look must be that a decision joins it rather than make one of its own."""
DISPLAY_WINDOW = timedelta(hours=24)
SEEN_SINCE, TTL_SEEN = "books.seen_since", "ttl.books"
SINCE_ASKED = frozenset({SEEN_SINCE, TTL_SEEN})
"""Rules that serve what was read after the question was asked."""
VALID_FOR = timedelta(hours=24)
"""The decision record's time to live of a bill, which the policy `ttl` goes by whatever is asked."""


def by_evidence(question: Question, standing: Standing, now: datetime) -> Decision:
    """SERVE what is fresh enough, LOOK once where it is not, then serve with a label or HOLD."""
    served = _fresh(question, standing, now)
    if served is not None:
        return served
    if question.purpose is Purpose.VERIFY and now < question.deadline:
        reason = (
            f"{_known(standing, now)}; read again at {moment(question.deadline, now)} at the latest"
        )
        return _decision(standing, Action.WAIT, "wait", reason, until=question.deadline)
    return _look_or_admit(question, standing, now)


def by_ttl(question: Question, standing: Standing, now: datetime) -> Decision:
    """SERVE for a day after a look, whatever it is for; a person who insists has it read again."""
    age = age_of(standing.as_of, now)
    if _is_looked_since(question, standing):
        return _decision(standing, Action.SERVE, TTL_SEEN, f"{_known(standing, now)}, just read")
    if not question.is_confirmed and age is not None and age <= VALID_FOR:
        reason = f"read {span(age)} ago; valid for {span(VALID_FOR)}"
        return _decision(standing, Action.SERVE, "ttl.books_valid", reason)
    return _look_or_admit(question, standing, now)


def _fresh(question: Question, standing: Standing, now: datetime) -> Decision | None:
    age = age_of(standing.as_of, now)
    if age is None:
        return None
    if _is_looked_since(question, standing):
        reason = f"{_known(standing, now)}, read after it was asked for"
        return _decision(standing, Action.SERVE, SEEN_SINCE, reason)
    if question.is_confirmed or question.purpose is Purpose.VERIFY:
        return None
    is_decision = STANDARDS[question.purpose].is_decision
    window = min(question.window, DECISION_WINDOW if is_decision else DISPLAY_WINDOW)
    if age > window or (is_decision and not _joins(standing, now)):
        return None
    wanted = f"{NOUNS[question.purpose]} accepts books up to {span(window)} old"
    return _decision(standing, Action.SERVE, "books.fresh", f"{_known(standing, now)}; {wanted}")


def _joins(standing: Standing, now: datetime) -> bool:
    """Whether a decision does without a look of its own: nothing speaks for a change since the last one, and that was
    made a moment ago or another cannot be made."""
    if standing.is_hinted:
        return False
    age = age_of(standing.read_at, now)
    is_young = age is not None and age <= JOIN_WINDOW
    return is_young or standing.cannot_pay is not None or _is_tried(standing, now)


def _is_tried(standing: Standing, now: datetime) -> bool:
    return standing.looked_at is not None and standing.looked_at >= now


def _look_or_admit(question: Question, standing: Standing, now: datetime) -> Decision:
    """One look, unless one was tried for this question, or may not be made: then say how old it is."""
    if standing.cannot_pay is None and not _is_tried(standing, now):
        how = "one call reads what changed in the whole company"
        if standing.as_of is None:
            how = "all of them are read now, a thousand rows a call"
        reason = f"{_known(standing, now)}; {how}"
        return _decision(standing, Action.LOOK, "books.look", reason)
    why = standing.cannot_pay or standing.health_reason or "it could not be read just now"
    if standing.as_of is None or question.purpose is Purpose.GUARDRAIL:
        reason = f"held: {_known(standing, now)}; {why}"
        return _decision(standing, Action.HOLD, "books.hold", reason, label=reason)
    label = f"unverified since {moment(standing.as_of, now)}: {why}"
    return _decision(standing, Action.SERVE, "books.unverified", label, label=label)


def _is_looked_since(question: Question, standing: Standing) -> bool:
    looked_at = standing.read_at
    return standing.as_of is not None and looked_at is not None and looked_at >= question.asked_at


def _known(standing: Standing, now: datetime) -> str:
    if standing.as_of is None:
        return "the books were never read"
    return f"the books are {seen(standing.as_of, now)}"


def _decision(
    standing: Standing,
    action: Action,
    rule: str,
    reason: str,
    *,
    until: datetime | None = None,
    label: str | None = None,
) -> Decision:
    return Decision(action, rule, reason, standing.as_of, until, label)
