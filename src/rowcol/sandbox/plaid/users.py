"""Sandbox users: which accounts a login at a Sandbox institution finds.

Default accounts: examples of the OpenAPI spec; `user_custom`: its password is a JSON document (docs "Sandbox user
custom"). History of the fixed users is ours: a few postings a week that end in the documented balance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from rowcol.sandbox.plaid.dynamic import DYNAMIC_USER, seed_postings
from rowcol.sandbox.plaid.errors import ERRORS, PlaidError
from rowcol.sandbox.plaid.items import DEBT_TYPES
from rowcol.sandbox.world import AccountFacts, Posting

CUSTOM_USER: Final = "user_custom"
_N_CUSTOM_ACCOUNTS_MAX: Final = 10
_BUSINESS_USER: Final = "user_small_business"
_GOOD_USER: Final = ("user_good", "pass_good")
_ANY_PASSWORD_USERS: Final = frozenset(
    {CUSTOM_USER, DYNAMIC_USER, _BUSINESS_USER, "user_ewa_user", "user_yuppie"}
)
_NOON: Final = time(12, tzinfo=UTC)
_STEP: Final = timedelta(days=3, hours=5)
_PURCHASES: Final = (-1_230, -540, -8_940, 2_500, -633, -7_850, 50_000, -43_300)


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """An account to open: its facts, the balance it must have now, and its history."""

    facts: AccountFacts
    current_minor: int
    postings: tuple[Posting, ...] = ()

    @property
    def opening_minor(self) -> int:
        """Plaid's `current` is positive for debts; the ledger's is what the owner has."""
        held = -self.current_minor if self.facts.account_type in DEBT_TYPES else self.current_minor
        return held - sum(one.amount_minor for one in self.postings if one.pending_since is None)


def _facts(name: str, mask: str, kind: str, subtype: str, **more: Any) -> AccountFacts:
    return AccountFacts(name, mask, kind, subtype, f"{name} Standard", **more)


DEFAULT_ACCOUNTS: Final = (
    AccountPlan(
        _facts("Plaid Checking", "0000", "depository", "checking", hold_minor=1_000), 11_000
    ),
    AccountPlan(_facts("Plaid Saving", "1111", "depository", "savings", hold_minor=1_000), 21_000),
    AccountPlan(
        _facts(
            "Plaid Credit Card",
            "3333",
            "credit",
            "credit card",
            limit_minor=200_000,
            has_available=False,
        ),
        41_000,
    ),
    AccountPlan(_facts("Plaid Money Market", "4444", "depository", "money market"), 4_320_000),
    AccountPlan(_facts("Plaid IRA", "5555", "investment", "ira"), 32_076),
    AccountPlan(_facts("Plaid 401k", "6666", "investment", "401k", minor_digits=4), 236_319_805),
    AccountPlan(_facts("Plaid Student Loan", "7777", "loan", "student"), 6_526_200),
    AccountPlan(_facts("Plaid Mortgage", "8888", "loan", "mortgage"), 5_630_206),
)


def accounts_of(
    username: str, password: str, now: datetime, days_requested: int
) -> tuple[AccountPlan, ...]:
    """What this login finds. Raise the error that `error_<CODE>` or a custom user forces."""
    if username == CUSTOM_USER:
        return _custom_accounts(password, now)
    raise_forced_error(password)
    if username == DYNAMIC_USER:
        first = DEFAULT_ACCOUNTS[0]
        return (AccountPlan(first.facts, 11_000, tuple(seed_postings(now))),)
    chosen = DEFAULT_ACCOUNTS[:3] if username == _BUSINESS_USER else DEFAULT_ACCOUNTS
    return tuple(_with_history(plan, now, days_requested) for plan in chosen)


def raise_forced_error(password: str) -> None:
    """The password `error_<CODE>` forces that error."""
    if password.startswith("error_"):
        raise PlaidError(_known(password.removeprefix("error_")))


def require_password(username: str, password: str) -> None:
    """Raise what a Sandbox bank answers to a wrong login: INVALID_CREDENTIALS, or a forced error."""
    if username != CUSTOM_USER:
        raise_forced_error(password)
    if username not in _ANY_PASSWORD_USERS and (username, password) != _GOOD_USER:
        raise PlaidError("INVALID_CREDENTIALS")


def _with_history(plan: AccountPlan, now: datetime, days: int) -> AccountPlan:
    if plan.facts.account_type not in {"depository", "credit"} or plan.facts.mask == "4444":
        return plan
    n = int(timedelta(days=days) / _STEP)
    postings = tuple(
        Posting(f"seed{k}", now - _STEP * (k + 1), _PURCHASES[k % len(_PURCHASES)], f"Seed {k}")
        for k in range(n)
    )
    return AccountPlan(plan.facts, plan.current_minor, postings)


def _custom_accounts(password: str, now: datetime) -> tuple[AccountPlan, ...]:
    """`{"override_accounts": [{"type", "subtype", "starting_balance", "meta", "transactions"}], "force_error"}`."""
    try:
        document = msgspec.json.decode(password, type=dict[str, Any])
    except msgspec.DecodeError:
        raise PlaidError("INVALID_CREDENTIALS") from None
    if document.get("force_error"):
        raise PlaidError(_known(str(document["force_error"])))
    accounts = document.get("override_accounts") or []
    if not 1 <= len(accounts) <= _N_CUSTOM_ACCOUNTS_MAX:
        raise PlaidError("INVALID_CREDENTIALS")
    try:
        return tuple(_custom_account(account, n, now) for n, account in enumerate(accounts))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        raise PlaidError("INVALID_CREDENTIALS") from None


def _custom_account(account: Mapping[str, Any], n: int, now: datetime) -> AccountPlan:
    meta = account.get("meta") or {}
    current_minor = to_minor(account.get("starting_balance", 0))
    forced = account.get("force_available_balance")
    limit = meta.get("limit")
    facts = AccountFacts(
        name=str(meta.get("name") or f"Plaid {account['type'].title()}"),
        mask=str(meta.get("mask") or f"{n:04d}"),
        account_type=str(account["type"]),
        account_subtype=_text(account.get("subtype")),
        official_name=_text(meta.get("official_name")),
        currency=str(account.get("currency") or "USD"),
        limit_minor=None if limit is None else to_minor(limit),
        hold_minor=0 if forced is None else current_minor - to_minor(forced),
        has_available=not account.get("has_null_available_balance", False),
    )
    postings = tuple(
        custom_posting(f"custom{k}", row, now)
        for k, row in enumerate(account.get("transactions") or [])
    )
    return AccountPlan(facts, current_minor, postings)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def custom_posting(posting_id: str, row: Mapping[str, Any], now: datetime) -> Posting:
    """`{date_transacted, date_posted, amount, description}`; a day of posting in the future means pending."""
    transacted_at = min(_at_noon(row["date_transacted"]), now)
    posted_at = _at_noon(row["date_posted"])
    amount_minor = -to_minor(row["amount"])
    text = str(row["description"])
    if posted_at.date() > now.date():
        return Posting(posting_id, posted_at, amount_minor, text, transacted_at)
    return Posting(posting_id, min(posted_at, now), amount_minor, text)


def to_minor(amount: object, digits: int = 2) -> int:
    """An amount in major units, a JSON number, as minor units."""
    return int(Decimal(str(amount)).scaleb(digits).to_integral_value())


def _at_noon(text: object) -> datetime:
    return datetime.combine(date.fromisoformat(str(text)), _NOON)


def _known(code: str) -> str:
    return code.upper() if code.upper() in ERRORS else "INTERNAL_SERVER_ERROR"
