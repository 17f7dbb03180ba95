"""Sandbox users: plans of accounts that end in the balance they promise."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from rowcol.sandbox.plaid.users import accounts_of, custom_posting, to_minor
from rowcol.sandbox.world import Ledger

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("username", "n_accounts"),
    [("user_good", 8), ("user_small_business", 3), ("user_transactions_dynamic", 1)],
)
def test_fixed_users(username: str, n_accounts: int) -> None:
    plans = accounts_of(username, "pass_good", NOW, 90)
    assert len(plans) == n_accounts
    for plan in plans:
        ledger = Ledger("a", plan.facts, plan.opening_minor, plan.postings)
        is_debt = plan.facts.account_type in {"credit", "loan"}
        assert ledger.balance_at(NOW) == (-plan.current_minor if is_debt else plan.current_minor)


def test_custom_available() -> None:
    accounts = [
        {
            "type": "depository",
            "subtype": "savings",
            "starting_balance": 100,
            "force_available_balance": 80,
        },
        {"type": "credit", "starting_balance": 5, "meta": {"limit": 50}},
        {"type": "depository", "has_null_available_balance": True},
    ]
    plans = accounts_of("user_custom", json.dumps({"override_accounts": accounts}), NOW, 90)
    assert [plan.facts.hold_minor for plan in plans] == [2_000, 0, 0]
    assert plans[1].facts.limit_minor == 5_000
    assert not plans[2].facts.has_available


def test_a_day_in_the_future_is_pending_and_today_is_not() -> None:
    row = {"date_transacted": "2026-01-05", "amount": 1.5, "description": "x"}
    today = custom_posting("a", row | {"date_posted": "2026-01-05"}, NOW)
    assert (today.posted_at, today.pending_since, today.amount_minor) == (NOW, None, -150)
    later = custom_posting("b", row | {"date_posted": "2026-01-06"}, NOW)
    assert later.pending_since == NOW


def test_minor_units() -> None:
    assert to_minor(0.1) == 10
    assert to_minor("-56.78") == -5_678
