"""Targeted: a few rows asked for by their ids, where no mirror vouches for them yet. One call for 500 of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from rowcol.core.change import Action, ConnectionView, Decision, DecisionRecord
from rowcol.core.clock_back import believed
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, CallId, ConnectionId, DecisionId, FirmId, RemoteId
from rowcol.core.money import FREE
from rowcol.core.need import TRIGGERS, Question
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Role
from rowcol.core.refusal import Refusal
from rowcol.engine.books import BooksAnswer
from rowcol.engine.gateway import Cause
from rowcol.engine.resolve import Part
from rowcol.services import deeds
from rowcol.services.plane import OpenPlane

RETRY_SOON = timedelta(seconds=10)
"""A pause of our own limits that the lease's next call outlasts anyway."""


async def unread(
    plane: OpenPlane, firm: FirmId, business: BusinessId
) -> tuple[ConnectionView, ...]:
    """The business's books, if none of them was ever read whole; else nothing."""
    now = plane.clock.now()
    views = [believed(v, now) for v in await plane.store.read_business_views(firm, business)]
    books = tuple(
        v
        for v in views
        if plane.rails[v.connection.rail].spec.role is Role.BOOKS
        and v.connection.state.health is not Health.RETIRED
    )
    return () if any(view.coverages for view in books) else books


async def fetched(
    plane: OpenPlane,
    views: Sequence[ConnectionView],
    entity: str,
    ids: Sequence[RemoteId],
    question: Question,
) -> BooksAnswer[Mapping[ConnectionId, frozenset[RemoteId]]]:
    """Those rows into the mirror, each company under its lease. As of when the first call was sent.

    The value: which of them each company has. What the mirror holds beside them may have been deleted since.
    """
    firm, business = views[0].connection.firm, views[0].connection.business
    policy = (await plane.preferences.policy(firm)).name
    parts: list[Part] = []
    made: dict[ConnectionId, tuple[CallId, ...]] = {}
    there: dict[ConnectionId, frozenset[RemoteId]] = {}
    for view in views:
        decision, its_calls, its_ids = await _one(plane, view, entity, ids, question)
        # As it is now: what was read meanwhile may tell what its rows leave out.
        row = (await deeds.find_login(plane, firm, view.connection.id)).connection
        parts.append(Part(row, decision))
        made[view.connection.id] = tuple(its_calls)
        there[view.connection.id] = frozenset(its_ids)
    calls = tuple(call for its_calls in made.values() for call in its_calls)
    worst = next((p.decision for p in parts if p.decision.label), parts[0].decision)
    as_of = min((p.decision.as_of for p in parts if p.decision.as_of is not None), default=None)
    now = plane.clock.now()
    records = tuple(
        DecisionRecord(
            id=DecisionId(plane.rng.new_id("dec")),
            firm=firm,
            business=business,
            connection=part.connection.id,
            need=None,
            policy=policy,
            question=question,
            decision=part.decision,
            cost=FREE,
            calls=made[part.connection.id],
            decided_at=now,
        )
        for part in parts
    )
    plane.decisions.add(records)
    return BooksAnswer(
        business=business,
        question=question,
        value=there,
        as_of=as_of if all(p.decision.as_of for p in parts) else None,
        evidence=(),
        action=worst.action,
        reason=worst.reason,
        label=worst.label,
        cost=FREE,
        calls=calls,
        parts=tuple(parts),
        policy=policy,
        answered_at=now,
        records=records,
    )


async def _one(
    plane: OpenPlane,
    view: ConnectionView,
    entity: str,
    ids: Sequence[RemoteId],
    question: Question,
) -> tuple[Decision, list[CallId], Collection[RemoteId]]:
    """One company's rows, and which of them it has; a refusal is a decision too."""
    rows_looks = plane.rails[view.connection.rail].rows_looks
    looks = rows_looks(entity, ids)
    cause = Cause(
        TRIGGERS[question.purpose],
        f"{len(ids)} rows by their ids: the books were not read whole yet",
        question.purpose,
    )
    calls: list[CallId] = []
    there: set[RemoteId] = set()
    if not looks:
        return _held("rows cannot be asked for by these ids"), calls, ()
    parts = deque(_parts(ids, len(looks)))
    first_at: datetime | None = None
    try:
        async with deeds.held(plane, view.connection) as its:
            held = its
            at_once = _instead(its.view, plane.clock.now())
            if at_once is not None:
                return at_once, calls, ids if at_once.action is Action.SERVE else ()
            while parts:
                part = parts.popleft()
                (look,) = rows_looks(entity, part)
                sent, read, held = await deeds.made(plane, held, look, cause)
                calls.append(sent.intent.id)
                first_at = first_at or sent.intent.opened_at
                if not isinstance(read, Failure):
                    there.update(row.remote_id for row in read.rows)
                elif read.outcome is Outcome.BAD_REQUEST and len(part) > 1:
                    # How long a list may be is not documented: half as long then, for all that are left.
                    left = [*part, *(each for rest in parts for each in rest)]
                    parts = deque(_parts(left, -(-len(left) // (len(part) // 2))))
                else:
                    return _held(read.detail), calls, ()
    except Refusal as error:
        return _held(error.message), calls, ()
    reason = f"{len(ids)} rows were asked for by their ids in {len(calls)} calls"
    return Decision(Action.SERVE, "books.targeted", reason, first_at), calls, there


def _parts(ids: Sequence[RemoteId], count: int) -> list[Sequence[RemoteId]]:
    """So many parts, about equally long."""
    size = -(-len(ids) // count)
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _instead(view: ConnectionView, now: datetime) -> Decision | None:
    """What makes asking needless or useless by now: the books were read whole meanwhile, or the rail fails."""
    as_of = min((c.complete_as_of for c in view.coverages), default=None)
    if as_of is not None:
        reason = "the books were read whole meanwhile"
        return Decision(Action.SERVE, "books.fresh", reason, as_of)
    retry_at = view.connection.state.retry_at
    if retry_at is not None and retry_at > now + RETRY_SOON:
        return _held(f"the rail is asked again at {retry_at:%H:%M:%S} UTC")
    return None


def _held(why: str) -> Decision:
    reason = f"held: the books were not read whole yet, and {why}"
    return Decision(Action.HOLD, "books.targeted", reason, None, label=reason)
