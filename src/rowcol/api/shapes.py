"""Shapes: what the API and `--json` answer, as plain records. Money in minor units, costs in micro-dollars, times in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rowcol.core.cash import Cash
from rowcol.core.connection import Connection
from rowcol.core.delivery import Notice, NoticeKind
from rowcol.core.evidence import Health, Observation
from rowcol.core.rail import Grant
from rowcol.core.records import Business, LinkEnd
from rowcol.engine.answer import Answer
from rowcol.services.board import BoardRow
from rowcol.services.sessions import Session


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in minor units (cents for USD) of one currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class EvidenceOut:
    """One look that a value rests on: what it saw, when that was true at the bank, who says so."""

    account: str
    true_at: datetime
    received_at: datetime
    source: str
    current: Amount | None
    call: str | None


@dataclass(frozen=True, slots=True)
class BalanceOut:
    """Cash with its proof. `action` SERVE, or HOLD: do not decide on it. `as_of`: the oldest part's time at the bank; `incomplete`: what is missing."""

    business: str
    purpose: str
    action: str
    cash: tuple[Amount, ...]
    incomplete: tuple[str, ...]
    as_of: datetime | None
    reason: str
    label: str | None
    cost_micros: int
    policy: str
    answered_at: datetime
    evidence: tuple[EvidenceOut, ...]
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BusinessOut:
    """A client business. `external_id` is your own id for it."""

    id: str
    name: str
    external_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NoticeOut:
    """CONSENT_ENDS, DISCONNECT or NEW_ACCOUNTS, before it happens. `until`: when it comes true, `since`: when it was
    announced; null where nobody said. `begin`: the route that answers it."""

    kind: str
    text: str
    until: datetime | None
    since: datetime | None
    begin: str


@dataclass(frozen=True, slots=True)
class LinkTokenOut:
    """Send the person to `hosted_link_url`, or open the rail's widget with `link_token` ("" where the rail has none).

    What came of it: GET `/v1/businesses/{business_id}/connections/link-sessions/{session_id}`.
    """

    session_id: str
    link_token: str
    hosted_link_url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkSessionOut:
    """`open` until somebody went through or left; then the login, or `reason` and `what_to_do`.

    `duplicate`: a login shows the account already, so nothing was exchanged.
    """

    session_id: str
    kind: Literal["CONSENT", "CONNECT", "REPAIR", "ADD_ACCOUNTS"]
    state: Literal["open", "done", "failed", "duplicate", "expired"]
    expires_at: datetime
    connection: ConnectionOut | None
    reason: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class ConnectionOut:
    """A login at one rail. `name`: its own, else the bank's, else its id; `institution` is "" before the first look.

    `webhook_gaps`: changes that no webhook had announced, `webhook_gap_at`: when one was found last. `is_read_only`:
    the rail reads, and refuses writes. `needs`: what a person has to do, `reconnect`: the route that begins it; both "".
    `notices`: what the rail announced and is not answered yet.
    """

    id: str
    business: str
    rail: str
    app: str
    environment: str
    remote_id: str
    institution: str
    name: str
    created_at: datetime
    is_paused: bool
    health: str
    health_reason: str
    seen_until: datetime | None
    looked_at: datetime | None
    webhook_gaps: int
    webhook_gap_at: datetime | None
    is_read_only: bool
    needs: str
    reconnect: str
    notices: tuple[NoticeOut, ...]


@dataclass(frozen=True, slots=True)
class BoardRowOut:
    """A business on the board. `cash_minor` and `currency`: the first of `cash`; `cost_micros`: of this UTC month."""

    id: str
    business: str
    cash_minor: int | None
    currency: str | None
    cash: tuple[Amount, ...]
    as_of: datetime | None
    action: str
    reason: str
    label: str | None
    cost_micros: int


def amounts_of(cash: Cash) -> tuple[Amount, ...]:
    return tuple(Amount(m.amount_minor, m.currency) for m in cash.totals)


