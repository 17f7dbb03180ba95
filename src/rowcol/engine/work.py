"""Work: one run over one connection: the view as it moves, and what the next commit will carry. Does nothing itself."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rowcol.core.change import Change, ConnectionView, Lease
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Observation
from rowcol.core.freshness.policy import Policy
from rowcol.core.ids import CallId, NeedId, RemoteId
from rowcol.core.money import FREE, Cost
from rowcol.core.outcome import PAUSE_MAX, RULES, Billed, Outcome, outcome_of_silence
from rowcol.core.picture import Picture, standing_of
from rowcol.core.plan import Fetch
from rowcol.core.rail import Failure, Look, Rail, Reading, Row
from rowcol.core.wire import NoAnswer
from rowcol.engine.aftermath import state_after
from rowcol.engine.gateway import Sent
from rowcol.engine.merge import looks_of, view_with, with_known

REFUSED_RETRY = timedelta(minutes=5)
CONFIRM_TRIES = 3
"""Rows of an entity that could not be asked for by id so often are kept, so that the rest of a listing is published."""


@dataclass(slots=True)
class Work:
    """What a run knows and has done so far."""

    lease: Lease
    view: ConnectionView
    rail: Rail
    price_micros: int
    policy: Policy
    change: Change
    is_resumed: bool
    omits: tuple[str, ...] = ()
    spent: dict[NeedId, Cost] = field(default_factory=dict)
    calls: list[CallId] = field(default_factory=list)
    paid_refusal: str | None = None
    paid_not_before: datetime | None = None
    is_parked: bool = False
    has_looked: bool = False
    replaces: tuple[str, ...] = ()
    buries: tuple[str, ...] = ()
    """Entities that the last answer ended the listing of, as in `Reading`."""
    rest_until: datetime | None = None
    """Not looked at again before, though something is due: our own rules said no."""

    @property
    def state(self) -> ConnectionState:
        """The connection's state as it stands."""
        return self.view.connection.state

    @property
    def picture(self) -> Picture:
        """What the plan is made from."""
        connection = self.view.connection
        return Picture(
            state=connection.state,
            accounts=self.view.accounts,
            needs=self.view.needs,
            created_at=connection.created_at,
            spread=zlib.crc32(connection.id.encode()) / 2**32,
            price_micros=self.price_micros,
            paid_refusal=self.paid_refusal,
            paid_not_before=self.paid_not_before,
            is_parked=self.is_parked or connection.is_paused,
            has_looked=self.has_looked,
            role=self.rail.spec.role,
            coverages=self.view.coverages,
            omits=self.omits,
        )

    def put_off(self, step: Fetch, until: datetime) -> None:
        """A quota said not yet."""
        if step.is_paid:
            self.paid_not_before = until
        else:
            self.move(replace(self.state, retry_at=until))

    def rest(self, until: datetime) -> None:
        """What was put off waits for so long at least."""
        if (at := self.state.retry_at) is not None:
            self.move(replace(self.state, retry_at=max(at, until)))

    def refuse(self, step: Fetch, reason: str, until: datetime | None, now: datetime) -> None:
        """A budget, a pool, a pause or a missing secret said no: nothing more is called in this run.

        Whoever asks next is judged anew: it costs a look at our own rules, not a call.
        """
        self.paid_refusal = reason
        if step.is_paid:
            return
        self.is_parked = True
        soon = now + REFUSED_RETRY
        self.rest_until = soon if step.need is not None else max(until or soon, soon)

    def move(self, state: ConnectionState) -> None:
        """Go on from this state."""
        self.view = replace(self.view, connection=replace(self.view.connection, state=state))
        self.change = replace(self.change, state=state)

    def fold(self, step: Fetch, sent: Sent, now: datetime) -> Outcome:
        """Put an answer into the view and the next commit."""
        before, self.replaces, self.buries = self.state, (), ()
        read = self._read(step.look, sent)
        outcome, detail = (
            (read.outcome, read.detail) if isinstance(read, Failure) else (Outcome.OK, "")
        )
        settlement = sent.settlement(outcome, detail, read.remote_request_id)
        if step.need is not None and settlement.billed is not Billed.NO:
            cost = self.spent.get(step.need.id, FREE) + sent.intent.price
            self.spent[step.need.id] = cost
        observations: tuple[Observation, ...] = ()
        discards = read.discards
        if isinstance(read, Reading):
            read = replace(read, rows=with_known(self.view, read.rows))
            observations = tuple(replace(o, call=sent.intent.id) for o in read.observations)
            self._carry(read)
            # What is staged while no reading is under way is older than what the next one brings.
            discards |= not before.page and bool(read.staged or read.state.page)
        change = self.change
        self.change = replace(
            change,
            discards=discards,
            settlements=(*change.settlements, settlement),
            observations=change.observations + observations,
        )
        self.is_parked |= not step.is_paid and RULES[outcome].retry_after is None
        state = state_after(step, outcome, read.state, before, now, detail)
        rows = read.rows if isinstance(read, Reading) else ()
        coverages = read.coverages if isinstance(read, Reading) else ()
        looks = looks_of(self.view, state, rows)
        self.change = replace(self.change, looks=self.change.looks + looks)
        self.view = view_with(self.view, state, rows, observations, coverages, looks)
        if step.is_paid and not self._is_seen_live(sent.intent.opened_at, now):
            is_unknown = settlement.billed is Billed.POSSIBLY
            state = state.paid_without_value(now, is_unknown=is_unknown)
        self.move(state)
        return outcome

    def withhold(self, before: ConnectionView) -> tuple[ConnectionView, Change]:
        """Go back to `before` a listing's last page, whose rows stay staged. What `publish` then takes."""
        finished = self.view, self.change
        self.view = before
        state = before.connection.state
        self.change = replace(self.change, state=state, publishes=None, coverages=())
        return finished

    def publish(self, finished: tuple[ConnectionView, Change] | None) -> None:
        """End the listing as it would have ended at once. What could not be asked for is kept, which is said."""
        tries = self.state.unconfirmed
        if finished is not None:
            self.view, change = finished
            published, covered = change.publishes, change.coverages
            self.change = replace(self.change, publishes=published, coverages=covered)
        kept = {
            entity: 0 if entity in self.replaces else count
            for entity, count in tries.items()
            if entity not in self.replaces or count >= CONFIRM_TRIES
        }
        self.move(replace(self.state, unconfirmed=kept))

    def confirm(self, look: Look, entity: str, ids: Sequence[RemoteId], sent: Sent) -> Outcome:
        """Stage what an answer says of rows that a listing did not show: themselves, or their tombstones."""
        read, known = self._read(look, sent), self.state
        if isinstance(read, Failure):
            at, outcome, detail = sent.answer.received_at, read.outcome, read.detail
            is_counted = read.state.failures != known.failures
            state = read.state if is_counted else known.after(outcome, detail, at)
            if state.retry_at is not None and state.retry_at - at >= PAUSE_MAX:  # no hiccup
                count = state.unconfirmed.get(entity, 0) + 1
                state = replace(state, unconfirmed={**state.unconfirmed, entity: count})
            self.move(state)
            staged: tuple[Row, ...] = ()
        else:
            outcome, detail = Outcome.OK, ""
            there = {row.remote_id for row in read.rows if row.entity == entity}
            self.bury(entity, [each for each in ids if each not in there])
            staged = read.rows
        self.change = replace(
            self.change,
            staged=(*self.change.staged, *staged),
            settlements=(
                *self.change.settlements,
                sent.settlement(outcome, detail, read.remote_request_id),
            ),
        )
        return outcome

    def is_given_up(self, entity: str) -> bool:
        """Whether rows of it that a listing did not show are kept, as they cannot be asked for."""
        return self.state.unconfirmed.get(entity, 0) >= CONFIRM_TRIES

    def bury(self, entity: str, ids: Sequence[RemoteId]) -> None:
        """Stage tombstones."""
        gone = (Row(entity, each, "", None, None) for each in ids)
        self.change = replace(self.change, staged=(*self.change.staged, *gone))

    def _read(self, look: Look, sent: Sent) -> Reading | Failure:
        answer = sent.answer
        if isinstance(answer, NoAnswer):
            outcome = outcome_of_silence(answer)
            at = answer.received_at
            return self.rail.silent(look, outcome, answer.silence, at, self.state)
        return self.rail.read(look, answer, self.state)

    def _carry(self, read: Reading) -> None:
        change, self.replaces, self.buries = self.change, read.replaces, read.buries
        self.change = replace(
            change,
            rows=change.rows + read.rows,
            staged=change.staged + read.staged,
            publishes=read.publishes,
            coverages=change.coverages + read.coverages,
        )

    def _is_seen_live(self, since: datetime, now: datetime) -> bool:
        """Whether a paid call brought every account that counts; if not, paying again would not either."""
        seen_at = standing_of(self.picture, self.rail, now).live_as_of
        return seen_at is not None and seen_at >= since
