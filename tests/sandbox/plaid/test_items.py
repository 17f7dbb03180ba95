"""Items: what a look at the bank shows, in Plaid's signs."""

from __future__ import annotations

from datetime import timedelta

from rowcol.sandbox.plaid.items import CONSENT_LIFE, Balances
from tests.sandbox.rig import Rig


def test_available_follows_pending_money_and_holds(rig: Rig) -> None:
    item = rig.item(rig.account(hold_minor=500))
    [account] = item.accounts.values()
    rig.spend(-2_000, pending_since=rig.now - timedelta(hours=1))
    later_at = rig.now + timedelta(days=1)
    rig.world.post("cash", later_at, -300, "held", pending_since=rig.now)
    assert account.look(rig.now) == Balances(98_000, 97_200, rig.now)


def test_an_investment_has_no_available(rig: Rig) -> None:
    [account] = rig.item(rig.account("ira", account_type="investment")).accounts.values()
    assert account.look(rig.now) == Balances(100_000, None, rig.now)


def test_a_bank_may_give_nulls(rig: Rig) -> None:
    [account] = rig.item().accounts.values()
    account.nulls = frozenset({"available", "current"})
    assert account.look(rig.now) == Balances(None, None, rig.now)


def test_pulls_need_health_and_transactions(rig: Rig) -> None:
    item = rig.item()
    assert item.is_pulled
    item.update_type = "user_present_required"
    assert not item.is_pulled
    assert not rig.item(rig.account("b"), products=("auth",)).is_pulled


def test_consent_ends_at_oauth_banks_only(rig: Rig) -> None:
    assert rig.item().consent_expiration_at is None
    oauth = rig.item(rig.account("b"), bank="ins_56")
    assert oauth.consent_expiration_at == rig.now + CONSENT_LIFE
