"""Resolve: a question about what one kind of rail knows of a business, decided connection by connection. Spends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rowcol.core.cash import live
from rowcol.core.change import Action, Answered, ConnectionView, Decision, DecisionRecord
from rowcol.core.clock_back import believed
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.freshness.books import SINCE_ASKED
from rowcol.core.freshness.policy import Policy
from rowcol.core.identity import Identified
from rowcol.core.ids import BusinessId, CallId, DecisionId, FirmId, NeedId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import STANDARDS, Need, Purpose, Question
from rowcol.core.picture import Picture, standing_of
from rowcol.core.plan import NOTHING_COUNTS, decide
from rowcol.core.rail import Rail, Role
from rowcol.engine.accounts import AccountReader
from rowcol.engine.aftermath import inputs_of
from rowcol.engine.ambient import Ambient
from rowcol.engine.decisions import DecisionLog
from rowcol.engine.gateway import Gateway
from rowcol.engine.topics import DUE
from rowcol.ports import FullStore

NOTHING = Identified(())
ENDED = (Action.SERVE, Action.HOLD)
FOR_A_PERSON = frozenset({"cash.same_account", "cash.nothing_counts"})
"""Rules of a hold that only a person's word ends: no look would, and nothing is bought. Another hold may end by a look."""
HELD_AT_ONCE = (Purpose.RITUAL, Purpose.GUARDRAIL)
"""Whoever asks for a live value gets it, held all the same."""
_SEVERITY = (Action.HOLD, Action.PAY, Action.WAIT, Action.LOOK, Action.SERVE)


