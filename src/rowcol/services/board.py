"""Board: what is known now of each business, without a question: nothing is asked, waited for, paid or logged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from rowcol.core.budget import month_of
from rowcol.core.cash import Cash
from rowcol.core.change import Action, Business, ConnectionView, Decision
from rowcol.core.freshness.policy import Policy
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.money import Cost
from rowcol.core.need import Purpose, Question, question_of
from rowcol.core.plan import Picture, standing_of
from rowcol.engine.answer import Answer, Part, compose
from rowcol.services.plane import OpenPlane

PAGE = 1000
PAGES_MAX = 200
"""Of the call log, when a month's costs are summed: 200,000 calls."""


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One business on the board. `cost`: of its priced calls in this UTC month."""

    business: Business
    cash: Cash
    as_of: datetime | None
    action: Action
    reason: str
    label: str | None
    cost: Cost


async def peek(
    plane: OpenPlane, firm: FirmId, business: BusinessId, question: Question
) -> tuple[Answer, tuple[ConnectionView, ...]]:
    """What would be decided now. `action` may be LOOK, WAIT or PAY: what a real question would lead to."""
    views = await plane.store.read_business_views(firm, business)
    policy = await plane.preferences.policy(firm)
    now = plane.clock.now()
    parts = tuple(
        Part(view.connection, _decide(plane, view, question, policy, now)) for view in views
    )
    return compose(business, question, views, parts, policy.name, now), views


async def board(
    plane: OpenPlane, firm: FirmId, *, after: str = "", limit: int = 100
) -> tuple[BoardRow, ...]:
    """A page of the board."""
    costs = await month_costs(plane, firm, month_of(plane.clock.now()))
    rows = []
    for business in await plane.store.list_businesses(firm, after=after, limit=limit):
        question = question_of(Purpose.DISPLAY, plane.clock.now())
        answer, _ = await peek(plane, firm, business.id, question)
        rows.append(
            BoardRow(
                business,
                answer.value,
                answer.as_of,
                answer.action,
                answer.reason,
                answer.label,
                Cost(costs[business.id]),
            )
        )
    return tuple(rows)


async def month_costs(plane: OpenPlane, firm: FirmId, month: str) -> Counter[BusinessId]:
    """Micro-dollars of each business's calls opened in a UTC month, from the call log."""
    costs: Counter[BusinessId] = Counter()
    after = ""
    for _ in range(PAGES_MAX):
        calls = await plane.store.list_calls(firm, after=after, limit=PAGE)
        for call in calls:
            if call.business is not None and month_of(call.opened_at) == month:
                costs[call.business] += call.cost.micros
        if len(calls) < PAGE or month_of(calls[-1].opened_at) < month:
            break
        after = calls[-1].id
    return costs


def _decide(
    plane: OpenPlane, view: ConnectionView, question: Question, policy: Policy, now: datetime
) -> Decision:
    connection = view.connection
    picture = Picture(connection.state, view.accounts, (), connection.created_at, 0.0, 0)
    standing = standing_of(picture, plane.rails[connection.rail], now)
    return policy.decide(question, standing, now)
