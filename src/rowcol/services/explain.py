"""Explain: why the last answers were what they were, what a fresh one would cost now, and when it comes free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rowcol.core.cash import live
from rowcol.core.change import ConnectionView, DecisionRecord
from rowcol.core.freshness.rhythm import next_pull
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.money import Cost
from rowcol.core.need import Purpose, question_of
from rowcol.core.rail import Role
from rowcol.core.records import Business, Call
from rowcol.core.refusal import NotFound
from rowcol.engine.answer import Answer
from rowcol.services.board import peek
from rowcol.services.integration import IntegrationService
from rowcol.services.plane import OpenPlane

DECISIONS = 20
CALLS = 50
FREE_AHEAD = timedelta(days=3)
"""How far ahead free evidence is worth announcing."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything about one business's cash. `logins`: at banks, removed ones too; `books`: those of its books.

    `decisions` and `calls` are of both. `comes_free_at`: when every login's next look by the rail is expected, learnt
    from its past ones; None when one is not.
    """

    business: Business
    answer: Answer
    logins: tuple[ConnectionView, ...]
    books: tuple[ConnectionView, ...]
    decisions: tuple[DecisionRecord, ...]
    calls: tuple[Call, ...]
    fresh_price: Cost
    cannot_help: str | None
    comes_free_at: datetime | None


async def explain(plane: OpenPlane, firm: FirmId, business: BusinessId) -> Explained:
    """Spends nothing and asks nobody. Raise `NotFound` for a business that the firm does not have."""
    row = await plane.store.read_business(firm, business)
    if row is None:
        raise NotFound(
            f"no business {business!r} in this firm", "list them with `rowcol business list`"
        )
    now = plane.clock.now()
    answer, views = await peek(plane, firm, business, question_of(Purpose.DISPLAY, now))
    asked = live(views)
    pulls = [next_pull(view.connection.state.pulls, now, now + FREE_AHEAD) for view in asked]
    expected = [pull.at for pull in pulls if pull is not None]
    decisions = await plane.store.list_decisions(firm, business=business, limit=DECISIONS)
    price = await IntegrationService(plane, business, firm=firm).price_of_refresh()
    return Explained(
        business=row,
        answer=answer,
        logins=views,
        books=await _books(plane, firm, business),
        decisions=decisions,
        calls=await plane.store.list_calls(firm, business=business, limit=CALLS),
        fresh_price=price,
        cannot_help=_cannot_help(plane, asked),
        comes_free_at=max(expected) if expected and len(expected) == len(asked) else None,
    )


async def _books(
    plane: OpenPlane, firm: FirmId, business: BusinessId
) -> tuple[ConnectionView, ...]:
    views = await plane.store.read_business_views(firm, business)
    return tuple(v for v in views if plane.rails[v.connection.rail].spec.role is Role.BOOKS)


def _cannot_help(plane: OpenPlane, views: tuple[ConnectionView, ...]) -> str | None:
    """Why paying would not help, if that is so for a login."""
    for view in views:
        paid = plane.rails[view.connection.rail].paid_look(view.connection.state)
        reason: str | None = getattr(paid, "reason", None)
        if reason is not None:
            return reason
    return None
