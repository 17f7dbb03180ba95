"""Cash: what a business can spend, defined and not assumed. A person gives each account its role; operating ones count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rowcol.core.change import Account, ConnectionView
from rowcol.core.connection import Connection
from rowcol.core.evidence import Health, Observation
from rowcol.core.ids import ConnectionId, RemoteId
from rowcol.core.money import Money

FIELD = "current"
"""The balance field that is summed: what is posted, without holds and without a credit line."""

KNOWN_TYPES = frozenset(
    {"depository", "credit", "loan", "investment", "brokerage", "payroll", "other"}
)
"""Types that a role is suggested for; one of another type is named as missing rather than left out."""
KNOWN_SUBTYPES = frozenset(
    {
        *("checking", "savings", "hsa", "cd", "money market", "paypal", "prepaid"),
        *("cash management", "ebt"),
    }
)
"""Subtypes of a bank account: one of another subtype, or of none, may be a checking account, so it is named, too."""

DEBT_TYPES = frozenset({"credit", "loan"})
"""What is shown of these is owed: it never counts as cash, whatever role somebody gave."""


class Role(StrEnum):
    """What an account is to its business."""

    OPERATING = "OPERATING"
    """Counts as cash."""
    RESERVE = "RESERVE"
    """Own money, set aside: shown, not counted."""
    TRUST = "TRUST"
    """Other people's money."""
    DEBT = "DEBT"
    IGNORED = "IGNORED"


@dataclass(frozen=True, slots=True)
class CashPart:
    """One account that counts. `amount` is None when it was never seen or its bank gave no such field.

    `is_role_suggested`: nobody set its role; it counts by its type.
    """

    connection: ConnectionId
    remote_account: RemoteId
    name: str
    mask: str
    role: Role
    is_role_suggested: bool
    observation: Observation | None
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Cash:
    """Cash per currency, in order of currency. `as_of`: the oldest part's time at the bank; None without parts,
    or when one was never seen.

    `incomplete`: why the sum may not be the whole, a sentence each. What was last seen at an
    unreachable login stays in the sum.
    """

    totals: tuple[Money, ...]
    as_of: datetime | None
    parts: tuple[CashPart, ...]
    incomplete: tuple[str, ...] = ()
    field: str = FIELD

    @property
    def is_incomplete(self) -> bool:
        """Whether something that counts is missing, or could not be looked at."""
        return bool(self.incomplete)

    @property
    def incomplete_reason(self) -> str | None:
        """Every reason in one line, None when complete."""
        return "; ".join(self.incomplete) or None


def suggested_role(account_type: str, subtype: str) -> Role:
    """What an account most likely is, until a person says."""
    match account_type, subtype:
        case "depository", "checking":
            return Role.OPERATING
        case "depository", _:
            return Role.RESERVE
        case kind, _ if kind in DEBT_TYPES:
            return Role.DEBT
        case _:
            return Role.IGNORED


def role_of(account: Account) -> Role:
    """The role a person gave, else the suggestion. A debt is never operating."""
    if account.role is None:
        return suggested_role(account.type, account.subtype)
    role = Role(account.role)
    return Role.DEBT if role is Role.OPERATING and account.type in DEBT_TYPES else role


def counted(account: Account) -> bool:
    """Whether a look is part of cash: at an operating account that is still at the bank, and no other look speaks for it."""
    is_operating = role_of(account) is Role.OPERATING
    return is_operating and not is_gone(account) and not account.is_superseded


def live(views: Iterable[ConnectionView]) -> tuple[ConnectionView, ...]:
    """The logins that were not removed: only those are asked and counted."""
    return tuple(v for v in views if v.connection.state.health is not Health.RETIRED)


