"""Policy `evidence`: look at free evidence, wait for what comes by itself, pay at the last responsible moment.

A chain of rules, the first that has an answer decides (`RULES`, `FORCED_RULES`). Only age counts
here, and for accounts whose history proves it, that banks were closed. docs/decisions/0010 has
the proof that no schedule pays less often for the same windows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rowcol.core.change import Action, Decision
from rowcol.core.evidence import Health, Standing, age_of
from rowcol.core.freshness import books
from rowcol.core.freshness.calendar import closed_since
from rowcol.core.freshness.rhythm import Expected, next_pull
from rowcol.core.freshness.wording import NOUNS, moment, paid_why, seen, span
from rowcol.core.money import Cost
from rowcol.core.need import GRACE, Purpose, Question

JOIN = timedelta(minutes=10)
"""A live look this young is "now": it serves everybody who asks for one."""
LOOK_JOIN = timedelta(seconds=60)
"""A free look this young is not repeated; a pull that came after it is heard of at the next one."""
CHECK_EVERY = timedelta(minutes=15)
"""Between free looks once the expected pull is late; a day's wait or more is cut into 24."""
CHECKS = 24
DISPLAY_FREE_UNDER = timedelta(hours=24)
"""A younger value is shown as it is, whatever window the display asked for."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What a rule judges."""

    question: Question
    standing: Standing
    now: datetime

    @property
    def age(self) -> timedelta | None:
        return age_of(self.standing.as_of, self.now)

    @property
    def is_verify(self) -> bool:
        return self.question.purpose is Purpose.VERIFY

    @property
    def seen(self) -> str:
        return seen(self.standing.as_of, self.now)

    def moment(self, at: datetime) -> str:
        return moment(at, self.now)

    def decision(
        self,
        action: Action,
        rule: str,
        reason: str,
        *,
        until: datetime | None = None,
        label: str | None = None,
    ) -> Decision:
        return Decision(action, f"evidence.{rule}", reason, self.standing.as_of, until, label)


