"""Values: JSON with exact numbers, money, and the two spellings of a moment in a company's own time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from rowcol.ports import Clock

Json = dict[str, Any]
CENT: Final = Decimal("0.01")
ZERO: Final = Decimal(0)
_HALF: Final = timedelta(milliseconds=500)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(T.+)?", re.ASCII)
_DECODE: Final = msgspec.json.Decoder(float_hook=Decimal).decode
encode: Final = msgspec.json.Encoder(decimal_format="number").encode

NUMERIC: Final = frozenset(
    {
        "Amount",
        "Deposit",
        "ExchangeRate",
        "Qty",
        "TotalAmt",
        "TotalTax",
        "UnitPrice",
    }
)
"""Attributes whose value is a number wherever they occur (`Deposit` when it is not an object)."""


class NotANumber(ValueError):
    """A money attribute whose value is not a number."""


def decode(raw: bytes) -> Any:
    """JSON with decimals where there is a fraction. Raise `msgspec.DecodeError`."""
    try:
        return _DECODE(raw)
    except (InvalidOperation, RecursionError) as error:
        # Too deep for the parser; an exponent that no decimal holds.
        raise msgspec.DecodeError(str(error)) from None


def number(value: Any, *, takes_text: bool = True) -> Decimal:
    """An exact number. A float has lost its cents already, so it is refused."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if takes_text and isinstance(value, str):
        try:
            return Decimal(value)
        except InvalidOperation:
            raise NotANumber(value) from None
    raise NotANumber(repr(value))


def cents(amount: Decimal) -> Decimal:
    """Rounded to two digits; zero is `0`, as QBO writes it."""
    return amount.quantize(CENT) if amount else ZERO


def tidy(value: Any, *, takes_text: bool = True) -> Any:
    """A deep copy with exact numbers and without what is empty: only non-empty attributes are kept."""
    if isinstance(value, Mapping):
        copy: Json = {}
        for key, inner in value.items():
            if inner is None or inner == "":
                continue
            if key in NUMERIC and not isinstance(inner, Mapping):
                copy[key] = number(inner, takes_text=takes_text)
            else:
                copy[key] = tidy(inner, takes_text=takes_text)
        return copy
    if isinstance(value, list | tuple):
        return [tidy(inner, takes_text=takes_text) for inner in value]
    if isinstance(value, float):
        raise NotANumber(repr(value))
    return value


class CompanyClock:
    """The clock of one company: it may be wrong, and it writes in its own time zone."""

    def __init__(self, clock: Clock, time_zone: str, offset: timedelta) -> None:
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self.time_zone = time_zone
        self.offset = offset

    def now(self) -> datetime:
        """What this company thinks it is, aware UTC."""
        return self._clock.now() + self.offset

    def stamp(self) -> int:
        """Now in epoch seconds, rounded to the nearest: it may lie in the future by half a second."""
        return int((self.now() + _HALF).timestamp())

    def text(self, stamp: int) -> str:
        """`2026-05-05T03:20:42-07:00`."""
        return datetime.fromtimestamp(stamp, self._zone).isoformat()

    def time(self) -> str:
        """`2026-05-05T03:22:08.036-07:00`, the `time` of an answer."""
        return self.now().astimezone(self._zone).isoformat(timespec="milliseconds")

    def today(self) -> str:
        return self.now().astimezone(self._zone).date().isoformat()

    def parse(self, text: str) -> float:
        """Epoch seconds of a date or a datetime; without an offset it is company-local. Raise ValueError."""
        if _MOMENT.fullmatch(text) is None:  # Python takes `20260105` and weeks, too.
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).timestamp()


def utc(stamp: float) -> datetime:
    """Epoch seconds as aware UTC."""
    return datetime.fromtimestamp(stamp, UTC)