def balance_of(answer: Answer) -> BalanceOut:
    return BalanceOut(
        business=answer.business,
        purpose=answer.question.purpose.value,
        action=answer.action.value,
        cash=amounts_of(answer.value),
        incomplete=answer.value.incomplete,
        as_of=answer.as_of,
        reason=answer.reason,
        label=answer.label,
        cost_micros=answer.cost.micros,
        policy=answer.policy,
        answered_at=answer.answered_at,
        evidence=tuple(_evidence(look) for look in answer.evidence),
        calls=answer.calls,
    )


def _evidence(look: Observation) -> EvidenceOut:
    current = None if look.balance is None else look.balance.current
    return EvidenceOut(
        account=look.remote_account,
        true_at=look.true_at,
        received_at=look.received_at,
        source=look.source.value,
        current=None if current is None else Amount(current.amount_minor, current.currency),
        call=look.call,
    )


def business_of(row: Business) -> BusinessOut:
    return BusinessOut(row.id, row.name, row.external_id, row.created_at)


def connection_of(row: Connection, now: datetime) -> ConnectionOut:
    return ConnectionOut(
        id=row.id,
        business=row.business,
        rail=row.rail,
        app=row.app,
        environment=row.environment,
        remote_id=row.remote_id,
        institution=row.institution_id,
        name=row.label,
        created_at=row.created_at,
        is_paused=row.is_paused,
        health=row.state.health.value,
        health_reason=row.state.health_reason,
        seen_until=row.state.seen_until,
        looked_at=row.state.looked_at,
        webhook_gaps=row.state.webhook_gaps,
        webhook_gap_at=row.state.webhook_gap_at,
        is_read_only=row.state.facts.get("is_read_only") is True,
        needs=_needs(row),
        reconnect=_reconnect(row),
        notices=tuple(_notice(row, each) for each in row.notices(now)),
    )


def _needs(row: Connection) -> str:
    if row.state.health is not Health.NEEDS_RECONNECT:
        return ""
    return "a person has to repair it, in place"


def _reconnect(row: Connection) -> str:
    """The same login gets new access: a second one would be billed and counted beside it."""
    if row.state.health is not Health.NEEDS_RECONNECT:
        return ""
    return _route(row, "repair")


def _notice(row: Connection, each: Notice) -> NoticeOut:
    step = "accounts" if each.kind is NoticeKind.NEW_ACCOUNTS else "repair"
    return NoticeOut(each.kind.value, each.text, each.until, each.since, _route(row, step))


def _route(row: Connection, step: str) -> str:
    return f"POST /v1/connections/{row.id}/{step}"


def link_token_of(grant: Grant) -> LinkTokenOut:
    """A rail with a consent screen of its own gives no link token: its `value` is the session."""
    token = "" if grant.value == grant.session else grant.value
    return LinkTokenOut(grant.session, token, grant.url, grant.expires_at)


def link_session_of(session: Session, now: datetime) -> LinkSessionOut:
    return LinkSessionOut(
        session_id=session.id,
        kind=session.kind.value,
        state=_STATES[session.ended],
        expires_at=session.expires_at,
        connection=None if session.login is None else connection_of(session.login, now),
        reason=session.reason,
        what_to_do=session.what_to_do,
    )


_STATES: dict[LinkEnd | None, Literal["open", "done", "failed", "duplicate", "expired"]] = {
    None: "open",
    LinkEnd.DONE: "done",
    LinkEnd.FAILED: "failed",
    LinkEnd.DUPLICATE: "duplicate",
    LinkEnd.EXPIRED: "expired",
}


def board_row_of(row: BoardRow) -> BoardRowOut:
    cash = amounts_of(row.cash)
    first = cash[0] if cash else None
    return BoardRowOut(
        id=row.business.id,
        business=row.business.name,
        cash_minor=None if first is None else first.amount_minor,
        currency=None if first is None else first.currency,
        cash=cash,
        as_of=row.as_of,
        action=row.action.value,
        reason=row.reason,
        label=row.label,
        cost_micros=row.cost.micros,
    )
