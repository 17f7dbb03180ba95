"""Board: what is known now of each business, without a question: nothing is asked, waited for, paid or logged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rowcol.core.budget import month_of
from rowcol.core.cash import Cash, cash_of
from rowcol.core.change import Action, ConnectionView
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Purpose, Question, question_of
from rowcol.core.records import Business
from rowcol.core.refusal import Misconfigured
from rowcol.engine.answer import Answer
from rowcol.services.accounts import read_accounts
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
    """What would be decided now, by the very rules of a read. `action` may be LOOK, WAIT or PAY: what a real question
    would lead to. Raise `Misconfigured` where a login's app or price is gone, as a read does."""
    return await plane.answerer.peek(firm, business, question)


async def board(
    plane: OpenPlane, firm: FirmId, *, after: str = "", limit: int = 100
) -> tuple[BoardRow, ...]:
    """A page of the board."""
    costs = await plane.store.sum_costs(firm, month_of(plane.clock.now()))
    rows = []
    for business in await plane.store.list_businesses(firm, after=after, limit=limit):
        cost = costs.get(business.id, FREE)
        question = question_of(Purpose.DISPLAY, plane.clock.now())
        try:
            answer, _ = await peek(plane, firm, business.id, question)
        except Misconfigured as error:
            rows.append(await _held(plane, business, cost, error))
            continue
        rows.append(
            BoardRow(
                business,
                answer.value,
                answer.as_of,
                answer.action,
                answer.reason,
                answer.label,
                cost,
            )
        )
    return tuple(rows)


async def _held(plane: OpenPlane, business: Business, cost: Cost, error: Misconfigured) -> BoardRow:
    """What is known of a business that nothing can be decided for; the others' rows do not suffer from it."""
    cash = cash_of((await read_accounts(plane, business.firm, business.id)).views)
    why = error.message
    return BoardRow(business, cash, cash.as_of, Action.HOLD, why, why, cost)
