"""Reconcile: look at one connection's state, do the next right thing, say when to look again.

It does not care what woke it, so a lost, doubled or reordered wake-up is harmless. It ends after
`CALLS_MAX` calls or `RUN_MAX`; what is left is due again at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rowcol.core.change import (
    Answered,
    Change,
    ConnectionView,
    DecisionRecord,
    Lease,
    NotBefore,
    Postponed,
    Refused,
)
from rowcol.core.evidence import Observation
from rowcol.core.freshness.policy import Policy
from rowcol.core.ids import CallId, ConnectionId, DecisionId, NeedId
from rowcol.core.money import FREE, Cost
from rowcol.core.outcome import Billed, Outcome, outcome_of_silence
from rowcol.core.plan import SOON, Fetch, Picture, Rest, plan, standing_of
from rowcol.core.rail import Failure, Rail, Reading
from rowcol.core.refusal import Busy, Refusal
from rowcol.core.wire import NoAnswer
from rowcol.engine.aftermath import abandoned, inputs_of, state_after
from rowcol.engine.ambient import Ambient
from rowcol.engine.gateway import Cause, Gateway, Sent
from rowcol.engine.merge import view_with
from rowcol.engine.topics import ANSWERS
from rowcol.ports import FullStore

CALLS_MAX = 8
RUN_MAX = timedelta(seconds=20)
REFUSED_RETRY = timedelta(minutes=5)
COMMIT_TRIES = 3
"""A busy store is waited for by the store itself, some seconds a try."""


@dataclass(slots=True)
class Work:
    """One run over one connection: the view as it moves, and what the next commit will carry."""

    lease: Lease
    view: ConnectionView
    price_micros: int
    policy: Policy
    change: Change
    spent: dict[NeedId, Cost] = field(default_factory=dict)
    calls: list[CallId] = field(default_factory=list)
    paid_refusal: str | None = None
    paid_not_before: datetime | None = None
    is_parked: bool = False
    has_looked: bool = False


class Reconciler:
    """Joins plan, gateway, rail and store. Holds nothing between runs."""

    def __init__(
        self,
        rails: Mapping[str, Rail],
        store: FullStore,
        gateway: Gateway,
        ambient: Ambient,
    ) -> None:
        self._rails = rails
        self._store = store
        self._gateway = gateway
        self._clock = ambient.clock
        self._rng = ambient.rng
        self._doorbell = ambient.doorbell
        self._preferences = ambient.preferences

    async def reconcile(self, lease: Lease) -> None:
        """One run. Whatever it learns is committed; an exception leaves the subject leased until it expires."""
        work = await self._begin(lease)
        if work is None:
            await self._store.release(lease, None)
            return
        try:
            await self._run(work, self._rails[work.view.connection.rail])
        except Exception:
            await self._rescue(work)
            raise

    async def _run(self, work: Work, rail: Rail) -> None:
        started_at = self._clock.now()
        for made in range(CALLS_MAX + 1):
            now = self._clock.now()
            step = plan(self._picture(work), rail, work.policy, now)
            if isinstance(step, Rest):
                await self._finish(work, step)
                return
            if made == CALLS_MAX or now - started_at > RUN_MAX:
                await self._commit(work, replace(work.change, next_at=now + SOON, releases=True))
                return
            # Due until the run ends: if this process dies, whoever holds the lease next goes on from here.
            if made and not (await self._commit(work, replace(work.change, next_at=now))):
                return
            await self._call(work, rail, step)

    async def _rescue(self, work: Work) -> None:
        """What was paid for is kept whatever broke afterwards, and not paid for again by the same needs."""
        change = work.change
        if not change.settlements:
            return
        state = replace(work.view.connection.state, paid_failed_at=self._clock.now())
        kept = Change(
            work.lease,
            state=state,
            settlements=change.settlements,
            observations=change.observations,
        )
        await self._commit(work, kept)

    async def _begin(self, lease: Lease) -> Work | None:
        view = await self._store.read_view(lease.firm, ConnectionId(lease.subject))
        if view is None:
            return None
        rail = self._rails[view.connection.rail]
        state, drained, parked = view.connection.state, [], {}
        for pending in view.pending:
            try:
                signals = rail.translate(pending.body)
            except ValueError as error:
                parked[pending.id] = str(error)[:200]
                continue
            drained.append(pending.id)
            for signal in signals:
                state = replace(state.marked(signal.stream, signal.reason), stream_retry_at=None)
        view = replace(view, connection=replace(view.connection, state=state), pending=())
        lost = abandoned(view, self._clock.now())
        change = Change(lease, state=state, drained=tuple(drained), parked=parked, settlements=lost)
        price = await self._gateway.price_of_live(view.connection)
        policy = await self._preferences.policy(lease.firm)
        return Work(lease, view, price.micros, policy, change)

    def _picture(self, work: Work) -> Picture:
        connection = work.view.connection
        return Picture(
            state=connection.state,
            accounts=work.view.accounts,
            needs=work.view.needs,
            created_at=connection.created_at,
            spread=zlib.crc32(connection.id.encode()) / 2**32,
            price_micros=work.price_micros,
            paid_refusal=work.paid_refusal,
            paid_not_before=work.paid_not_before,
            is_parked=work.is_parked or connection.is_paused,
            has_looked=work.has_looked,
        )

    async def _call(self, work: Work, rail: Rail, step: Fetch) -> None:
        """Make one call and fold its answer into the view and the next commit."""
        connection = work.view.connection
        cause = Cause(step.trigger, step.reason, step.purpose)
        work.has_looked |= not step.is_paid
        token = work.view.token
        try:
            sent = await self._gateway.fetch(connection.firm, connection, step.look, cause, token)
        except Refusal as error:  # a key, an app or a price is missing: nothing was sent
            sent = Refused(error.message)
        match sent:
            case NotBefore(until, _):
                self._put_off(work, step, until)
            case Refused(reason):
                self._refuse(work, step, reason)
            case Sent():
                work.calls.append(sent.intent.id)
                self._fold(work, rail, step, sent)

    def _put_off(self, work: Work, step: Fetch, until: datetime) -> None:
        """A quota said not yet."""
        if step.is_paid:
            work.paid_not_before = until
        else:
            self._retry_at(work, until)

    def _refuse(self, work: Work, step: Fetch, reason: str) -> None:
        """A budget, a pause or a missing secret said no: nothing more is called in this run."""
        work.paid_refusal = reason
        if not step.is_paid:
            work.is_parked = True
            self._retry_at(work, self._clock.now() + REFUSED_RETRY)

    def _retry_at(self, work: Work, until: datetime) -> None:
        state = replace(work.view.connection.state, retry_at=until)
        work.view = replace(work.view, connection=replace(work.view.connection, state=state))
        work.change = replace(work.change, state=state)

    def _fold(self, work: Work, rail: Rail, step: Fetch, sent: Sent) -> None:
        before = work.view.connection.state
        answer = sent.answer
        if isinstance(answer, NoAnswer):
            outcome = outcome_of_silence(answer)
            read: Reading | Failure = rail.silent(
                step.look, outcome, answer.silence, answer.received_at, before
            )
        else:
            read = rail.read(step.look, answer, before)
        outcome, detail = (
            (read.outcome, read.detail) if isinstance(read, Failure) else (Outcome.OK, "")
        )
        state = state_after(step, outcome, read.state, before, self._clock.now())
        settlement = sent.settlement(outcome, detail, read.remote_request_id)
        if step.need is not None and settlement.billed is not Billed.NO:
            cost = work.spent.get(step.need.id, FREE) + sent.intent.price
            work.spent[step.need.id] = cost
        change = work.change
        observations: tuple[Observation, ...] = ()
        if isinstance(read, Reading):
            observations = tuple(replace(o, call=sent.intent.id) for o in read.observations)
            change = replace(
                change,
                rows=change.rows + read.rows,
                staged=change.staged + read.staged,
                publishes=read.publishes,
                coverages=change.coverages + read.coverages,
            )
        work.change = replace(
            change,
            discards=read.discards,
            settlements=(*change.settlements, settlement),
            observations=change.observations + observations,
        )
        rows = read.rows if isinstance(read, Reading) else ()
        work.view = view_with(work.view, state, rows, observations)
        if step.is_paid and not self._is_seen_live(work, rail, sent.intent.opened_at):
            state = replace(state, paid_failed_at=self._clock.now())
            work.view = view_with(work.view, state, (), ())
        work.change = replace(work.change, state=state)

    def _is_seen_live(self, work: Work, rail: Rail, since: datetime) -> bool:
        """Whether a paid call brought every account that counts; if not, paying again would not either."""
        seen_at = standing_of(self._picture(work), rail, self._clock.now()).live_as_of
        return seen_at is not None and seen_at >= since

    async def _finish(self, work: Work, rest: Rest) -> None:
        now = self._clock.now()
        answered, records = [], []
        for need, decision in rest.ended:
            cost = work.spent.get(need.id, FREE)
            answered.append(Answered(need.id, decision, cost, tuple(work.calls), now))
            records.append((need, decision, cost))
        postponed = []
        for need, decision in rest.waiting:
            postponed.append(Postponed(need.id, decision, decision.until or need.question.deadline))
            if need.check_at <= need.question.asked_at:
                records.append((need, decision, work.spent.get(need.id, FREE)))
        decisions = tuple(
            DecisionRecord(
                id=DecisionId(self._rng.new_id("dec")),
                firm=need.firm,
                business=need.business,
                connection=need.connection,
                need=need.id,
                policy=work.policy.name,
                question=need.question,
                decision=decision,
                cost=cost,
                calls=tuple(work.calls),
                decided_at=now,
                inputs=inputs_of(work.view),
            )
            for need, decision, cost in records
        )
        change = replace(
            work.change,
            answered=tuple(answered),
            postponed=tuple(postponed),
            decisions=decisions,
            next_at=rest.next_at,
            releases=True,
        )
        if await self._commit(work, change) and answered:
            self._doorbell.ring(ANSWERS)

    async def _commit(self, work: Work, change: Change) -> bool:
        """Write it. False: the lease had passed to another, who does the rest. Raise `Busy` after some tries."""
        for left in reversed(range(COMMIT_TRIES)):
            try:
                done = await self._store.commit(work.lease.firm, change)
            except Busy:
                if not left:
                    raise
            else:
                work.change = Change(work.lease)
                return not done.is_fenced
        raise AssertionError("unreachable")
