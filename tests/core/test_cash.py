"""Cash: sums are whole, old parts make it old, and what is missing is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.cash import Role, cash_of, counted, role_of, suggested_role
from rowcol.core.change import Account, ConnectionView
from rowcol.core.evidence import Balance, Health
from rowcol.core.money import Money
from tests.core.builders import HOUR, NOW, account, minutes_before, observation, usd, view

SEEN = account("acc_1", observation("acc_1", usd(500)))


@st.composite
def seen_accounts(draw: st.DrawFn) -> Account:
    amount = Money(draw(st.integers(-(10**9), 10**9)), draw(st.sampled_from(("USD", "EUR", "JPY"))))
    name = f"acc_{draw(st.integers(0, 10**6))}"
    seen = observation(name, amount, draw(minutes_before(9000)))
    role = draw(st.none() | st.sampled_from([role.value for role in Role]))
    subtype = draw(st.sampled_from(("checking", "savings")))
    return account(name, seen, role=role, subtype=subtype)


VIEWS = st.lists(st.lists(seen_accounts(), min_size=1, max_size=4), min_size=1, max_size=3).map(
    lambda logins: [view(*accounts) for accounts in logins]
)


@given(VIEWS)
def test_parts_sum_to_the_totals_per_currency(views: list) -> None:  # type: ignore[type-arg]
    cash = cash_of(views)
    counting = [a for v in views for a in v.accounts if counted(a)]
    assert [part.remote_account for part in cash.parts] == [a.remote_id for a in counting]
    currencies = [total.currency for total in cash.totals]
    assert currencies == sorted(set(currencies))
    for total in cash.totals:
        amounts = [p.amount for p in cash.parts if p.amount and p.amount.currency == total.currency]
        assert total.amount_minor == sum(a.amount_minor for a in amounts)
    assert {a.currency for p in cash.parts if (a := p.amount)} == set(currencies)
    assert not cash.is_incomplete


@given(VIEWS)
def test_as_of_is_the_oldest_part(views: list) -> None:  # type: ignore[type-arg]
    cash = cash_of(views)
    times = [part.observation.true_at for part in cash.parts if part.observation]
    assert cash.as_of == min(times, default=None)


@given(VIEWS)
def test_an_unseen_account_makes_it_incomplete(views: list) -> None:  # type: ignore[type-arg]
    """And changes no total."""
    before, after = cash_of(views), cash_of([*views, view(account("new"))])
    assert after.totals == before.totals
    assert after.is_incomplete
    assert after.as_of is None
    assert "Main (1234) at First Bank was never seen" in (after.incomplete_reason or "")


def test_a_login_never_seen_makes_it_incomplete() -> None:
    cash = cash_of([view(SEEN), view(name="Second Bank")])
    assert cash.incomplete == ("Second Bank was never seen",)
    assert cash.totals == (usd(500),)
    assert cash.as_of is None


@pytest.mark.parametrize(
    "health", sorted(set(Health) - {Health.OK, Health.DEGRADED, Health.RETIRED})
)
def test_an_unreachable_login_stays_in_the_sum(health: Health) -> None:
    cash = cash_of([view(SEEN, health=health)])
    assert cash.totals == (usd(500),)
    assert cash.as_of == NOW
    assert cash.incomplete_reason is not None
    assert cash.incomplete_reason.startswith("First Bank ")


def test_a_removed_login_does_not_count_and_is_missed_until_its_bank_is_back() -> None:
    bank = {"institution_id": "ins_1"}
    removed = with_facts(view(SEEN, health=Health.RETIRED), bank)
    alone = cash_of([removed])
    assert (alone.totals, alone.parts) == ((), ())
    assert alone.incomplete == ("First Bank was removed",)
    other = cash_of([removed, with_facts(view(SEEN), {"institution_id": "ins_2"})])
    assert (other.totals, other.incomplete) == ((usd(500),), ("First Bank was removed",))
    again = cash_of([removed, with_facts(view(SEEN), bank)])
    assert (again.totals, again.incomplete) == ((usd(500),), ())


def with_facts(of: ConnectionView, facts: Mapping[str, str]) -> ConnectionView:
    state = replace(of.connection.state, facts=facts)
    return replace(of, connection=replace(of.connection, state=state))


def test_a_login_that_holds_no_cash_does_not_matter() -> None:
    card = replace(account("card"), type="credit", subtype="credit card")
    cash = cash_of([view(SEEN), view(card, health=Health.NEEDS_RECONNECT)])
    assert not cash.is_incomplete
    assert cash.as_of == NOW


@pytest.mark.parametrize(
    "gone",
    [
        replace(SEEN, is_closed=True),
        replace(SEEN, latest=replace(observation(), balance=None)),
    ],
)
def test_an_account_that_went_away_is_named(gone: Account) -> None:
    """Not silently smaller; a person who ignores it has said that it was closed."""
    cash = cash_of([view(gone)])
    assert cash.totals == ()
    assert "no longer at First Bank" in (cash.incomplete_reason or "")
    assert not cash_of([view(replace(gone, role=Role.IGNORED))]).is_incomplete


def test_a_bank_that_gives_no_current_balance() -> None:
    seen = replace(observation(), balance=Balance(current=None, available=usd(7)))
    cash = cash_of([view(account("acc_1", seen))])
    assert cash.totals == ()
    assert "has no current balance" in (cash.incomplete_reason or "")


def test_a_role_that_nobody_set_is_said_to_be_suggested() -> None:
    other = account("acc_2", observation("acc_2", usd(1), NOW - HOUR), role="OPERATING")
    cash = cash_of([view(SEEN, other)])
    assert [part.is_role_suggested for part in cash.parts] == [True, False]
    assert cash.totals == (usd(501),)
    assert cash.field == "current"


def test_a_person_s_word_beats_the_suggestion() -> None:
    assert role_of(account(role="TRUST")) is Role.TRUST
    assert not counted(account(role="TRUST"))
    assert counted(account(subtype="savings", role="OPERATING"))


def test_nothing_at_all() -> None:
    cash = cash_of([])
    assert (cash.totals, cash.as_of, cash.parts, cash.is_incomplete) == ((), None, (), False)


@pytest.mark.parametrize(
    ("kind", "subtype", "role"),
    [
        ("depository", "checking", Role.OPERATING),
        ("depository", "savings", Role.RESERVE),
        ("depository", "", Role.RESERVE),
        ("credit", "credit card", Role.DEBT),
        ("loan", "business", Role.DEBT),
        ("investment", "checking", Role.IGNORED),
        ("", "", Role.IGNORED),
    ],
)
def test_suggestions(kind: str, subtype: str, role: Role) -> None:
    assert suggested_role(kind, subtype) is role


@pytest.mark.parametrize("subtype", ["", "brand new"])
def test_a_bank_account_of_no_known_subtype_may_be_cash_and_is_named(subtype: str) -> None:
    odd = account("acc_2", observation("acc_2", usd(7)), subtype=subtype)
    (why,) = cash_of([view(SEEN, odd)]).incomplete
    assert why == "Main (1234) at First Bank is of an unknown kind; give it a role"
    for known in (replace(odd, role="RESERVE"), replace(odd, subtype="money market")):
        assert not cash_of([view(SEEN, known)]).is_incomplete


def test_an_amount_that_is_no_money_enters_no_sum_and_is_named_with_its_digits() -> None:
    coins = observation("acc_2")
    why = "0.00512345 BTC: no currency of ISO 4217"
    coins = replace(coins, balance=Balance(None, None, None, why))
    cash = cash_of([view(SEEN, account("acc_2", coins))])
    assert cash.totals == (usd(500),)
    assert cash.incomplete == (f"Main (1234) at First Bank is not counted: {why}",)
