"""Money and cost: exact integers with their unit in the name. Never float, never summed across currencies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from typing_extensions import override

from rowcol.core.currencies import DIGITS

MICROS_PER_USD = 1_000_000
_MAX_DIGITS = 18
_SHOWN = 40
"""Characters of a foreign number or code that a message repeats."""


class NotMoney(ValueError):
    """A number that cannot be an amount: NaN, infinite, over 18 digits of minor units, or in no currency of ISO 4217.

    The message is ours and repeats at most some characters of the number and the code, so it can be shown.
    """


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (cents for USD) of one currency."""

    amount_minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        """Raise `ValueError` across currencies."""
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount_minor + other.amount_minor, self.currency)

    @override
    def __str__(self) -> str:
        """`1,234.50 USD`."""
        return f"{self.decimal():,} {self.currency}"

    def decimal(self) -> Decimal:
        """The amount in major units, with exactly the currency's digits."""
        return Decimal(self.amount_minor).scaleb(-exponent_of(self.currency))


@dataclass(frozen=True, slots=True, order=True)
class Cost:
    """What we owe a rail, in micro-dollars (1 USD = 1,000,000)."""

    micros: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.micros + other.micros)

    @override
    def __str__(self) -> str:
        """`$0.10`, with more digits only when there are any."""
        dollars = Decimal(self.micros) / MICROS_PER_USD
        cents = dollars.quantize(Decimal("0.01"))
        return f"${cents if cents == dollars else dollars.normalize():,}"


FREE = Cost(0)


def is_currency(code: str) -> bool:
    """Whether a code is one of ISO 4217 as it is written there: three capital letters, nothing around them."""
    return code in DIGITS


def exponent_of(currency: str) -> int:
    """Digits after the point in ISO 4217. Raise `NotMoney` for any other code: how many it has, nobody knows."""
    try:
        return DIGITS[currency]
    except KeyError:
        raise NotMoney(f"{shown(currency)!a} is no currency of ISO 4217") from None


def money_of(value: Decimal | int, currency: str) -> Money:
    """Minor units of a decimal amount, half-even where a rail sends more digits than exist.

    Plaid sends JSON numbers such as 23631.9805; they arrive here as Decimal, never as float.
    """
    try:
        minor = Decimal(value).scaleb(exponent_of(currency)).quantize(Decimal(1), ROUND_HALF_EVEN)
    except ArithmeticError as error:
        raise NotMoney(f"not an amount of {currency}: {shown(value)}") from error
    if not minor.is_finite() or len(minor.as_tuple().digits) > _MAX_DIGITS:
        raise NotMoney(f"not an amount of {currency}: {shown(value)}")
    return Money(int(minor), currency)


def shown(found: object) -> str:
    """A foreign number or code as a message may repeat it: every digit as it came, cut after some."""
    text = f"{found:f}" if isinstance(found, Decimal) and _is_short(found) else str(found)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _is_short(value: Decimal) -> bool:
    """Whether it can be written without an exponent: 0.00000001 rather than 1E-8."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and -_SHOWN < exponent <= 0