_Rule = Callable[[_Case], Decision | None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Age only: a value is good while it is younger than the purpose's window."""

    name: str = "evidence"

    def decide(self, question: Question, standing: Standing, now: datetime) -> Decision:
        """The first rule with an answer; the last one always has one."""
        case = _Case(question, standing, now)
        is_live_wanted = question.purpose is Purpose.FORCED and question.is_confirmed
        for rule in FORCED_RULES if is_live_wanted else RULES:
            decision = rule(case)
            if decision is not None:
                return decision
        return _pay(case)

    def decide_books(self, question: Question, standing: Standing, now: datetime) -> Decision:
        """By the age of the mirror."""
        return books.by_evidence(question, standing, now)


def _joined(case: _Case) -> Decision | None:
    """A live look for this question, or one so young that another would bring nothing."""
    live = case.standing.live_as_of
    if live is None:
        return None
    age = max(case.now - live, timedelta(0))
    if live < case.question.asked_at and age > min(JOIN, case.question.window):
        return None
    reason = f"asked the bank itself at {case.moment(live)}, {span(age)} ago"
    label = None if age <= case.question.window else f"{case.seen}: answered late"
    return case.decision(Action.SERVE, "joined", reason, label=label)


def _fresh(case: _Case) -> Decision | None:
    """Young enough for the purpose. A payment check wants a look made after it was asked, of any age."""
    as_of, age = case.standing.as_of, case.age
    if as_of is None or age is None:
        return None
    if case.is_verify:
        if as_of < case.question.asked_at:
            return None
        reason = f"{case.seen}, after the payment check was asked for"
        return case.decision(Action.SERVE, "seen_since", reason)
    if age > case.question.window:
        return None
    wanted = f"{NOUNS[case.question.purpose]} accepts up to {span(case.question.window)}"
    return case.decision(Action.SERVE, "fresh", f"{case.seen}; {wanted}")


def _closed(case: _Case) -> Decision | None:
    """Banks were closed ever since, and this account has proven that nothing is posted then."""
    as_of, standing = case.standing.as_of, case.standing
    if case.is_verify or as_of is None or not standing.closed_days_proven:
        return None
    if not closed_since(as_of, case.now):
        return None
    reason = (
        f"{case.seen}; banks were closed since, and nothing was ever posted here on closed days"
    )
    return case.decision(Action.SERVE, "banks_closed", reason)


def _look(case: _Case) -> Decision | None:
    """Free evidence first, anew at each check. After the deadline, a look made at it is the last one."""
    looked_at = case.standing.looked_at
    wanted_at = min(case.now, max(case.question.deadline, case.question.asked_at)) - LOOK_JOIN
    if looked_at is not None and looked_at >= wanted_at:
        return None
    last = "never yet" if looked_at is None else f"last at {case.moment(looked_at)}"
    return case.decision(Action.LOOK, "look", f"asking for free evidence first ({last})")


def _late(case: _Case) -> Decision | None:
    """Looked at the bank after the deadline and grown old again before anybody answered; or nobody waits any more."""
    as_of, deadline = case.standing.as_of, case.question.deadline
    if as_of is not None and as_of >= deadline:
        if case.age is not None and case.age <= case.question.window:
            reason = f"{case.seen}, after it was asked for"
            return case.decision(Action.SERVE, "seen_since", reason)
        return _unverified(case, f"the answer came after the deadline {case.moment(deadline)}")
    if case.now > deadline + GRACE and paid_why(case.question, case.standing, case.now) is None:
        why = f"nobody worked on it before the deadline {case.moment(deadline)}"
        return _unverified(case, f"{why}, so nothing was paid")
    return None


def _helpless(case: _Case) -> Decision | None:
    """Paying cannot help, or just failed: wait for what may still come for free, else say so."""
    standing = case.standing
    tried = paid_why(case.question, standing, case.now)
    why = tried if standing.paid_is_unknown and tried else standing.cannot_pay or tried
    if why is None:
        return None
    until = _wait_until(case)
    if until is None:
        return _unverified(case, why)
    reason = f"{case.seen}; {why}; waiting for the bank's next free look"
    return case.decision(Action.WAIT, "wait_unpaid", reason, until=until)


def _unpaid(case: _Case) -> Decision | None:
    """A display under a day old or not seen yet, and a look-up whose price nobody confirmed, cost nothing."""
    purpose, age = case.question.purpose, case.age
    is_young = age is None or age < DISPLAY_FREE_UNDER
    if not (purpose is Purpose.FORCED or (purpose is Purpose.DISPLAY and is_young)):
        return None
    if case.standing.as_of is None:
        reason = f"never seen; {_price_of_live(case)}"
        return case.decision(Action.HOLD, "never_seen", reason, label=reason)
    label = f"{case.seen}; {_price_of_live(case)}"
    return case.decision(Action.SERVE, "unpaid", label, label=label)


def _wait(case: _Case) -> Decision | None:
    """The bank's own next look will probably come in time."""
    until = _wait_until(case)
    if until is None:
        return None
    deadline = case.moment(case.question.deadline)
    expected = _expected(case)
    if expected is None:
        usual = "the bank's next look may still come"
    elif expected.at > case.now:
        usual = f"the bank is usually looked at by {case.moment(expected.at)}"
    else:
        usual = "the bank's usual look is late"
    reason = f"{case.seen}; {usual}, so nothing is paid before {deadline}"
    return case.decision(Action.WAIT, "wait", reason, until=until)


def _pay(case: _Case) -> Decision:
    """Now is the last responsible moment."""
    question = case.question
    if question.is_confirmed and question.purpose is Purpose.FORCED:
        why = "a live value was asked for and its price confirmed"
    elif case.is_verify:
        why = f"no free look came before {case.moment(question.deadline)}"
    else:
        why = f"{NOUNS[question.purpose]} accepts up to {span(question.window)}"
        if case.now < question.deadline:
            why += f" and no free look is expected before {case.moment(question.deadline)}"
    reason = f"paying {Cost(case.standing.price_micros)}: {case.seen}; {why}"
    return case.decision(Action.PAY, "pay", reason)


def _unverified(case: _Case, why: str) -> Decision:
    """Nothing fresher to be had: a guardrail fails closed, others are told since when it is unverified."""
    as_of = case.standing.as_of
    if as_of is None or case.question.purpose is Purpose.GUARDRAIL:
        reason = f"held: {case.seen}; {why}"
        return case.decision(Action.HOLD, "hold", reason, label=reason)
    label = f"unverified since {case.moment(as_of)}: {why}"
    return case.decision(Action.SERVE, "unverified", label, label=label)


def _price_of_live(case: _Case) -> str:
    price = case.standing.price_micros
    return f"a live value costs {Cost(price)}" if price else "a live value was not asked for"


def _expected(case: _Case) -> Expected | None:
    """The pull to expect as of when it was asked: so a late pull is waited for until the deadline."""
    question = case.question
    return next_pull(case.standing.pulls, question.asked_at, question.deadline)


def _wait_until(case: _Case) -> datetime | None:
    """When to look again, None when waiting is over or pointless.

    No pull is missed: the next check comes before anything seen since this one outgrows the window.
    A payment check waits in any case, because what it waits for is a pull.
    """
    question, now = case.question, case.now
    if now >= question.deadline or case.standing.health is not Health.OK:
        return None
    expected = _expected(case)
    if expected is None and not case.is_verify:
        return None
    step = max(CHECK_EVERY, (question.deadline - question.asked_at) / CHECKS)
    until = expected.at if expected is not None and expected.at > now else now + step
    if not case.is_verify:
        until = min(until, now + max(question.window, LOOK_JOIN))
    return min(until, question.deadline)


RULES: tuple[_Rule, ...] = (_fresh, _closed, _look, _late, _helpless, _unpaid, _wait)
FORCED_RULES: tuple[_Rule, ...] = (_joined, _look, _closed, _late, _helpless)
"""For a look-up whose price a person confirmed: only a live value or a proof will do."""
