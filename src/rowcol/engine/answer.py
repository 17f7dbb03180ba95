"""Answer: a question about a business's cash, with its proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rowcol.core.cash import Cash, cash_of
from rowcol.core.change import Action, ConnectionView, DecisionRecord
from rowcol.core.evidence import Observation
from rowcol.core.ids import BusinessId, CallId, FirmId
from rowcol.core.money import Cost
from rowcol.core.need import Question
from rowcol.core.rail import Rail, Role
from rowcol.engine.ambient import Ambient
from rowcol.engine.decisions import DecisionLog
from rowcol.engine.gateway import Gateway
from rowcol.engine.resolve import Open, Part, Resolved, Resolver
from rowcol.ports import FullStore


@dataclass(frozen=True, slots=True)
class Answer:
    """Cash with its proof. `as_of`: the oldest part's time at the bank, None when a part was never seen.

    `action`: SERVE, or HOLD when it must not be decided on. `label`: what must be said beside it.
    `cost`: spent for this very answer. `calls`: the lines of the call log behind it.
    """

    business: BusinessId
    question: Question
    value: Cash
    as_of: datetime | None
    action: Action
    reason: str
    label: str | None
    cost: Cost
    calls: tuple[CallId, ...]
    parts: tuple[Part, ...]
    policy: str
    answered_at: datetime
    records: tuple[DecisionRecord, ...] = ()

    @property
    def evidence(self) -> tuple[Observation, ...]:
        """The looks that the value rests on."""
        return tuple(part.observation for part in self.value.parts if part.observation is not None)


class Answerer:
    """Answers questions about cash."""

    def __init__(
        self,
        rails: Mapping[str, Rail],
        store: FullStore,
        gateway: Gateway,
        decisions: DecisionLog,
        ambient: Ambient,
    ) -> None:
        self._resolver = Resolver(rails, store, gateway, decisions, ambient, Role.CASH)

    async def peek(
        self, firm: FirmId, business: BusinessId, question: Question
    ) -> tuple[Answer, tuple[ConnectionView, ...]]:
        """What would be decided now, and every login, removed ones too. `action` may be LOOK, WAIT or PAY: what asking would lead to."""
        found = await self._resolver.peek(firm, business, question)
        return compose(found), found.views

    async def ask(self, firm: FirmId, business: BusinessId, question: Question) -> Answer | Open:
        """An answer at once, or the needs that will bring it."""
        found = await self._resolver.ask(firm, business, question)
        return found if isinstance(found, Open) else compose(found)

    async def collect(
        self, firm: FirmId, business: BusinessId, open_: Open
    ) -> Answer | Open | None:
        """The answer if every need has been answered; None while one is missing."""
        found = await self._resolver.collect(firm, business, open_)
        return compose(found) if isinstance(found, Resolved) else found

    async def give_up(self, firm: FirmId, business: BusinessId, open_: Open) -> Answer:
        """An answer without reconcile's: nobody worked on the needs in time, so nothing may be decided on it."""
        return compose(await self._resolver.give_up(firm, business, open_))


def compose(found: Resolved) -> Answer:
    """One answer from its parts: the worst action and the first reason of that action speak for the whole."""
    cash = cash_of(found.views)
    decision = found.speaking("no bank login is connected for this business")
    labels = list(found.labels)
    if cash.is_incomplete and cash.incomplete_reason:
        labels.append(cash.incomplete_reason)
    return Answer(
        business=found.business,
        question=found.question,
        value=cash,
        as_of=cash.as_of,
        action=decision.action,
        reason=decision.reason,
        label="; ".join(dict.fromkeys(labels)) or None,
        cost=found.cost,
        calls=found.calls,
        parts=found.parts,
        policy=found.policy,
        answered_at=found.answered_at,
        records=found.records,
    )
