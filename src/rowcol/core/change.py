"""Change: what one reconcile step writes, all or nothing. And the rows that the durable writes take and give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.delivery import Pending
from rowcol.core.evidence import CLOCK_SKEW_MAX, Coverage, Observation
from rowcol.core.ids import (
    AppId,
    BusinessId,
    CallId,
    ConnectionId,
    DecisionId,
    DeliveryId,
    FirmId,
    NeedId,
)
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Need, Purpose, Question, Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.quota import Quota
from rowcol.core.rail import Row


class SubjectKind(StrEnum):
    """What can be reconciled."""

    CONNECTION = "CONNECTION"
    BUSINESS = "BUSINESS"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to move one subject's state until `until`, by fence number: a later lease has a higher one."""

    firm: FirmId
    kind: SubjectKind
    subject: str
    owner: str
    until: datetime
    fence: int


@dataclass(frozen=True, slots=True)
class Intent:
    """A call about to be made, written before the wire: quota, budget and log line in one transaction."""

    id: CallId
    firm: FirmId
    connection: ConnectionId | None
    business: BusinessId | None
    rail: str
    app: AppId
    environment: str
    endpoint: str
    trigger: Trigger
    purpose: Purpose | None
    reason: str
    price: Cost
    quotas: tuple[Quota, ...]
    budget_key: str | None
    budget_limit: Cost
    opened_at: datetime
    units: int = 0
    """Metered calls that a success uses of the app's month pool, at most."""
    pool_limit: int = 0
    is_full: bool = False
    looked_at: datetime | None = None
    """When the connection was last read: what a saving pool judges a sweep by."""
    lease: Lease | None = None
    """Under which it is made; refused once that has passed to another."""


@dataclass(frozen=True, slots=True)
class NotBefore:
    """Not now, but at `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not at all, until something changes (a budget, a pause)."""

    reason: str
    until: datetime | None = None


TAKEN_OVER = "another worker took this login over meanwhile"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an open call ended. Accepted from anybody, at any time: what was paid for is never thrown away."""

    call: CallId
    outcome: Outcome
    detail: str
    billed: Billed
    status: int | None
    settled_at: datetime
    remote_request_id: str = ""


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that nobody ended. `is_counted`: it has a price or draws of a month's pool, so it may be billed.
    `purpose`: of the need that it was made for, None where a person or the machine made it for none."""

    id: CallId
    is_counted: bool
    opened_at: datetime
    price: Cost = FREE
    purpose: Purpose | None = None

    def abandoned(self, now: datetime) -> Settlement:
        """How it ends once nobody can be waiting for it any more."""
        billed = Billed.POSSIBLY if self.is_counted else Billed.NO
        why = "the process ended before the answer was stored"
        return Settlement(self.id, Outcome.NO_ANSWER, why, billed, None, now)


def after_loss(state: ConnectionState, lost: Iterable[OpenCall]) -> ConnectionState:
    """The state once those calls are given up. What a need paid for counts as tried, by every road: it is not paid for
    again by itself. Whoever asks after that call was opened may."""
    for call in lost:
        at = (
            call.opened_at + CLOCK_SKEW_MAX
        )  # of two processes: the need's clock may be ahead of the call's
        is_new = state.paid_failed_at is None or state.paid_failed_at < at
        if call.price.micros and call.purpose is not None and is_new:
            state = state.paid_without_value(at, is_unknown=True)
    return state


class Action(StrEnum):
    """What a freshness policy decides."""

    SERVE = "SERVE"
    LOOK = "LOOK"
    WAIT = "WAIT"
    PAY = "PAY"
    HOLD = "HOLD"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do for one question, and why in one sentence that a person understands.

    `until`: when to look again (WAIT). `label`: what must be said beside a value served all the
    same ("unverified since ..."), None when the value meets its purpose.
    """

    action: Action
    rule: str
    reason: str
    as_of: datetime | None
    until: datetime | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A need's answer: the decision that ended it (SERVE or HOLD) and what was spent for it."""

    need: NeedId
    decision: Decision
    cost: Cost
    calls: tuple[CallId, ...]
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Postponed:
    """A need that stays open and is looked at again at `check_at`; the decision says why."""

    need: NeedId
    decision: Decision
    check_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One line of the decision log. `inputs`: what the decision was made from, as JSON-able data."""

    id: DecisionId
    firm: FirmId
    business: BusinessId
    connection: ConnectionId | None
    need: NeedId | None
    policy: str
    question: Question
    decision: Decision
    cost: Cost
    calls: tuple[CallId, ...]
    decided_at: datetime
    inputs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """Everything one step of a connection's reconcile writes.

    `state`, `rows`, `looks`, `staged`, `publishes`, `discards`, `coverages`, `drained`, `parked`,
    `answered`, `postponed` and `next_at` are guarded by the lease's fence: a coverage speaks of the
    rows that came with it. `settlements` and `observations` are always accepted.
    `releases`: give the lease back with this commit.
    """

    lease: Lease
    state: ConnectionState | None = None
    rows: tuple[Row, ...] = ()
    looks: tuple[AccountLook, ...] = ()
    staged: tuple[Row, ...] = ()
    publishes: str | None = None
    discards: bool = False
    drained: tuple[DeliveryId, ...] = ()
    parked: Mapping[DeliveryId, str] = field(default_factory=dict)
    answered: tuple[Answered, ...] = ()
    postponed: tuple[Postponed, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    observations: tuple[Observation, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()
    next_at: datetime | None = None
    releases: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """Written. `is_fenced`: the guarded part was refused because the lease had passed to another."""

    is_fenced: bool


LISTS_KEPT = 200
"""Of the lists that showed an account, the newest: a bank that changes its mind that often has been seen to do so."""


@dataclass(frozen=True, slots=True)
class AccountLook:
    """Which lists of a login's accounts showed one of them. A list has the next number when it shows one that the last
    list did not have.

    Two accounts that share a number were shown together. `persistent_id`, `likeness`: what other
    businesses' accounts are compared by, "" where that tells nothing.
    """

    remote_account: str
    lists: tuple[int, ...]
    persistent_id: str
    likeness: str


@dataclass(frozen=True, slots=True)
class Account:
    """A bank account as one login shows it, with the role that a person gave it (None: nobody did yet)."""

    connection: ConnectionId
    remote_id: str
    name: str
    mask: str
    type: str
    subtype: str
    role: str | None
    latest: Observation | None
    latest_live: Observation | None = None
    is_closed: bool = False
    persistent_id: str = ""
    """The bank's own id of it, equal in every login; "" where the bank gives none."""
    currency: str = ""
    role_at: datetime | None = None
    """When the role was given; None: before that was kept."""
    lists: tuple[int, ...] = ()
    """See `AccountLook`; empty: shown only before that was kept."""
    is_superseded: bool = False
    """Another login's look at the same account speaks for it: see `core/identity`."""


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """All that reconcile and answer need of one connection, read in one go.

    `open_calls`: calls that an earlier holder of the lease never settled (it died); whoever holds the
    lease now settles them.
    """

    connection: Connection
    accounts: tuple[Account, ...]
    pending: tuple[Pending, ...]
    needs: tuple[Need, ...]
    token: bytes | None = field(repr=False)
    open_calls: tuple[OpenCall, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    has_pending: bool = False
    """Deliveries are stored that no run has worked through yet; told by views that do not carry them."""
    previous_token: bytes | None = field(default=None, repr=False)
