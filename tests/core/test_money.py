"""Money: exact, round trips, and refuses what is no amount."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.currencies import DIGITS
from rowcol.core.money import Cost, Money, NotMoney, exponent_of, is_currency, money_of, shown

CURRENCIES = st.sampled_from(("USD", "EUR", "JPY", "KWD", "CLF"))
MINOR = st.integers(-(10**17), 10**17)


@given(MINOR, CURRENCIES)
def test_round_trip(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert money_of(money.decimal(), currency) == money


@given(MINOR, MINOR, CURRENCIES)
def test_sums_are_exact(one: int, other: int, currency: str) -> None:
    assert (Money(one, currency) + Money(other, currency)).amount_minor == one + other


@given(st.decimals("-1e12", "1e12", allow_nan=False, places=6), CURRENCIES)
def test_rounding_is_within_half_a_minor_unit(value: Decimal, currency: str) -> None:
    error = abs(money_of(value, currency).decimal() - value)
    assert error <= Decimal("0.5").scaleb(-exponent_of(currency))


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        (Decimal("23631.9805"), "USD", 2_363_198),
        (Decimal("0.005"), "USD", 0),
        (Decimal("0.015"), "USD", 2),
        (Decimal("1.234"), "KWD", 1234),
        (Decimal(7), "JPY", 7),
        (-3, "USD", -300),
    ],
)
def test_known_amounts(value: Decimal | int, currency: str, minor: int) -> None:
    assert money_of(value, currency) == Money(minor, currency)


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+17", "1E+999999"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(NotMoney):
        money_of(Decimal(text), "USD")


@pytest.mark.parametrize(
    "code", ["BTC", "usd", " USD", "USD ", "XXX", "XAU", "", "US", "\x1b[31m" * 50]
)
def test_a_code_that_is_not_in_iso_4217_has_no_digits(code: str) -> None:
    """In small letters or with spaces around it a code is another one: what was meant would be a guess."""
    assert not is_currency(code)
    with pytest.raises(NotMoney, match="no currency of ISO 4217") as refused:
        money_of(Decimal("0.00512345"), code)
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("USD", 2),
        ("JPY", 0),
        ("BHD", 3),
        ("CLF", 4),
        ("UYW", 4),
        ("MGA", 2),
        ("XCG", 2),
        ("HRK", 2),
    ],
)
def test_digits_of_iso_4217(code: str, digits: int) -> None:
    assert exponent_of(code) == digits


def test_the_table_is_the_whole_list() -> None:
    """165 codes of the list of January 2026 that have digits, and 14 that were withdrawn since 2010."""
    assert len(DIGITS) == 165 + 14
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in DIGITS)
    assert set(DIGITS.values()) == {0, 2, 3, 4}


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Decimal("0.00000001"), "0.00000001"),
        (Decimal("1500.5"), "1500.5"),
        (Decimal("1E+400"), "1E+400"),
        ("x" * 41, f"{'x' * 40}..."),
    ],
)
def test_a_foreign_number_is_shown_with_its_digits(found: object, text: str) -> None:
    assert shown(found) == text


def test_never_across_currencies() -> None:
    with pytest.raises(ValueError, match="EUR to USD"):
        Money(1, "USD") + Money(1, "EUR")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Money(123_450, "USD"), "1,234.50 USD"),
        (Money(-5, "USD"), "-0.05 USD"),
        (Money(1234, "JPY"), "1,234 JPY"),
        (Money(1234, "KWD"), "1.234 KWD"),
        (Cost(100_000), "$0.10"),
        (Cost(1_234_500_000), "$1,234.50"),
        (Cost(1_500), "$0.0015"),
        (Cost(1), "$0.000001"),
        (Cost(), "$0.00"),
    ],
)
def test_as_people_read_it(value: Money | Cost, text: str) -> None:
    assert str(value) == text


@given(st.lists(st.integers(0, 10**9)))
def test_costs_add_up(micros: list[int]) -> None:
    assert sum((Cost(m) for m in micros), Cost()) == Cost(sum(micros))
