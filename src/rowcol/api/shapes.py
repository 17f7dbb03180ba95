"""Shapes: what the API and `--json` answer, as plain records. Money in minor units, costs in micro-dollars, times in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rowcol.core.cash import Cash
from rowcol.core.change import Account, ConnectionView
from rowcol.core.connection import Connection
from rowcol.core.delivery import Notice, NoticeKind
from rowcol.core.evidence import Health, Observation
from rowcol.core.identity import BankAccount, Doubt, account_id_of
from rowcol.core.ids import ConnectionId
from rowcol.core.money import Money
from rowcol.core.rail import Grant
from rowcol.core.records import Business, LinkEnd
from rowcol.core.sameness import AccountRef
from rowcol.engine.answer import Answer
from rowcol.ports import Vault
from rowcol.services.board import BoardRow
from rowcol.services.sealing import LOCKED, is_locked
from rowcol.services.sessions import Session


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in minor units (cents for USD) of one currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class EvidenceOut:
    """One look that a value rests on: what it saw, when that was true at the bank, who says so.

    `uncounted`: why `current` is null though the bank gave something, with every digit of it; else "".
    """

    account: str
    true_at: datetime
    received_at: datetime
    source: str
    current: Amount | None
    call: str | None
    uncounted: str = ""


@dataclass(frozen=True, slots=True)
class ShownOut:
    """How one login shows an account. `id`: what this look is called while nobody knows whether it is the same account;
    `bank`: what the login is called. `is_closed`: shown no more, or its login was ended."""

    id: str
    connection: str
    bank: str
    remote_id: str
    is_closed: bool


@dataclass(frozen=True, slots=True)
class AccountOut:
    """One account at a bank, however many logins show it. `counts`: its `current` is part of the cash; `available`,
    `limit` and `pending` never are. Balances are those of the look that speaks for it, `as_of` then at the bank.
    `uncounted`: why `current` is null though the bank gave something, with every digit of it; else "".
    """

    id: str
    name: str
    mask: str
    type: str
    subtype: str
    role: str
    is_role_suggested: bool
    counts: bool
    current: Amount | None
    available: Amount | None
    limit: Amount | None
    pending: Amount | None
    as_of: datetime | None
    source: str | None
    shown: tuple[ShownOut, ...]
    uncounted: str = ""


@dataclass(frozen=True, slots=True)
class DoubtOut:
    """Two accounts, by id, that may be one. `is_material`: decisions hold until a person says."""

    first: str
    second: str
    reason: str
    is_material: bool


@dataclass(frozen=True, slots=True)
class BalanceOut:
    """Cash with its proof: the sum of the balance `field` of the accounts that count.

    `action` SERVE, or HOLD: do not decide on it. `as_of`: the oldest part's time at the bank; `incomplete`: what is
    missing. `notes`: what should be known and takes nothing from the value, such as pending money.
    """

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
    field: str
    accounts: tuple[AccountOut, ...]
    doubts: tuple[DoubtOut, ...]
    notes: tuple[str, ...]


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
    `notices`: what the rail announced and is not answered yet. `is_locked`: no secret key opens it, which is its
    `health_reason` whatever else is.
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
    is_locked: bool


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


def amount_of(money: Money) -> Amount:
    return Amount(money.amount_minor, money.currency)


def _amount(money: Money | None) -> Amount | None:
    return None if money is None else amount_of(money)


def amounts_of(cash: Cash) -> tuple[Amount, ...]:
    return tuple(amount_of(m) for m in cash.totals)


def accounts_of(
    accounts: Iterable[BankAccount],
    logins: Iterable[Connection],
    pending: Mapping[AccountRef, Money],
) -> tuple[AccountOut, ...]:
    by_id = {login.id: login for login in logins}
    return tuple(_account(one, by_id, pending) for one in accounts)


def _shown(account: Account, login: Connection) -> ShownOut:
    return ShownOut(
        id=account_id_of(account.connection, account.remote_id),
        connection=account.connection,
        bank=login.label,
        remote_id=account.remote_id,
        is_closed=account.is_closed or login.state.health is Health.RETIRED,
    )


def _account(
    one: BankAccount, logins: Mapping[ConnectionId, Connection], pending: Mapping[AccountRef, Money]
) -> AccountOut:
    account = one.speaking
    latest = account.latest
    balance = None if latest is None else latest.balance
    return AccountOut(
        id=one.id,
        name=account.name,
        mask=account.mask,
        type=account.type,
        subtype=account.subtype,
        role=one.role.value,
        is_role_suggested=one.is_role_suggested,
        counts=one.counts and balance is not None and balance.current is not None,
        current=None if balance is None else _amount(balance.current),
        available=None if balance is None else _amount(balance.available),
        limit=None if balance is None else _amount(balance.limit),
        pending=_amount(pending.get(one.refs[0])),
        as_of=None if latest is None else latest.true_at,
        source=None if latest is None else latest.source.value,
        shown=tuple(_shown(a, logins[a.connection]) for a in one.shown),
        uncounted="" if balance is None else balance.uncounted,
    )


def doubts_of(doubts: Iterable[Doubt]) -> tuple[DoubtOut, ...]:
    return tuple(
        DoubtOut(
            first=account_id_of(d.first.connection, d.first.remote_id),
            second=account_id_of(d.second.connection, d.second.remote_id),
            reason=d.reason,
            is_material=d.is_material,
        )
        for d in doubts
    )


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
        field=answer.value.field,
        accounts=accounts_of(answer.accounts, answer.logins, answer.pending),
        doubts=doubts_of(answer.doubts),
        notes=answer.notes,
    )


def _evidence(look: Observation) -> EvidenceOut:
    current = None if look.balance is None else look.balance.current
    return EvidenceOut(
        account=look.remote_account,
        true_at=look.true_at,
        received_at=look.received_at,
        source=look.source.value,
        current=_amount(current),
        call=look.call,
        uncounted="" if look.balance is None else look.balance.uncounted,
    )


def business_of(row: Business) -> BusinessOut:
    return BusinessOut(row.id, row.name, row.external_id, row.created_at)


def login_of(view: ConnectionView, now: datetime, vault: Vault) -> ConnectionOut:
    """With whether the keys open it."""
    return connection_of(view.connection, now, is_locked=is_locked(vault, view))


def connection_of(row: Connection, now: datetime, *, is_locked: bool = False) -> ConnectionOut:
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
        health=row.health.value,
        health_reason=LOCKED if is_locked else row.health_reason(now),
        seen_until=row.state.seen_until,
        looked_at=row.state.looked_at,
        webhook_gaps=row.state.webhook_gaps,
        webhook_gap_at=row.state.webhook_gap_at,
        is_read_only=row.state.facts.get("is_read_only") is True,
        needs=_needs(row),
        reconnect=_reconnect(row),
        notices=tuple(_notice(row, each) for each in row.notices(now)),
        is_locked=is_locked,
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
