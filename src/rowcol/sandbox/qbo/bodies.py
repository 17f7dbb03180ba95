"""Bodies: what a written body must look like, attribute by attribute, before anything is made of it.

An attribute that is not in `properties` is refused. Of the others, those that the books go on to use must have the
right shape. Both are code 2010 and name the attribute: what Intuit says to each wrong shape was not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.properties import PROPERTIES, inside
from rowcol.sandbox.qbo.values import NUMERIC

DEPTH_MAX: Final = 24
_DIGITS_MAX: Final = 15
"""Before the point: far more than any amount of QBO, and every sum of them stays exact."""
_DUE_DAYS_MAX: Final = 9_999
_TEXTS: Final = frozenset(
    {
        "AccountSubType",
        "AccountType",
        "Classification",
        "DetailType",
        "DisplayName",
        "DocNumber",
        "Id",
        "Name",
        "PayType",
        "PaymentType",
        "PostingType",
        "PrivateNote",
        "SyncToken",
        "TxnId",
        "TxnType",
        "Type",
    }
)
_DATES: Final = (
    "AcceptedDate",
    "BirthDate",
    "CompanyStartDate",
    "DueDate",
    "ExpirationDate",
    "HiredDate",
    "InvStartDate",
    "OpenBalanceDate",
    "ReleasedDate",
    "ServiceDate",
    "ShipDate",
    "TxnDate",
)
_FLAGS: Final = (
    "Active",
    "BillWithParent",
    "Credit",
    "Job",
    "SubAccount",
    "Taxable",
    "Vendor1099",
)


def check(entity: str, body: Mapping[str, Any]) -> None:
    """Raise code 2010."""
    _check_inside(body, 1, PROPERTIES[entity])


def _check_inside(value: Any, depth: int, allowed: frozenset[str] | None) -> None:
    if depth > DEPTH_MAX:
        raise _unsupported("nesting")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_attribute(key, inner, allowed)
            _check_inside(inner, depth + 1, inside(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_inside(inner, depth + 1, allowed)
    elif isinstance(value, int | Decimal) and not _fits(Decimal(value)):
        raise _unsupported("a number out of range")


def _check_attribute(key: str, value: Any, allowed: frozenset[str] | None) -> None:
    if allowed is not None and key not in allowed:
        raise _unsupported(key)
    if value is None or value == "":
        return  # As good as missing.
    rule = _RULES.get(key) or next((r for end, r in _ENDINGS if key.endswith(end)), None)
    if rule is not None and not rule(value):
        raise _unsupported(key)


def _is_scalar(value: Any) -> bool:
    """A text. A number in its place is taken: whether Intuit does was not recorded."""
    return value is None or (isinstance(value, str | int | Decimal) and not isinstance(value, bool))


def _is_number(value: Any) -> bool:
    """Also as a text: whether that is allowed is a switch, and not decided here."""
    if isinstance(value, str):
        try:
            # Python takes `1_0` and digits of other scripts.
            return value.isascii() and "_" not in value and _fits(Decimal(value))
        except InvalidOperation:
            return False
    is_exact = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return is_exact and _fits(Decimal(value))


def _fits(number: Decimal) -> bool:
    return number.is_finite() and number.adjusted() < _DIGITS_MAX


def is_date(value: Any) -> bool:
    """`2026-05-05`."""
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_days(value: Any) -> bool:
    return _is_number(value) and 0 <= Decimal(value) <= _DUE_DAYS_MAX


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value)


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and _is_scalar(value.get("value"))


def _unsupported(key: str) -> QboError:
    return QboError("2010", key, element=key)


_RULES: Final[dict[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(NUMERIC, _is_number),
    **dict.fromkeys(("CashBack", "CheckPayment", "CreditCardPayment", "Entity"), _is_object),
    **dict.fromkeys(("AttachableRef", "Line", "LinkedTxn", "TaxRateDetail"), _is_list),
    **dict.fromkeys(_TEXTS, _is_scalar),
    **dict.fromkeys(_DATES, is_date),
    **dict.fromkeys(_FLAGS, _is_flag),
    "DueDays": _is_days,
    # As text, too: anything else would silently be a full update.
    "sparse": lambda value: isinstance(value, bool) or value in ("true", "false"),
}
_ENDINGS: Final = (("Detail", _is_object), ("Ref", _is_reference))