@dataclass(frozen=True, slots=True)
class Part:
    """One connection's share of an answer."""

    connection: Connection
    decision: Decision


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question with every connection's decision. `cost`: spent for this very answer; `calls`: behind it.

    `views`: removed connections too, so that what they lack can be said; nothing is decided on those.
    `identified`: which of their accounts are one. `held`: why nothing may be decided on the whole, whatever
    is known of each connection.
    """

    business: BusinessId
    question: Question
    views: tuple[ConnectionView, ...]
    parts: tuple[Part, ...]
    policy: str
    answered_at: datetime
    cost: Cost = FREE
    calls: tuple[CallId, ...] = ()
    records: tuple[DecisionRecord, ...] = ()
    identified: Identified = NOTHING
    held: Decision | None = None

    def speaking(self, nothing: str) -> Decision:
        """The decision that speaks for the whole: the worst. `nothing`: said where nothing is connected."""
        if self.held is not None:
            return self.held
        if not self.parts:
            return Decision(Action.HOLD, "no_login", nothing, None)
        decisions = (part.decision for part in self.parts)
        return min(
            decisions,
            key=lambda d: (
                _SEVERITY.index(d.action),
                d.label is None,
                d.rule == NOTHING_COUNTS,  # a login that adds nothing does not speak for the rest
            ),
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """What must be said beside the answer."""
        decisions = [p.decision for p in self.parts]
        if self.held is not None:
            decisions.insert(0, self.held)
        return tuple(dict.fromkeys(d.label for d in decisions if d.label))


@dataclass(frozen=True, slots=True)
class Open:
    """Not answered yet: these needs were written, and reconcile will answer them by the deadline."""

    question: Question
    needs: Mapping[NeedId, Connection]
    answered: tuple[Answered, ...] = ()
    """Needs of the same question that were answered before, for what they cost."""


class Resolver:
    """Decides on what is known of the connections of one role; writes needs for what is not."""

    def __init__(
        self,
        rails: Mapping[str, Rail],
        store: FullStore,
        gateway: Gateway,
        decisions: DecisionLog,
        ambient: Ambient,
        role: Role,
    ) -> None:
        self._role = role
        self._rails = rails
        self._store = store
        self._gateway = gateway
        self._clock = ambient.clock
        self._rng = ambient.rng
        self._doorbell = ambient.doorbell
        self._preferences = ambient.preferences
        self._decisions = decisions
        self._accounts = AccountReader(store)

    async def peek(self, firm: FirmId, business: BusinessId, question: Question) -> Resolved:
        """What would be decided now, wherever that leads. Nothing is asked, written or logged."""
        found = await self._identified(firm, business)
        policy = await self._preferences.policy(firm)
        now = self._clock.now()
        parts = tuple(
            [
                Part(view.connection, await self._decide(view, question, policy, now))
                for view in live(found.views)
            ]
        )
        return Resolved(business, question, found.views, parts, policy.name, now, identified=found)

    async def ask(self, firm: FirmId, business: BusinessId, question: Question) -> Resolved | Open:
        """An answer at once, or the needs that will bring it."""
        answer = await self.peek(firm, business, question)
        missing = [p.connection for p in answer.parts if p.decision.action not in ENDED]
        held = self._held(answer)
        is_over = (
            held is not None and question.purpose in HELD_AT_ONCE and held.rule in FOR_A_PERSON
        )
        if missing and not is_over:
            return await self._open(firm, business, question, missing)
        answer = replace(answer, held=held)
        records = self._records(firm, answer)
        self._decisions.add(records)
        return replace(answer, records=records)

    async def _open(
        self,
        firm: FirmId,
        business: BusinessId,
        question: Question,
        missing: Sequence[Connection],
        answered: tuple[Answered, ...] = (),
    ) -> Open:
        needs = {NeedId(self._rng.new_id("need")): connection for connection in missing}
        check_at = self._clock.now() if answered else question.asked_at
        await self._store.add_needs(
            firm,
            [Need(i, firm, business, c.id, question, check_at) for i, c in needs.items()],
        )
        self._doorbell.ring(DUE)
        return Open(question, needs, answered)

    async def collect(
        self, firm: FirmId, business: BusinessId, open_: Open
    ) -> Resolved | Open | None:
        """The answer if every need has been answered; None while one is missing.

        Logins are answered at different times: what was fresh when the first one was served may be
        old by the last. So each is judged again at the last one's time, and asked anew if it must be.
        """
        answers = await self._store.read_answers(firm, tuple(open_.needs))
        if len(answers) < len(open_.needs):
            return None
        by_login = {open_.needs[i].id: a for i, a in answers.items()}
        question = open_.question
        found = await self._identified(firm, business)
        views = found.views
        policy = await self._preferences.policy(firm)
        now = max(a.answered_at for a in answers.values())
        parts = [
            Part(
                view.connection,
                await self._judge(view, by_login.get(view.connection.id), question, policy, now),
            )
            for view in live(views)
        ]
        answered = (*open_.answered, *answers.values())
        missing = [p.connection for p in parts if p.decision.action not in ENDED]
        if missing:
            return await self._open(firm, business, question, missing, answered)
        answer = Resolved(
            business, question, views, tuple(parts), policy.name, now, identified=found
        )
        answer = replace(
            answer, held=self._held(answer), cost=_cost(answered), calls=_calls(answered)
        )
        if answer.held is not None:  # what each connection said is in the log already
            self._decisions.add([self._record(firm, answer, None, answer.held)])
        return answer

    def hold(self, answer: Resolved) -> Decision | None:
        """Why nothing may be decided on the whole, whatever each connection said; None where that is not so."""
        del answer
        return None

    def _held(self, answer: Resolved) -> Decision | None:
        is_decision = STANDARDS[answer.question.purpose].is_decision
        return self.hold(answer) if is_decision else None

    async def _judge(
        self,
        view: ConnectionView,
        answered: Answered | None,
        question: Question,
        policy: Policy,
        now: datetime,
    ) -> Decision:
        """A login's decision as of `now`: a refusal stands, a serve only while it still holds."""
        if answered is not None and (
            answered.decision.action is Action.HOLD or answered.decision.label
        ):
            return answered.decision
        if answered is not None and answered.decision.rule in SINCE_ASKED:
            return answered.decision  # that grows no older
        decision = await self._decide(view, question, policy, now)
        if decision.action in ENDED:
            return decision if answered is None else answered.decision
        if answered is not None:  # what is good enough where no look can be made, and none could
            last = await self._decide(view, question, policy, now, late="it was tried")
            if last.action is Action.SERVE and last.label is None:
                return answered.decision
        if now < question.deadline:
            return decision
        why = f"another login of this business was answered only at {now:%H:%M} UTC"
        return await self._decide(view, question, policy, now, late=why)

    async def give_up(self, firm: FirmId, business: BusinessId, open_: Open) -> Resolved:
        """An answer without reconcile's: nobody worked on the needs in time, so nothing may be decided on it."""
        found = await self._identified(firm, business)
        views = found.views
        policy = await self._preferences.policy(firm)
        now = self._clock.now()
        asked = {connection.id for connection in open_.needs.values()}
        rule, reason = _left([v.connection.state for v in views if v.connection.id in asked], now)
        decision = Decision(Action.HOLD, rule, reason, None, label=reason)
        parts = tuple(Part(c, decision) for c in open_.needs.values())
        return Resolved(business, open_.question, views, parts, policy.name, now, identified=found)

    async def _decide(
        self,
        view: ConnectionView,
        question: Question,
        policy: Policy,
        now: datetime,
        *,
        late: str | None = None,
    ) -> Decision:
        connection = view.connection
        price_micros = (await self._gateway.price_of_live(connection)).micros
        rail = self._rails[connection.rail]
        picture = Picture(
            connection.state,
            view.accounts,
            (),
            connection.created_at,
            0.0,
            price_micros,
            role=rail.spec.role,
            coverages=view.coverages,
            has_pending=view.has_pending,
        )
        standing = standing_of(picture, rail, now)
        if late is not None:
            standing = replace(standing, looked_at=now, cannot_pay=standing.cannot_pay or late)
        return decide(picture, policy, question, standing, now)

    async def _identified(self, firm: FirmId, business: BusinessId) -> Identified:
        views = await self._store.read_business_views(firm, business)
        rails, role = self._rails, self._role
        now = self._clock.now()
        mine = tuple(believed(v, now) for v in views if rails[v.connection.rail].spec.role is role)
        if role is not Role.CASH:
            return Identified(mine)
        return await self._accounts.identified(firm, business, mine)

    def _records(self, firm: FirmId, answer: Resolved) -> tuple[DecisionRecord, ...]:
        by_id = {view.connection.id: view for view in answer.views}
        records = [
            self._record(firm, answer, by_id[part.connection.id], part.decision)
            for part in answer.parts
            if part.decision.action in ENDED
        ]
        if answer.held is not None:
            records.insert(0, self._record(firm, answer, None, answer.held))
        return tuple(records)

    def _record(
        self, firm: FirmId, answer: Resolved, view: ConnectionView | None, decision: Decision
    ) -> DecisionRecord:
        """A line of the decision log; `view` None: it is about the whole business."""
        return DecisionRecord(
            id=DecisionId(self._rng.new_id("dec")),
            firm=firm,
            business=answer.business,
            connection=None if view is None else view.connection.id,
            need=None,
            policy=answer.policy,
            question=answer.question,
            decision=decision,
            cost=FREE,
            calls=(),
            decided_at=answer.answered_at,
            inputs={} if view is None else inputs_of(view),
        )


def _left(states: Iterable[ConnectionState], now: datetime) -> tuple[str, str]:
    """Why these connections answered nothing in time: rule and reason."""
    again_at = [s.retry_at for s in states if s.failures and s.retry_at and s.retry_at > now]
    if again_at:
        at = max(again_at)
        return "plan.put_off", f"the rail fails just now; it is asked again at {at:%H:%M:%S} UTC"
    return "no_worker", "no worker answered in time; check that `rowcol serve` runs"


def _cost(answers: Iterable[Answered]) -> Cost:
    total = FREE
    for answer in answers:
        total += answer.cost
    return total


def _calls(answers: Iterable[Answered]) -> tuple[CallId, ...]:
    return tuple(dict.fromkeys(call for answer in answers for call in answer.calls))
