"""Reconcile: look at one connection's state, do the next right thing, say when to look again.

It does not care what woke it, so a lost, doubled or reordered wake-up is harmless. It ends after
`CALLS_MAX` calls or `RUN_MAX`; what is left is due again at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from rowcol.core.change import (
    Answered,
    Change,
    ConnectionView,
    DecisionRecord,
    Lease,
    NotBefore,
    Postponed,
    Refused,
    after_loss,
)
from rowcol.core.clock_back import asked_by, believed
from rowcol.core.ids import CallId, ConnectionId, DecisionId, NeedId, RemoteId
from rowcol.core.money import FREE
from rowcol.core.need import Need
from rowcol.core.outcome import RULES, Billed, Outcome
from rowcol.core.plan import SOON, Fetch, Rest, plan
from rowcol.core.rail import Look, Rail, Role
from rowcol.core.records import Call
from rowcol.core.refusal import Busy, Refusal
from rowcol.engine import throttles
from rowcol.engine.accounts import AccountReader
from rowcol.engine.aftermath import abandoned, inputs_of, is_reading, made_since
from rowcol.engine.ambient import Ambient
from rowcol.engine.busy import retried_while_busy
from rowcol.engine.gateway import Cause, Gateway, Sent
from rowcol.engine.renewal import NotUsable, Renewer, lifted
from rowcol.engine.topics import ANSWERS
from rowcol.engine.work import Work
from rowcol.ports import FullStore

CALLS_MAX = 8
RUN_MAX = timedelta(seconds=20)
UNLISTED_MAX = 100
"""Rows that one call asks for by id; how long a list a rail takes is not always documented."""
BURIED_MAX = 10_000
"""Rows that are read at a time to be told as deleted."""
CONFIRM_REST = timedelta(seconds=10)
"""Until a limit that was used up surely admits two calls: a listing's last page again, and the one by id after it."""
CALLS_SEEN = 50
"""Of the newest lines of the call log, where what was done for a need in earlier runs is looked for."""
COMMIT_TRIES = 3
"""A busy store is waited for by the store itself, some seconds a try."""

log = structlog.get_logger(__name__)