def cash_of(views: Iterable[ConnectionView]) -> Cash:
    """Cash over all logins of one business. Never silently smaller: what is missing is named.

    `views`: as `core/identity` has them, so that an account which two logins show is counted once. A
    removed login does not count any more; that it is missing is said until its bank is connected anew.
    """
    everything = tuple(views)
    views = live(everything)
    parts = tuple(_part(a) for view in views for a in view.accounts if counted(a))
    totals: dict[str, Money] = {}
    for part in parts:
        if part.amount is not None:
            currency = part.amount.currency
            totals[currency] = totals.get(currency, Money(0, currency)) + part.amount
    is_seen = bool(parts) and all(view.accounts for view in views)
    times = [part.observation.true_at for part in parts if part.observation is not None]
    return Cash(
        totals=tuple(totals[currency] for currency in sorted(totals)),
        as_of=min(times) if is_seen and len(times) == len(parts) else None,
        parts=parts,
        incomplete=(*_missing(views), *_removed(everything)),
    )


def _part(account: Account) -> CashPart:
    seen = account.latest
    return CashPart(
        connection=account.connection,
        remote_account=RemoteId(account.remote_id),
        name=account.name,
        mask=account.mask,
        role=role_of(account),
        is_role_suggested=account.role is None,
        observation=seen,
        amount=None if seen is None or seen.balance is None else seen.balance.current,
    )


def is_gone(account: Account) -> bool:
    """The bank no longer shows it: closed, or a person took it out of the login."""
    return account.is_closed or (account.latest is not None and account.latest.balance is None)


_UNREACHABLE = {
    Health.NEEDS_RECONNECT: "has to be repaired by a person",
    Health.INSTITUTION_DOWN: "cannot be reached: its bank does not answer",
    Health.UNSUPPORTED: "cannot be asked for balances",
    Health.MISCONFIGURED: "cannot be asked: our keys or request are wrong",
}


def _missing(views: Sequence[ConnectionView]) -> Iterable[str]:
    for view in views:
        login = _login(view.connection)
        spoken = [a for a in view.accounts if not a.is_superseded]
        operating = [a for a in spoken if role_of(a) is Role.OPERATING]
        if not view.accounts:
            yield f"{login} was never seen"
        elif operating and (why := _UNREACHABLE.get(view.connection.state.health)):
            yield f"{login} {why}"
        yield from (what for a in spoken if (what := _lack(a, login)))


def _is_known_kind(account: Account) -> bool:
    is_bank_account = account.type == "depository"
    return account.type in KNOWN_TYPES and (
        account.subtype in KNOWN_SUBTYPES or not is_bank_account
    )


def _lack(account: Account, login: str) -> str | None:
    """What keeps an account from being counted for sure, as a sentence."""
    if account.role is None and not _is_known_kind(account) and not is_gone(account):
        return f"{named(account)} at {login} is of an unknown kind; give it a role"
    if role_of(account) is not Role.OPERATING:
        return None
    if is_gone(account):
        return f"{named(account)} is no longer at {login}; ignore it if it was closed"
    if account.latest is None:
        return f"{named(account)} at {login} was never seen"
    balance = account.latest.balance
    if balance is not None and balance.current is None:
        why = balance.uncounted
        said = f"is not counted: {why}" if why else f"has no {FIELD} balance"
        return f"{named(account)} at {login} {said}"
    return None


def _removed(views: Sequence[ConnectionView]) -> Iterable[str]:
    banks = {v.connection.state.facts.get("institution_id") for v in live(views)}
    for view in views:
        connection = view.connection
        had_cash = any(
            role_of(a) is Role.OPERATING and not a.is_closed and not a.is_superseded
            for a in view.accounts
        )
        is_removed = connection.state.health is Health.RETIRED
        if is_removed and had_cash and connection.state.facts.get("institution_id") not in banks:
            yield f"{_login(connection)} was removed"


def _login(connection: Connection) -> str:
    return connection.label


def named(account: Account) -> str:
    """What people call it: its name, and the end of its number."""
    name = account.name or account.remote_id
    return f"{name} ({account.mask})" if account.mask else name
