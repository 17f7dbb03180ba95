"""Board: what is known now of each business, without a question: nothing is asked, waited for, paid or logged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rowcol.core.budget import month_of
from rowcol.core.cash import Cash
from rowcol.core.change import Action, ConnectionView, Decision
from rowcol.core.freshness.policy import Policy
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Purpose, Question, question_of
from rowcol.core.picture import Picture, standing_of
from rowcol.core.rail import Role
from rowcol.core.records import Business
from rowcol.engine.answer import Answer, compose
from rowcol.engine.resolve import Part, Resolved
from rowcol.services.plane import OpenPlane


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
    views = tuple(
        view
        for view in await plane.store.read_business_views(firm, business)
        if plane.rails[view.connection.rail].spec.role is Role.CASH
    )
    policy = await plane.preferences.policy(firm)
    now = plane.clock.now()
    parts = tuple(
        Part(view.connection, _decide(plane, view, question, policy, now)) for view in views
    )
    return compose(Resolved(business, question, views, parts, policy.name, now)), views


async def board(
    plane: OpenPlane, firm: FirmId, *, after: str = "", limit: int = 100
) -> tuple[BoardRow, ...]:
    """A page of the board."""
    costs = await plane.store.sum_costs(firm, month_of(plane.clock.now()))
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
                costs.get(business.id, FREE),
            )
        )
    return tuple(rows)


def _decide(
    plane: OpenPlane, view: ConnectionView, question: Question, policy: Policy, now: datetime
) -> Decision:
    connection = view.connection
    picture = Picture(connection.state, view.accounts, (), connection.created_at, 0.0, 0)
    standing = standing_of(picture, plane.rails[connection.rail], now)
    return policy.decide(question, standing, now)
