"""Plan: the next right thing for one connection, as a pure function of what is known. It never waits and never sends.

needs, signals, sweep --> policy.decide --> | LOOK  -> a free call, then plan again
                                            | PAY   -> the priced call, then plan again
                                            | WAIT  -> postponed
                                            ` SERVE, HOLD -> answered
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rowcol.core.cash import Role, counted, is_gone, role_of
from rowcol.core.change import Action, Decision
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health, Standing
from rowcol.core.freshness.evidence import LOOK_JOIN
from rowcol.core.freshness.policy import Policy
from rowcol.core.need import STANDARDS, TRIGGERS, Need, Purpose, Question, Trigger, priority_of
from rowcol.core.picture import Picture, standing_of
from rowcol.core.rail import CannotHelp, Look, Rail, Want
from rowcol.core.rail import Role as RailRole
from rowcol.core.sweep import SWEEP_BROKEN, sweep_at, sweep_reason

SOON = timedelta(milliseconds=1)
NOTHING_COUNTS = "plan.nothing_counts"
NEVER = timedelta(days=365)
"""A login that was removed is looked at again only when somebody asks."""
PERSON_WAITS = timedelta(seconds=60)
"""What our own limits put off by no more than this is waited for, whatever the deadline."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Make this call, and say this in the call log. `need` is the one it is charged to, if any."""

    look: Look
    trigger: Trigger
    reason: str
    purpose: Purpose | None
    need: Need | None
    is_paid: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to call now. `ended` and `waiting` say what becomes of each need; `next_at`: when to look again."""

    ended: tuple[tuple[Need, Decision], ...]
    waiting: tuple[tuple[Need, Decision], ...]
    next_at: datetime


def plan(picture: Picture, rail: Rail, policy: Policy, now: datetime) -> Fetch | Rest:
    """The next step. Calling it again after each answer looks at free evidence first and pays last.

    Needs come before hints and sweeps: when one was answered, the rest is left to the next run, so
    that nobody waits for what they did not ask.
    """
    needs = sorted(picture.needs, key=lambda n: (*priority_of(n.question), n.id))
    standing = standing_of(picture, rail, now)
    decided = _decided(picture, policy, needs, standing, now)
    wanting = next((pair for pair in decided if pair[1].action in (Action.LOOK, Action.PAY)), None)
    if wanting is not None:
        if (fetch := _look_for(picture, rail, wanting, now)) is not None:
            return fetch
        # Nothing more to be learned for free just now: decide on what there is.
        standing = replace(standing, looked_at=now)
        decided = _decided(picture, policy, needs, standing, now)
        paying = next((pair for pair in decided if pair[1].action is Action.PAY), None)
        if paying is not None:
            if (fetch := _pay_for(picture, rail, paying)) is not None:
                return fetch
            why = picture.paid_refusal or "this connection is paused"
            standing = replace(standing, cannot_pay=standing.cannot_pay or why)
            decided = _decided(picture, policy, needs, standing, now)
    rest = _rest(picture, rail, decided, now)
    background = _background(picture, rail, now)
    if background is None:
        return rest
    return replace(rest, next_at=now + SOON) if rest.ended else background


def _decided(
    picture: Picture, policy: Policy, needs: Sequence[Need], standing: Standing, now: datetime
) -> list[tuple[Need, Decision]]:
    return [(need, decide(picture, policy, need.question, standing, now)) for need in needs]


def decide(
    picture: Picture, policy: Policy, question: Question, standing: Standing, now: datetime
) -> Decision:
    """The policy's decision, with what no policy has to know: where nothing counts there is nothing to know,
    and what our own limits or a failing rail put off is waited for as long as the question may wait."""
    rule = policy.decide_books if picture.role is RailRole.BOOKS else policy.decide
    if picture.accounts and not any(counted(account) for account in picture.accounts):
        if _may_be_back(picture, question, standing, now):
            reason = "an account that counts was not shown any more; it is looked for, for free"
            return Decision(Action.LOOK, NOTHING_COUNTS, reason, None)
        reason = "no account at this login counts as cash"
        if any(account.is_superseded for account in picture.accounts):
            reason = "what this login shows is counted by another login's look"
        return Decision(Action.SERVE, NOTHING_COUNTS, reason, now)
    decision = rule(question, standing, now)
    blocked = _blocked(picture, decision, question, now)
    if blocked is None:
        return decision
    until, why = blocked
    without = replace(standing, looked_at=now, cannot_pay=standing.cannot_pay or why)
    instead = rule(question, without, now)
    is_good = instead.action is Action.SERVE and instead.label is None
    if is_good or until > max(question.deadline, now + PERSON_WAITS):
        return instead
    return Decision(Action.WAIT, "plan.put_off", why, standing.as_of, until)


def _may_be_back(picture: Picture, question: Question, standing: Standing, now: datetime) -> bool:
    """Whether an operating account is missing that nobody looked for within the window: banks leave one out at times."""
    if not STANDARDS[question.purpose].is_decision or not _may_look(picture, now):
        return False
    is_missing = any(
        role_of(a) is Role.OPERATING and is_gone(a) and not a.is_superseded
        for a in picture.accounts
    )
    looked_at, state = standing.looked_at, picture.state
    is_old = looked_at is None or looked_at < now - question.window
    is_unread = state.seen_until is not None and (
        state.balances_as_of is None or state.balances_as_of < state.seen_until
    )
    return is_missing and (is_old or is_unread)


def _blocked(
    picture: Picture, decision: Decision, question: Question, now: datetime
) -> tuple[datetime, str] | None:
    """Until when the decision cannot be carried out, and why. A person who confirmed the price waits for no retry."""
    opens_at, state = picture.paid_not_before, picture.state
    if decision.action is Action.PAY and opens_at is not None and opens_at > now:
        return opens_at, f"our limit for live looks opens again at {opens_at:%H:%M:%S} UTC"
    if decision.action not in (Action.LOOK, Action.PAY):
        return None
    if state.retry_at is None or state.retry_at <= now:
        return None
    is_soon = picture.role is RailRole.BOOKS and state.retry_at <= now + PERSON_WAITS
    if question.is_confirmed and not is_soon:
        return None  # they insist: it is tried now
    what = (
        "the rail failed a moment ago and" if state.failures else "our limit is used up; the rail"
    )
    return state.retry_at, f"{what} is asked again at {state.retry_at:%H:%M:%S} UTC"


def _may_call(picture: Picture) -> bool:
    return not picture.is_parked and picture.state.health is not Health.RETIRED


def _may_look(picture: Picture, now: datetime) -> bool:
    retry_at = picture.state.retry_at
    return _may_call(picture) and (retry_at is None or retry_at <= now)


def _look_for(
    picture: Picture, rail: Rail, wanting: tuple[Need, Decision], now: datetime
) -> Fetch | None:
    """The free call that a need asks for; also before paying, when a hint says that something changed."""
    need, decision = wanting
    is_insisting = need.question.is_confirmed and _may_call(picture) and not picture.has_looked
    if not (_may_look(picture, now) or is_insisting):
        return None
    since = now if picture.role is RailRole.BOOKS else now - LOOK_JOIN
    look = rail.free_look(
        picture.state, Want(since, now, balances=True, streams=False, omits=picture.omits)
    )
    if look is None or _is_stuck(look, picture.state, now):
        return None
    purpose = need.question.purpose
    return Fetch(look, TRIGGERS[purpose], decision.reason, purpose, need, is_paid=False)


def _pay_for(picture: Picture, rail: Rail, paying: tuple[Need, Decision]) -> Fetch | None:
    paid = rail.paid_look(picture.state)
    is_refused = picture.paid_refusal is not None or picture.paid_not_before is not None
    if isinstance(paid, CannotHelp) or is_refused or not _may_call(picture):
        return None
    need, decision = paying
    purpose = need.question.purpose
    return Fetch(paid, TRIGGERS[purpose], decision.reason, purpose, need, is_paid=True)


def _background(picture: Picture, rail: Rail, now: datetime) -> Fetch | None:
    """The free call that is due though nobody asked: for what a delivery hinted at, then for the sweep."""
    if not _may_look(picture, now):
        return None
    state = picture.state
    recently = now - LOOK_JOIN
    may_stream = state.stream_retry_at is None or state.stream_retry_at <= now
    spec = rail.spec
    if spec.is_lazy:
        look = rail.free_look(state, Want(None, now, balances=True, streams=False))
        if look is not None and not _is_stuck(look, state, now):
            return Fetch(look, Trigger.REPAIR, _unfinished_reason(state), None, None, is_paid=False)
    elif state.dirty:
        since = recently if may_stream else None
        look = rail.free_look(state, Want(since, now, balances=True, streams=may_stream))
        if look is not None:
            reason = next(iter(state.dirty.values()))
            return Fetch(look, Trigger.DELIVERY, reason, None, None, is_paid=False)
    due_at = sweep_at(spec, state, picture.created_at, picture.spread)
    is_looking = not spec.is_lazy and state.looked_at is not None and state.looked_at >= recently
    if due_at <= now or is_looking:
        since = min(due_at, recently)
        want = Want(since, now, balances=True, streams=may_stream, omits=picture.omits)
        look = rail.free_look(state, want)
        if look is not None and not _is_stuck(look, state, now):
            trigger = Trigger.REPAIR if state.health is not Health.OK else Trigger.SWEEP
            return Fetch(look, trigger, sweep_reason(state, now), None, None, is_paid=False)
    return None


def _is_stuck(look: Look, state: ConnectionState, now: datetime) -> bool:
    """Whether it reads on in a stream that failed a moment ago."""
    retry_at = state.stream_retry_at
    return bool(look.stream) and retry_at is not None and retry_at > now


def _is_unfinished(state: ConnectionState, rail: Rail, now: datetime) -> bool:
    """Whether a reading of several calls goes on by itself."""
    want = Want(None, now, balances=True, streams=False)
    return rail.spec.is_lazy and rail.free_look(state, want) is not None


def _unfinished_reason(state: ConnectionState) -> str:
    if state.looked_at is None:
        return "the first reading of these books"
    return "reading what changed and did not fit into one answer"


def _rest(
    picture: Picture, rail: Rail, decided: Sequence[tuple[Need, Decision]], now: datetime
) -> Rest:
    ended, waiting = [], []
    for need, decision in decided:
        if decision.action in (Action.SERVE, Action.HOLD):
            ended.append((need, decision))
        else:
            until = decision.until or need.question.deadline
            waiting.append((need, replace(decision, until=max(until, now + timedelta(seconds=1)))))
    return Rest(tuple(ended), tuple(waiting), _next_at(picture, rail, now))


def _next_at(picture: Picture, rail: Rail, now: datetime) -> datetime:
    """When to look again though nobody asks: the sweep, sooner for a stream that was not ready, later after a failure."""
    state, spec = picture.state, rail.spec
    if state.health is Health.RETIRED:
        return now + NEVER
    if state.retry_at is not None and state.retry_at > now and _is_unfinished(state, rail, now):
        return state.retry_at
    due_at = sweep_at(spec, state, picture.created_at, picture.spread)
    if due_at <= now and state.health in (Health.NEEDS_RECONNECT, Health.UNSUPPORTED):
        due_at = now + SWEEP_BROKEN  # it was tried just now, or must not be
    if state.dirty and state.stream_retry_at is not None:
        due_at = min(due_at, state.stream_retry_at)
    if state.retry_at is not None:
        is_pressing = bool(state.dirty) and not spec.is_lazy
        due_at = state.retry_at if is_pressing else max(due_at, state.retry_at)
    return max(due_at, now + LOOK_JOIN)