class Reconciler:
    """Joins plan, gateway, rail and store. Holds nothing between runs."""

    def __init__(
        self,
        rails: Mapping[str, Rail],
        store: FullStore,
        gateway: Gateway,
        renewer: Renewer,
        ambient: Ambient,
    ) -> None:
        self._rails = rails
        self._store = store
        self._gateway = gateway
        self._renewer = renewer
        self._clock = ambient.clock
        self._rng = ambient.rng
        self._doorbell = ambient.doorbell
        self._preferences = ambient.preferences
        self._accounts = AccountReader(store)

    async def reconcile(self, lease: Lease) -> None:
        """One run. Whatever it learns is committed; an exception leaves the subject leased until it expires."""
        work = await self._begin(lease)
        if work is None:
            await self._store.release(lease, None)
            return
        try:
            await self._run(work)
        except Exception:
            await self._rescue(work)
            raise

    async def _run(self, work: Work) -> None:
        started_at = self._clock.now()
        for made in range(CALLS_MAX + 1):
            now = self._clock.now()
            step = plan(work.picture, work.rail, work.policy, now)
            if isinstance(step, Rest):
                await self._finish(work, step)
                return
            if made == CALLS_MAX or now - started_at > RUN_MAX:
                await self._commit(work, replace(work.change, next_at=now + SOON, releases=True))
                return
            # Due until the run ends: if this process dies, whoever holds the lease next goes on from here.
            if made and not (await self._commit(work, replace(work.change, next_at=now))):
                return
            await self._call(work, step)

    async def _rescue(self, work: Work) -> None:
        """What was paid for is kept whatever broke afterwards, and not paid for again by the same needs.

        The state is the stored one: a cursor that went on without its rows would lose them for good, and one that
        went back behind what was published as well.
        """
        change, lease = work.change, work.lease
        stored = await self._store.read_view(lease.firm, ConnectionId(lease.subject))
        if not change.settlements or stored is None:
            return
        state = stored.connection.state
        if any(cost.micros for cost in work.spent.values()):
            is_unknown = any(s.billed is Billed.POSSIBLY for s in change.settlements)
            state = state.paid_without_value(self._clock.now(), is_unknown=is_unknown)
        kept = Change(
            lease,
            state=state,
            settlements=change.settlements,
            observations=change.observations,
        )
        await self._commit(work, kept)

    async def _begin(self, lease: Lease) -> Work | None:
        view = await self._store.read_view(lease.firm, ConnectionId(lease.subject))
        if view is None:
            return None
        rail, begun_at = self._rails[view.connection.rail], self._clock.now()
        view = believed(view, begun_at)
        state, drained, parked = lifted(view, begun_at), [], {}
        for pending in view.pending:
            try:
                signals = rail.translate(pending.body, view.connection.remote_id)
            except ValueError as error:
                parked[pending.id] = str(error)[:200]
                continue
            drained.append(pending.id)
            state = replace(state, delivered_at=_later(state.delivered_at, pending.received_at))
            for signal in signals:
                state = replace(state.marked(signal.stream, signal.reason), stream_retry_at=None)
        needs = tuple(asked_by(need, begun_at) for need in view.needs)
        state = after_loss(state, view.open_calls)
        row = replace(view.connection, state=state)
        view = replace(view, connection=row, needs=needs, pending=())
        if needs and rail.spec.role is Role.CASH:
            view = await self._with_roles(view)
        lost = abandoned(view, self._clock.now())
        change = Change(lease, state=state, drained=tuple(drained), parked=parked, settlements=lost)
        price = await self._gateway.price_of_live(view.connection)
        policy = await self._preferences.policy(lease.firm)
        omits = self._gateway.omits(view.connection)
        is_resumed = bool(state.page or state.failures or view.open_calls) or _is_paid_for(view)
        return Work(lease, view, rail, price.micros, policy, change, is_resumed, omits)

    async def _with_roles(self, view: ConnectionView) -> ConnectionView:
        """The view with the roles that its accounts have from other logins, and those that others speak for."""
        row = view.connection
        beside = await self._store.read_business_views(row.firm, row.business)
        now = self._clock.now()
        views = [
            believed(v, now)
            for v in beside
            if self._rails[v.connection.rail].spec.role is Role.CASH
        ]
        found = await self._accounts.identified(row.firm, row.business, views)
        mine = (v.accounts for v in found.views if v.connection.id == row.id)
        return replace(view, accounts=next(mine, view.accounts))

    async def _call(self, work: Work, step: Fetch) -> None:
        """Make one call, with a token that is good for it, and fold its answer into the next commit."""
        work.has_looked |= not step.is_paid
        sent = await self._sent(work, step, step.look, step.reason)
        if sent is None:
            return
        before, outcome = work.view, work.fold(step, sent, self._clock.now())
        await self._heed(work, sent, outcome)
        for entity in work.buries:
            while ids := await self._missing(work, entity, BURIED_MAX):
                work.bury(entity, ids)
        if work.replaces:
            await self._confirm(work, step, before)

    async def _sent(self, work: Work, step: Fetch, look: Look, reason: str) -> Sent | None:
        """The call made; None where our own rules said no."""
        cause = Cause(step.trigger, reason, step.purpose, work.lease)
        sent: Sent | NotBefore | Refused
        try:
            # For a call by id the page's own serves: what its renewal did to the state would be lost with the page's.
            token = await self._token(work) if look is step.look else work.view.token
            if isinstance(token, Refused | NotBefore):
                sent = token
            else:
                connection = work.view.connection
                sent = await self._gateway.fetch(connection.firm, connection, look, cause, token)
        except Refusal as error:  # a key, an app or a price is missing: nothing was sent
            sent = Refused(error.message)
        match sent:
            case NotBefore(until, _):
                work.put_off(step, until)
            case Refused(reason, until):
                work.refuse(step, reason, until, self._clock.now())
            case Sent():
                work.calls.append(sent.intent.id)
                return sent
        return None

    async def _heed(self, work: Work, sent: Sent, outcome: Outcome) -> None:
        if RULES[outcome].is_alarm:  # an operator should hear of it
            log.warning(
                "call.alarm",
                outcome=outcome.value,
                endpoint=sent.intent.endpoint,
                connection=sent.intent.connection,
                call=sent.intent.id,
            )
        if outcome is Outcome.RATE_LIMITED and sent.intent.units:
            await self._tell_apart(work, sent)

    async def _confirm(self, work: Work, step: Fetch, before: ConnectionView) -> None:
        """Ask by id for the rows that a whole listing did not show: a page may have come empty that was not.

        Until all are told, nothing is published or told as deleted. After a failure, or for more rows than a run asks
        for, the next run reads the listing's last page again and goes on: what was told meanwhile is staged.
        """
        finished = None
        for _ in range(CALLS_MAX):
            found = await self._unlisted(work)
            if found is None:
                work.publish(finished)
                return
            finished = finished or work.withhold(before)
            entity, ids, look = found
            reason = f"a listing of all did not show {len(ids)} rows of {entity} that were there"
            sent = await self._sent(work, step, look, reason)
            if sent is None:
                work.rest(self._clock.now() + CONFIRM_REST)
                return
            outcome = work.confirm(look, entity, ids, sent)
            await self._heed(work, sent, outcome)
            if outcome is not Outcome.OK and not work.is_given_up(entity):
                return

    async def _unlisted(self, work: Work) -> tuple[str, Sequence[RemoteId], Look] | None:
        """Some rows that are missing of one entity and the call for them. What cannot be asked for by id is kept."""
        for entity in work.replaces:
            if work.is_given_up(entity):
                continue
            ids = await self._missing(work, entity, UNLISTED_MAX)
            looks = work.rail.rows_looks(entity, ids) if ids else ()
            if looks:
                (look,) = looks
                return entity, ids, look
        return None

    async def _missing(self, work: Work, entity: str, limit: int) -> Sequence[RemoteId]:
        """Some rows that are there and neither staged nor about to be."""
        row = work.view.connection
        shown = {each.remote_id for each in work.change.staged if each.entity == entity}
        most = limit + len(shown)
        known = await self._store.list_unlisted(row.firm, row.id, entity, limit=most)
        return [each for each in known if each not in shown][:limit]

    async def _token(self, work: Work) -> bytes | Refused | NotBefore | None:
        got = await self._renewer.usable(work.view)
        if isinstance(got, NotUsable):
            work.move(got.state)
            return Refused(got.reason) if got.until is None else NotBefore(got.until, got.reason)
        if got.is_renewed:
            work.view = replace(work.view, token=got.token, previous_token=work.view.token)
            work.move(got.state)
        return got.token

    async def _tell_apart(self, work: Work, sent: Sent) -> None:
        """Say in the log what this refusal means."""
        meaning = await throttles.meaning_of(self._store, self._clock, sent.intent)
        *others, last = work.change.settlements
        told = replace(last, detail=f"{last.detail}: {meaning}")
        work.change = replace(work.change, settlements=(*others, told))

    async def _finish(self, work: Work, rest: Rest) -> None:
        now = self._clock.now()
        earlier = await self._calls_before(work, [need for need, _ in rest.ended])
        answered, records = [], []
        bought = {call.id: call for call in earlier if call.price.micros}
        payers = await self._payers(work, bought)
        for need, decision in rest.ended:
            calls = (*made_since(need.question.asked_at, earlier, now), *work.calls)
            cost = work.spent.get(need.id, FREE)
            its = [i for i in calls if i in bought and payers.get(i, need.id) == need.id]
            for call in map(bought.pop, its):  # one pays for it
                cost += call.price if call.settled_at is None else call.cost
            answered.append(Answered(need.id, decision, cost, calls, now))
            records.append((need, decision, cost, calls))
        postponed = []
        for need, decision in rest.waiting:
            postponed.append(Postponed(need.id, decision, decision.until or need.question.deadline))
            if need.check_at <= need.question.asked_at:
                spent = work.spent.get(need.id, FREE)
                records.append((need, decision, spent, tuple(work.calls)))
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
                calls=calls,
                decided_at=now,
                inputs=inputs_of(work.view),
            )
            for need, decision, cost, calls in records
        )
        change = replace(
            work.change,
            answered=tuple(answered),
            postponed=tuple(postponed),
            decisions=decisions,
            next_at=max(rest.next_at, work.rest_until or rest.next_at),
            releases=True,
        )
        if await self._commit(work, change) and answered:
            self._doorbell.ring(ANSWERS)

    async def _calls_before(self, work: Work, needs: Sequence[Need]) -> tuple[Call, ...]:
        """What earlier runs read since these needs were asked: a reading of many calls, or tries that failed."""
        is_first = all(need.check_at <= need.question.asked_at for need in needs)
        if not needs or (is_first and not work.is_resumed):
            return ()  # no earlier run can have called for them
        row = work.view.connection
        calls: tuple[Call, ...] = ()
        with contextlib.suppress(Busy):  # the log has them all the same
            calls = await self._store.list_calls(row.firm, business=row.business, limit=CALLS_SEEN)
        known = {*work.calls}
        return tuple(c for c in calls if c.id not in known and is_reading(c, row, work.rail.spec))

    async def _payers(self, work: Work, bought: Mapping[CallId, Call]) -> dict[CallId, NeedId]:
        """Whose decision has told the cost of a call already."""
        if not bought:
            return {}
        row = work.view.connection
        known = await self._store.list_decisions(row.firm, business=row.business, limit=CALLS_SEEN)
        return {call: d.need for d in known if d.cost.micros and d.need for call in d.calls}

    async def _commit(self, work: Work, change: Change) -> bool:
        """Write it. False: the lease had passed to another, who does the rest. Raise `Busy` after some tries."""
        done = await retried_while_busy(
            lambda: self._store.commit(work.lease.firm, change), COMMIT_TRIES
        )
        work.change = Change(work.lease)
        return not done.is_fenced


def _is_paid_for(view: ConnectionView) -> bool:
    """Whether an earlier run paid, or may have, since one of the needs was asked."""
    asked_at = min((need.question.asked_at for need in view.needs), default=None)
    lives = (account.latest_live for account in view.accounts)
    paid_at = [view.connection.state.paid_failed_at, *(o.true_at for o in lives if o is not None)]
    return asked_at is not None and any(at is not None and at >= asked_at for at in paid_at)


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)
