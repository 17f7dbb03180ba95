"""Books: a question about what the books say, with its proof: everything in them is known as of one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from rowcol.core.books import UnreadableRow
from rowcol.core.cash import live
from rowcol.core.change import Action, DecisionRecord
from rowcol.core.connection import Connection
from rowcol.core.evidence import Coverage
from rowcol.core.ids import BusinessId, CallId, FirmId
from rowcol.core.money import Cost
from rowcol.core.need import Question
from rowcol.core.rail import Rail, Role
from rowcol.engine.ambient import Ambient
from rowcol.engine.decisions import DecisionLog
from rowcol.engine.gateway import Gateway
from rowcol.engine.resolve import Open, Part, Resolved, Resolver
from rowcol.ports import FullStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BooksAnswer(Generic[T]):
    """What the books say, with its proof. `as_of`: everything in them is known as of then, None: never read whole.

    `evidence`: the coverage of each company. `action`: SERVE, or HOLD when it must not be decided
    on. `label`: what must be said beside it. `calls`: the lines of the call log made for it.
    `unreadable`: rows that belong into `value` and are not, as they are no value; the label speaks of them.
    """

    business: BusinessId
    question: Question
    value: T
    as_of: datetime | None
    evidence: tuple[Coverage, ...]
    action: Action
    reason: str
    label: str | None
    cost: Cost
    calls: tuple[CallId, ...]
    parts: tuple[Part, ...]
    policy: str
    answered_at: datetime
    records: tuple[DecisionRecord, ...] = ()
    unreadable: tuple[UnreadableRow, ...] = ()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The companies that were asked."""
        return tuple(part.connection for part in self.parts)


class Bookkeeper:
    """Answers whether the books are fresh enough for a question. The rows are read afterwards, from the mirror."""

    def __init__(
        self,
        rails: Mapping[str, Rail],
        store: FullStore,
        gateway: Gateway,
        decisions: DecisionLog,
        ambient: Ambient,
    ) -> None:
        self._resolver = Resolver(rails, store, gateway, decisions, ambient, Role.BOOKS)

    async def ask(
        self, firm: FirmId, business: BusinessId, question: Question
    ) -> BooksAnswer[None] | Open:
        """An answer at once, or the needs that will bring it."""
        found = await self._resolver.ask(firm, business, question)
        return found if isinstance(found, Open) else compose(found)

    async def collect(
        self, firm: FirmId, business: BusinessId, open_: Open
    ) -> BooksAnswer[None] | Open | None:
        """The answer if every need has been answered; None while one is missing."""
        found = await self._resolver.collect(firm, business, open_)
        return compose(found) if isinstance(found, Resolved) else found

    async def give_up(self, firm: FirmId, business: BusinessId, open_: Open) -> BooksAnswer[None]:
        """An answer without reconcile's: nobody worked on the needs in time."""
        return compose(await self._resolver.give_up(firm, business, open_))


def compose(found: Resolved) -> BooksAnswer[None]:
    """One answer from its parts; as old as the company that was read longest ago."""
    decision = found.speaking("no books are connected for this business")
    views = live(found.views)
    coverages = tuple(c for view in views for c in view.coverages)
    is_whole = bool(views) and all(view.coverages for view in views)
    return BooksAnswer(
        business=found.business,
        question=found.question,
        value=None,
        as_of=min((c.complete_as_of for c in coverages), default=None) if is_whole else None,
        evidence=coverages,
        action=decision.action,
        reason=decision.reason,
        label="; ".join(found.labels) or None,
        cost=found.cost,
        calls=found.calls,
        parts=found.parts,
        policy=found.policy,
        answered_at=found.answered_at,
        records=found.records,
    )
