"""Currency: what a company's home currency, and multicurrency on or off, do to its rows and to what may be written.

Codes and texts 2410 and 6000 were reported by people who wrote to real companies and sandboxes (2025 and 2026). Only
`HomeBalance` and `HomeTotalAmt` are converted: derived balances and reports add up amounts as the rows say them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from rowcol.sandbox.qbo.catalog import KINDS, Kind
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.switches import Switches
from rowcol.sandbox.qbo.values import Json, cents

HOMES: Final = {"AU": "AUD", "CA": "CAD", "FR": "EUR", "GB": "GBP", "JP": "JPY", "US": "USD"}
"""Country of a company -> its home currency."""
_NAMES: Final = {
    "AUD": "Australian Dollar",
    "CAD": "Canadian Dollar",
    "EUR": "Euro",
    "GBP": "British Pound Sterling",
    "JPY": "Japanese Yen",
    "USD": "United States Dollar",
}
_DIGITS: Final = {"JPY": 0}
_DIGITS_MOST: Final = 2
_AMOUNTS: Final = frozenset(
    {
        "Amount",
        "Deposit",
        "NetAmountTaxable",
        "TaxAmount",
        "TaxInclusiveAmt",
        "TotalAmt",
        "TotalTax",
    }
)
_LISTS: Final = frozenset({"Account", "Customer", "Vendor"})
"""The lists whose rows have a currency; every transaction has one, too."""
_CONVERTED: Final[dict[str, tuple[str, ...]]] = {
    "Bill": ("Balance",),
    "CreditMemo": ("Balance", "TotalAmt"),
    "Deposit": ("TotalAmt",),
    "Estimate": ("TotalAmt",),
    "Invoice": ("Balance", "TotalAmt"),
    "RefundReceipt": ("TotalAmt",),
    "SalesReceipt": ("Balance", "TotalAmt"),
}
"""Entity -> the attributes that multicurrency repeats in the home currency, as `Home...`."""
_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class CurrencySettings:
    """Of one company."""

    home: str = "USD"
    is_multi: bool = False

    def preferences(self) -> Json:
        """The group `CurrencyPrefs`."""
        return {"MultiCurrencyEnabled": self.is_multi, "HomeCurrency": {"value": self.home}}

    def reference(self, code: str) -> Json:
        """A CurrencyRef. Raise 2500 for a currency that is not here."""
        if code not in _NAMES:
            raise QboError("2500", "CurrencyRef", element="CurrencyRef")
        return {"value": code, "name": _NAMES[code]}


class Parties(Protocol):
    """The books, as far as a currency depends on them."""

    currency: CurrencySettings
    switches: Switches

    def find(self, entity: str, row_id: str) -> Json | None: ...


def home_of(country: str) -> str:
    """Raise `ValueError` for a country that is not here."""
    if country not in HOMES:
        msg = f"no country {country!r}; there are {', '.join(HOMES)}"
        raise ValueError(msg)
    return HOMES[country]


def is_sent(books: Parties) -> bool:
    """Whether rows of this company have a CurrencyRef."""
    return books.currency.is_multi or books.switches.currency_ref == "always"


def check_named(body: Json, books: Parties) -> None:
    """A company that sends no CurrencyRef takes none from an app, not even its own. Raise 6000."""
    if body.get("CurrencyRef") and not is_sent(books):
        raise _multicurrency_needed()


def complete(kind: Kind, draft: Json, books: Parties) -> None:
    """Fill in CurrencyRef and ExchangeRate. Raise 2010, 2410, 2500 or 6000."""
    if not _has_currency(kind):
        return
    settings = books.currency
    of_party = _of_party(kind, draft, books)
    named = _code(draft)
    code = named or of_party or settings.home
    draft["CurrencyRef"] = settings.reference(code)
    if code != settings.home and not settings.is_multi:
        raise _multicurrency_needed()
    if of_party not in {None, code}:
        raise QboError("6000", "You can only use one foreign currency per transaction.")
    if not settings.is_multi or code == settings.home or not kind.is_transaction:
        draft.pop("ExchangeRate", None)
    elif named and "ExchangeRate" not in draft:
        raise QboError("2410", element="ExchangeRate")
    digits = _DIGITS.get(code, _DIGITS_MOST)
    digits = digits if books.switches.amount_decimals == "currency" else _DIGITS_MOST
    if any(amount % _ONE.scaleb(-digits) for amount in _amounts(draft)):
        # Which code Intuit has for it was not recorded; 2010 as for every other wrong shape.
        raise QboError("2010", f"Amount with more than {digits} decimals", element="Amount")


def with_currency(entity: str, row: Json, books: Parties) -> Json:
    """A completed row as this company keeps it. Rows older than multicurrency are in the home currency."""
    settings, kind = books.currency, KINDS[entity]
    if entity == "Preferences":
        return row | {"CurrencyPrefs": settings.preferences()}
    if not _has_currency(kind) or (is_sent(books) and not settings.is_multi):
        return row
    if not settings.is_multi:
        return {name: value for name, value in row.items() if name != "CurrencyRef"}
    more: Json = {"CurrencyRef": row.get("CurrencyRef") or settings.reference(settings.home)}
    if kind.is_transaction:
        rate = more["ExchangeRate"] = row.get("ExchangeRate", _ONE)
        for name in _CONVERTED.get(entity, ()):
            if isinstance(row.get(name), Decimal):  # a planted row may hold anything
                more[f"Home{name}"] = cents(row[name] * rate)
    return row | more


def _has_currency(kind: Kind) -> bool:
    return kind.is_transaction or kind.name in _LISTS


def _of_party(kind: Kind, draft: Json, books: Parties) -> str | None:
    """The currency of the vendor or customer: it is that of every transaction with them. None without one."""
    ref = draft.get(f"{kind.party}Ref")
    party = books.find(kind.party or "", str(ref["value"])) if ref else None
    if party is None:
        return None
    return _code(party) or books.currency.home


def _code(row: Json) -> str:
    ref = row.get("CurrencyRef")
    return str(ref.get("value", "")) if isinstance(ref, dict) else ""


def _amounts(value: Any) -> Iterator[Decimal]:
    if isinstance(value, list):
        for inner in value:
            yield from _amounts(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in _AMOUNTS and isinstance(inner, Decimal):
                yield inner
            else:
                yield from _amounts(inner)


def _multicurrency_needed() -> QboError:
    return QboError("6000", "Multi Currency should be enabled to perform this operation")
