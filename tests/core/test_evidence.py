"""Evidence: how old an answer is."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from hypothesis import given

from rowcol.core.evidence import Balance, age_of
from rowcol.core.money import Money
from tests.core.builders import HOUR, NOW, minutes_before


@given(minutes_before(10_000))
def test_age_counts_from_the_rail_s_time(as_of: datetime) -> None:
    assert age_of(as_of, NOW) == NOW - as_of


def test_age_is_never_negative() -> None:
    assert age_of(NOW + HOUR, NOW) == timedelta(0)


def test_what_was_never_seen_has_no_age() -> None:
    assert age_of(None, NOW) is None


def test_a_kept_balance_of_before_codes_were_checked_is_no_value_any_more() -> None:
    """0.00512345 BTC was kept as a hundredth of one."""
    coins = b'{"current":{"amount_minor":1,"currency":"BTC"},"available":null,"limit":null}'
    found = msgspec.json.decode(coins, type=Balance)
    assert found == Balance(None, None, None, "an amount in 'BTC': no currency of ISO 4217")
    dollars = b'{"current":{"amount_minor":1,"currency":"USD"},"available":null}'
    assert msgspec.json.decode(dollars, type=Balance) == Balance(Money(1, "USD"), None)


def test_a_balance_without_a_value_comes_back_with_its_reason() -> None:
    balance = Balance(None, None, None, "0.00512345 BTC: no currency of ISO 4217")
    assert msgspec.json.decode(msgspec.json.encode(balance), type=Balance) == balance
