"""Lines: the rows of the logs, of costs, tokens and firms, as plain records. Everything else is in `shapes`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rowcol.core.change import DecisionRecord
from rowcol.core.delivery import Listed
from rowcol.core.records import Call, Firm, Spending, Token


@dataclass(frozen=True, slots=True)
class CallOut:
    """A line of the call log. `billed` and `outcome` are empty while the call is open."""

    id: str
    business: str | None
    connection: str | None
    rail: str
    app: str
    environment: str
    endpoint: str
    trigger: str
    purpose: str | None
    reason: str
    price_micros: int
    cost_micros: int
    billed: str | None
    outcome: str | None
    detail: str
    status: int | None
    opened_at: datetime
    settled_at: datetime | None
    remote_request_id: str
    """What the rail's support asks for."""
    units: int
    """Of the app's month pool."""


@dataclass(frozen=True, slots=True)
class DecisionOut:
    """A line of the decision log, with the inputs that the decision was made from."""

    id: str
    business: str
    connection: str | None
    policy: str
    purpose: str
    action: str
    rule: str
    reason: str
    as_of: datetime | None
    label: str | None
    cost_micros: int
    calls: tuple[str, ...]
    decided_at: datetime
    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeliveryOut:
    """A webhook as it stands for one connection."""

    id: str
    rail: str
    app: str
    kind: str
    state: str
    connection: str | None
    remote_id: str
    signed_at: datetime | None
    received_at: datetime
    drained_at: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one app's priced calls cost in a month; `reserved_micros`: calls still open."""

    key: str
    spent_micros: int
    reserved_micros: int
    limit_micros: int


@dataclass(frozen=True, slots=True)
class CostOut:
    """A month's costs. Estimated by the price book until an invoice was compared."""

    month: str
    spent_micros: int
    rows: tuple[CostRow, ...]
    is_estimated: bool = True


@dataclass(frozen=True, slots=True)
class TokenOut:
    """A token as listed; `id` is enough to revoke it, not to use it."""

    id: str
    role: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class FirmOut:
    """The firm and what it chose."""

    id: str
    name: str
    created_at: datetime
    settings: dict[str, Any]


def call_of(row: Call) -> CallOut:
    return CallOut(
        id=row.id,
        business=row.business,
        connection=row.connection,
        rail=row.rail,
        app=row.app,
        environment=row.environment,
        endpoint=row.endpoint,
        trigger=row.trigger.value,
        purpose=None if row.purpose is None else row.purpose.value,
        reason=row.reason,
        price_micros=row.price.micros,
        cost_micros=row.cost.micros,
        billed=None if row.billed is None else row.billed.value,
        outcome=None if row.outcome is None else row.outcome.value,
        detail=row.detail,
        status=row.status,
        opened_at=row.opened_at,
        settled_at=row.settled_at,
        remote_request_id=row.remote_request_id,
        units=row.units,
    )


def decision_of(row: DecisionRecord) -> DecisionOut:
    return DecisionOut(
        id=row.id,
        business=row.business,
        connection=row.connection,
        policy=row.policy,
        purpose=row.question.purpose.value,
        action=row.decision.action.value,
        rule=row.decision.rule,
        reason=row.decision.reason,
        as_of=row.decision.as_of,
        label=row.decision.label,
        cost_micros=row.cost.micros,
        calls=row.calls,
        decided_at=row.decided_at,
        inputs=dict(row.inputs),
    )


def delivery_of(row: Listed) -> DeliveryOut:
    return DeliveryOut(
        id=row.id,
        rail=row.rail,
        app=row.app,
        kind=row.kind,
        state=row.state.value,
        connection=row.connection,
        remote_id=row.remote_id,
        signed_at=row.signed_at,
        received_at=row.received_at,
        drained_at=row.drained_at,
        note=row.note,
    )


def cost_of(row: Spending) -> CostRow:
    budget = row.budget
    return CostRow(budget.key, budget.spent.micros, budget.reserved.micros, budget.limit.micros)


def costs_of(month: str, rows: tuple[Spending, ...]) -> CostOut:
    out = tuple(cost_of(row) for row in rows)
    return CostOut(month, sum(row.spent_micros for row in out), out)


def token_of(row: Token) -> TokenOut:
    return TokenOut(row.token_hash, row.role, row.label, row.created_at, row.revoked_at)


def firm_of(row: Firm) -> FirmOut:
    return FirmOut(row.id, row.name, row.created_at, dict(row.settings))
