"""Reads: the balance, the board, and why: decisions, calls and costs. Only `balance` and `refresh` may lead to a call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import Query
from starlette.responses import Response

from rowcol.api import lines, shapes
from rowcol.api.bodies import Refresh
from rowcol.api.explain import ExplainOut, explain_of
from rowcol.api.gate import Asking
from rowcol.api.paging import After, Limit, Page, page_of
from rowcol.api.roles import Role
from rowcol.core.budget import MONTH, month_of
from rowcol.core.ids import BusinessId
from rowcol.core.need import Purpose
from rowcol.core.refusal import Conflict
from rowcol.services.board import board
from rowcol.services.cache import CacheService
from rowcol.services.explain import explain
from rowcol.services.integration import IntegrationService

JSON = "application/json"
PurposeIn = Annotated[
    Literal["display", "ritual", "guardrail", "verify"],
    Query(description="The decision that the answer is for; it sets how old it may be."),
]
Deadline = Annotated[
    datetime | None,
    Query(description="The last moment at which the answer is of use; with its offset."),
]
Month = Annotated[str | None, Query(description="A UTC month.", pattern=MONTH)]


class PriceUnconfirmed(Conflict):
    """A person has to see the price first."""

    code = "price_unconfirmed"

    def __init__(self, price_micros: int) -> None:
        super().__init__(
            f"a live look costs ${price_micros / 1_000_000:.2f}",
            f"post again with price_confirmed_micros: {price_micros}",
        )
        self.more = {"price_micros": price_micros}


def encoded(answer: shapes.BalanceOut) -> bytes:
    """As it goes over the wire."""
    return msgspec.json.encode(answer)


async def balance(
    asking: Asking,
    business_id: str,
    purpose: PurposeIn = "display",
    deadline: Deadline = None,
) -> Response:
    """Cash over the operating accounts, with its as-of, reason and evidence.

    `display` answers at once with what is known and never pays under a day of age; the other
    purposes may wait for free evidence until `deadline`, then pay once, and need the role advisor.
    """
    if purpose != "display":
        asking.need(Role.ADVISOR)
    service = CacheService(asking.plane, business_id, firm=asking.firm)
    asked = Purpose(purpose.upper())
    answer = await service.get_balance(asked, deadline=aware(deadline))
    asking.counts.answers[asked.value, answer.action.value] += 1
    return Response(encoded(shapes.balance_of(answer)), media_type=JSON)


async def refresh(body: Refresh, asking: Asking, business_id: str) -> Response:
    """Cash that is at most an hour old. With `force` a live look is paid for, once its price is confirmed."""
    service = IntegrationService(asking.plane, business_id, firm=asking.firm)
    if body.force:
        price = await service.price_of_refresh()
        if price.micros and body.price_confirmed_micros != price.micros:
            raise PriceUnconfirmed(price.micros)
    answer = await service.refresh_plaid_balance(force=body.force)
    asking.counts.answers[Purpose.FORCED.value, answer.action.value] += 1
    return Response(encoded(shapes.balance_of(answer)), media_type=JSON)


async def read_board(
    asking: Asking, after: After = "", limit: Limit = 100
) -> Page[shapes.BoardRowOut]:
    """A row per business: cash, as of when, why, and what it cost this month. Calls nobody."""
    rows = await board(asking.plane, asking.firm, after=after, limit=limit)
    return page_of([shapes.board_row_of(r) for r in rows], [r.business.id for r in rows], limit)


async def read_explain(asking: Asking, business_id: str) -> ExplainOut:
    """Why the last answers were what they were, what a fresh one would cost, and when it comes free."""
    found = await explain(asking.plane, asking.firm, BusinessId(business_id))
    return explain_of(found, asking.plane.vault)


async def list_calls(
    asking: Asking, business: str | None = None, after: After = "", limit: Limit = 100
) -> Page[lines.CallOut]:
    """The call log, newest first: every call to a rail with its reason, outcome and cost."""
    rows = await asking.plane.store.list_calls(
        asking.firm,
        business=None if business is None else BusinessId(business),
        after=after,
        limit=limit,
    )
    return page_of([lines.call_of(r) for r in rows], [r.id for r in rows], limit)


async def list_decisions(
    asking: Asking, business: str | None = None, after: After = "", limit: Limit = 100
) -> Page[lines.DecisionOut]:
    """The decision log, newest first: also the calls that were not made, with the reason."""
    rows = await asking.plane.store.list_decisions(
        asking.firm,
        business=None if business is None else BusinessId(business),
        after=after,
        limit=limit,
    )
    return page_of([lines.decision_of(r) for r in rows], [r.id for r in rows], limit)


async def read_cost(asking: Asking, month: Month = None) -> lines.CostOut:
    """What a month's priced calls cost, by app; this month by default. Estimated until an invoice is compared."""
    asked = month or month_of(asking.plane.clock.now())
    rows = await asking.plane.store.read_spending(asking.firm, asked)
    return lines.costs_of(asked, rows)


def aware(when: datetime | None) -> datetime | None:
    """A time without an offset is UTC."""
    return None if when is None else when.replace(tzinfo=when.tzinfo or UTC)
