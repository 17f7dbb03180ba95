"""Facts: Plaid's own small facts of a connection, by name, and the moves of a state that more than one reading makes.

| fact                       | type | what                                                          |
|----------------------------|------|---------------------------------------------------------------|
| `institution_id`           | str  | the bank                                                      |
| `institution_name`         | str  | its name                                                      |
| `update_type`              | str  | `background`, or `user_present_required`: never pulled         |
| `has_transactions`         | bool | the Item is subscribed to Transactions; without it never sync  |
| `webhook`                  | str  | where Plaid delivers to, "" for nowhere                       |
| `consented`                | str  | products, so that a change is noticed                         |
| `consent_until`            | str  | when the consent ends unless a person renews it, "" for never |
| `account_ids`              | str  | accounts of the last whole list, joined by commas             |
| `account_ids_missing`      | str  | of those the ones that it did not show: gone once another list lacks them, too |
| `has_non_depository`       | bool | one of them is no bank account (Capital One's rule)           |
| `depository_ids`           | str  | those of them that are bank accounts                          |
| `balance_refused`          | str  | the code with which live balances were refused for good       |
| `balance_refused_at`       | str  | when; it is tried again after a week                          |
| `transactions_refused`, `transactions_refused_at` | str | the same for transactions               |
| `sync_whole_rows`          | int  | rows of a reading from nothing, until another confirms it     |
| `history_complete`         | bool | the whole history was read                                    |
| `institution_status`       | str  | HEALTHY, DEGRADED, DOWN, or "" for unknown                    |
| `refresh_interval`         | str  | NORMAL, DELAYED, STOPPED, or "" for unknown                   |
| `institution_checked_at`   | str  | when the bank's status was told                               |
| `institution_asked_at`     | str  | when it was last asked for, answered or not                   |
| `sync_*`                   |      | what an unfinished paged read counted, and its restarts       |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.stream import OFF_FOR, StreamRefusal

HEALTH, TRANSACTIONS, ACCOUNTS = "health", "transactions", "accounts"
"""The streams that something can be worth a look in."""
REFUSED = "refused"
"""Marked where a repair makes what was refused worth another try."""

INSTITUTION, INSTITUTION_NAME, UPDATE_TYPE = "institution_id", "institution_name", "update_type"
HAS_TRANSACTIONS, WEBHOOK, CONSENTED = "has_transactions", "webhook", "consented"
CONSENT_UNTIL = "consent_until"
ACCOUNT_IDS, HAS_NON_DEPOSITORY = "account_ids", "has_non_depository"
MISSING_IDS = "account_ids_missing"
DEPOSITORY_IDS = "depository_ids"
BALANCE_REFUSED, TRANSACTIONS_REFUSED = "balance_refused", "transactions_refused"
HISTORY_COMPLETE = "history_complete"
INSTITUTION_STATUS, REFRESH_INTERVAL = "institution_status", "refresh_interval"
INSTITUTION_CHECKED_AT, INSTITUTION_ASKED_AT = "institution_checked_at", "institution_asked_at"
RESTARTS, CHANGES, WHOLE_ROWS = "sync_restarts", "sync_changes", "sync_whole_rows"
EMPTY = "sync_empty"
POSTED, POSTED_CLOSED, POSTED_FIRST_ON = "sync_posted", "sync_posted_closed", "sync_first_posted_on"

REFUSALS = {
    "accounts.balance.get": BALANCE_REFUSED,
    "transactions.sync": TRANSACTIONS_REFUSED,
    "transactions.refresh": TRANSACTIONS_REFUSED,
}
"""Endpoints that may be refused for a login for good while others still answer."""

CAPITAL_ONE, APPLE_CARD = "ins_128026", "ins_136439"
READABLE = frozenset({Health.OK, Health.INSTITUTION_DOWN})
"""Healths under which Plaid's cache can be read."""
UNANNOUNCED = "the bank was seen again since the last read, and no delivery said so"


