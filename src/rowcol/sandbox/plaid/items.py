"""Items: a bank login as Plaid keeps it, with the cached copy of each account beside the ledger it was copied from.

State only. Who changes it: `pulls` (copies), `emulator` (life cycle), `faults`. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from rowcol.sandbox.plaid.catalog import Institution
from rowcol.sandbox.plaid.log import TransactionLog, Txn
from rowcol.sandbox.world import Ledger

CONSENT_LIFE: Final = timedelta(days=365)
NOTICE_AHEAD: Final = timedelta(days=7)
"""How long before the end of a consent PENDING_DISCONNECT is sent."""
DEBT_TYPES: Final = frozenset({"credit", "loan"})


@dataclass(frozen=True, slots=True)
class Balances:
    """What a look at the bank showed. Plaid's signs: owed money on credit and loan accounts is positive."""

    current_minor: int | None
    available_minor: int | None
    seen_at: datetime


@dataclass(slots=True)
class LinkedAccount:
    """An account of an Item: the truth, the copy, and how far Plaid has read the truth."""

    account_id: str
    ledger: Ledger
    cached: Balances | None = None
    txn_by_posting: dict[str, Txn] = field(default_factory=dict)
    read_after: datetime | None = None
    """No posting at or before this moment is ever visible: the reach of `days_requested`."""
    read_until: datetime | None = None
    n_changes_read: int = 0
    nulls: frozenset[str] = frozenset()
    """Balance fields this bank stopped giving."""

    def look(self, when: datetime) -> Balances:
        """The truth at `when`, the way the bank shows it."""
        facts = self.ledger.facts
        held = self.ledger.balance_at(when)
        pending = sum(posting.amount_minor for posting in self.ledger.pending_at(when))
        current = -held if facts.account_type in DEBT_TYPES else held
        available: int | None = None
        if facts.has_available and facts.account_type == "depository":
            available = held - facts.hold_minor + pending
        elif facts.has_available and facts.account_type == "credit":
            limit = facts.limit_minor
            available = None if limit is None else limit + held - facts.hold_minor + pending
        return Balances(
            current_minor=None if "current" in self.nulls else current,
            available_minor=None if "available" in self.nulls else available,
            seen_at=when,
        )


@dataclass(frozen=True, slots=True)
class LinkWish:
    """What was asked for when the login was linked."""

    client_id: str
    institution: Institution
    products: tuple[str, ...] = ("transactions",)
    webhook: str | None = None
    days_requested: int = 90
    username: str = "user_good"
    is_manual: bool = False
    """Linked by micro-deposits or a database: nothing can be asked of the bank."""


@dataclass(slots=True)
class Login:
    """A person's access to a bank and what the bank shows through it. Items of one login share this object."""

    username: str
    password: str | None
    """None for a Sandbox user, whose rules are in `users`."""
    account_ids: list[str]
    """World accounts, in the order in which the bank lists them; closed ones leave."""


@dataclass(slots=True)
class Item:
    """A bank login. `error` is the item-error shape, or None when healthy."""

    item_id: str
    wish: LinkWish
    access_token: str
    created_at: datetime
    accounts: dict[str, LinkedAccount]
    webhook: str | None
    products: set[str]
    login: Login
    error: dict[str, Any] | None = None
    broken_at: datetime | None = None
    update_type: str = "background"
    consent_expiration_at: datetime | None = None
    removed_at: datetime | None = None
    subscribed_at: datetime | None = None
    last_successful_update_at: datetime | None = None
    last_failed_update_at: datetime | None = None
    last_webhook: tuple[datetime, str] | None = None
    is_initial_done: bool = False
    is_historical_done: bool = False
    is_sync_called: bool = False
    next_pull_at: datetime | None = None
    notice_at: datetime | None = None
    """When PENDING_DISCONNECT will be sent."""
    closed_accounts: dict[str, LinkedAccount] = field(default_factory=dict)
    """No longer shown; their transactions still are."""
    n_forced_mutations: int = 0
    refuses_cursors: bool = False
    n_made: int = 0
    log: TransactionLog = field(default_factory=TransactionLog)

    @property
    def institution(self) -> Institution:
        """The bank."""
        return self.wish.institution

    @property
    def is_revoked(self) -> bool:
        """Whether the person withdrew the permission; nothing brings this Item back."""
        return self.error is not None and self.error["error_code"] == "USER_PERMISSION_REVOKED"

    @property
    def shared_ids(self) -> set[str]:
        """World accounts that this Item shows."""
        return {account.ledger.account_id for account in self.accounts.values()}

    @property
    def has_transactions(self) -> bool:
        """Whether the monthly subscription runs."""
        return "transactions" in self.products

    @property
    def is_pulled(self) -> bool:
        """Whether background pulls happen at all."""
        return (
            self.removed_at is None
            and self.error is None
            and self.update_type == "background"
            and self.has_transactions
        )


def linked(ledgers: Sequence[Ledger], account_ids: Sequence[str]) -> dict[str, LinkedAccount]:
    """Account id -> linked account, in order."""
    return {
        account_id: LinkedAccount(account_id, ledger)
        for account_id, ledger in zip(account_ids, ledgers, strict=True)
    }


def consent_end(wish: LinkWish, now: datetime) -> datetime | None:
    """Consent at OAuth banks ends after a year, unless the person renews it in update mode."""
    return now + CONSENT_LIFE if wish.institution.is_oauth else None