def learnt(state: ConnectionState, facts: Mapping[str, str | int | bool | None]) -> ConnectionState:
    """The same with these facts."""
    return replace(state, facts={**state.facts, **facts})


def word(state: ConnectionState, name: str) -> str:
    """A fact that is a text, "" while unknown."""
    value = state.facts.get(name)
    return value if isinstance(value, str) else ""


def count(state: ConnectionState, name: str) -> int:
    """A fact that is a number, 0 while unknown."""
    value = state.facts.get(name)
    return value if isinstance(value, int) else 0


def moment(state: ConnectionState, name: str) -> datetime | None:
    """A fact that is a time of ours, None while unknown."""
    value = word(state, name)
    return datetime.fromisoformat(value) if value else None


def account_ids(state: ConnectionState, name: str = ACCOUNT_IDS) -> tuple[str, ...]:
    """Accounts of the last whole list, and those that one list has not shown yet."""
    return tuple(filter(None, word(state, name).split(",")))


def may_sync(state: ConnectionState) -> bool:
    """Whether transactions may be asked for: anywhere else that would add and bill the subscription."""
    return state.facts.get(HAS_TRANSACTIONS) is True and not word(state, TRANSACTIONS_REFUSED)


def with_refusal(state: ConnectionState, name: str, code: str, at: datetime) -> ConnectionState:
    """The same with an endpoint off for a week, as it was refused with this code."""
    state = learnt(state, {name: code, f"{name}_at": at.isoformat()})
    known = state.stream_refusal
    if name != TRANSACTIONS_REFUSED:
        return state
    if known is None or known.over_at is not None:
        known = StreamRefusal(code, 1, at)
    return replace(state, stream_refusal=replace(known, code=code, off_until=at + OFF_FOR))


def off_until(state: ConnectionState, name: str) -> datetime | None:
    """Until when an endpoint is off; None: it is not, or nobody knows since when."""
    at = moment(state, f"{name}_at") if word(state, name) else None
    return None if at is None else at + OFF_FOR


def retried(state: ConnectionState, at: datetime, *, is_changed: bool) -> ConnectionState:
    """The same with what was refused worth one more try: a week later, or once something changed."""
    for name in (BALANCE_REFUSED, TRANSACTIONS_REFUSED):
        until = off_until(state, name)
        if word(state, name) and (is_changed or until is None or until <= at):
            state = learnt(state, {name: ""})
            known = state.stream_refusal
            if name == TRANSACTIONS_REFUSED and known is not None:
                state = replace(state, stream_refusal=replace(known, off_until=None))
    return state


def depository_ids(state: ConnectionState) -> tuple[str, ...]:
    """The bank accounts of the last whole list."""
    return tuple(filter(None, word(state, DEPOSITORY_IDS).split(",")))


def answers_from_cache(state: ConnectionState) -> bool:
    """Whether a paid call that names no accounts brings cached balances, of some at least: at Capital One where there
    is another account than a bank account, at Apple Card (docs, looked up 2026-11-25; Apple Card: SDK only)."""
    bank = word(state, INSTITUTION)
    has_cards = state.facts.get(HAS_NON_DEPOSITORY) is True
    return bank == APPLE_CARD or (bank == CAPITAL_ONE and has_cards)


def without_pages(state: ConnectionState) -> ConnectionState:
    """The same with an unfinished paged read forgotten; its restarts stay counted."""
    return replace(without(state, EMPTY, CHANGES, POSTED, POSTED_CLOSED, POSTED_FIRST_ON), page="")


def without(state: ConnectionState, *names: str) -> ConnectionState:
    """The same without these facts."""
    kept = {name: value for name, value in state.facts.items() if name not in names}
    return replace(state, facts=kept)


def without_unreadable(state: ConnectionState) -> ConnectionState:
    """Drop marks that nothing can be done about while the login is broken; a repair sets them again."""
    return state if state.health in READABLE else state.cleared(ACCOUNTS).cleared(TRANSACTIONS)
