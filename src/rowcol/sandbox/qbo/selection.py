"""Selection: the rows that a statement finds, at the price of its answer where an id or a time narrows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from rowcol.sandbox.qbo.books import Books
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.properties import PROPERTIES
from rowcol.sandbox.qbo.query import Condition, Statement
from rowcol.sandbox.qbo.table import Row
from rowcol.sandbox.qbo.values import Json

Test = Callable[[Row], bool]
_UPDATED: Final = "metadata.lastupdatedtime"
_CREATED: Final = "metadata.createtime"
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda a, b: bool(a == b),
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
}
ATTRIBUTES: Final[dict[str, str]] = {
    name.lower(): name
    for name in [
        "AccountSubType",
        "AccountType",
        "AcctNum",
        "Active",
        "APAccountRef",
        "Balance",
        "BalanceWithJobs",
        "CashBack",
        "Classification",
        "CompanyName",
        "CurrentBalance",
        "CurrencyRef",
        "CustomerRef",
        "DepositToAccountRef",
        "DisplayName",
        "DocNumber",
        "DueDate",
        "EmailStatus",
        "FamilyName",
        "FullyQualifiedName",
        "GivenName",
        "Id",
        "Job",
        "Level",
        "Name",
        "ParentRef",
        "PaymentMethodRef",
        "PaymentRefNum",
        "PaymentType",
        "PayType",
        "PrintOnCheckName",
        "PrintStatus",
        "PrivateNote",
        "SalesTermRef",
        "Sku",
        "SubAccount",
        "SyncToken",
        "TotalAmt",
        "TxnDate",
        "Type",
        "UnappliedAmt",
        "UnitPrice",
        "VendorRef",
        "Vendor1099",
    ]
}
"""What may be filtered and sorted by, besides the two times."""

_NUMBERS: Final = (
    "Balance",
    "BalanceWithJobs",
    "CurrentBalance",
    "TotalAmt",
    "UnappliedAmt",
    "UnitPrice",
)
_PATTERNS: Final = {
    **dict.fromkeys(_NUMBERS, re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)),
    **dict.fromkeys(
        ("DueDate", "TxnDate"),
        re.compile(r"\d{4}-\d\d-\d\d|current_date", re.ASCII | re.IGNORECASE),
    ),
    **dict.fromkeys(
        ("Active", "Job", "SubAccount", "Vendor1099"), re.compile("true|false", re.IGNORECASE)
    ),
}
"""Attribute -> what its values look like; what does not would only find nothing."""


def select(statement: Statement, books: Books) -> list[Json]:
    """The page of rows, in order."""
    test = _passes(statement, books)
    rows = [row for row in _candidates(statement, books) if test(row)]
    rows = _ordered(statement, rows)
    return [row.value for row in rows[statement.start - 1 : statement.start - 1 + statement.limit]]


def answer(statement: Statement, books: Books) -> Json:
    """The inside of `QueryResponse`."""
    if statement.is_count:
        test = _passes(statement, books)
        return {"totalCount": sum(1 for row in _candidates(statement, books) if test(row))}
    rows = select(statement, books)
    if not rows:
        return {}
    name = statement.kind.name
    found: Json = {name: rows, "startPosition": statement.start, "maxResults": len(rows)}
    if statement.kind.shows_total_count:
        found["totalCount"] = len(rows)
    return found


def check(statement: Statement, text: str, books: Books) -> None:
    """What this type has, values of the right kind, and the limits that nobody publishes. Raise 4001."""
    switches = books.switches
    known = {name.lower() for name in PROPERTIES[statement.kind.name]}
    paths = [path for path, _ in statement.order] + [one.path for one in statement.conditions]
    for path in [*statement.named, *paths]:
        if path.lower() not in known | {_CREATED, _UPDATED}:
            raise QboError("4001", f"property '{path}' of {statement.kind.name} not found")
    if switches.statement_max is not None and len(text) > switches.statement_max:
        raise QboError("4001", f"the statement is longer than {switches.statement_max}")
    for condition in statement.conditions:
        _check_values(condition)
        if switches.in_list_max is not None and len(condition.values) > switches.in_list_max:
            raise QboError("4001", f"IN list has more than {switches.in_list_max} values")


def _check_values(condition: Condition) -> None:
    name = ATTRIBUTES.get(condition.path.lower(), "")
    pattern = _PATTERNS.get(name)
    if pattern is None:
        return
    if condition.operator == "LIKE":
        raise QboError("4001", f"property {name} does not support LIKE")
    for value in condition.values:
        if value.strip() and pattern.fullmatch(value) is None:
            raise QboError("4001", f"{value!r} is no value of property {name}")


def _candidates(statement: Statement, books: Books) -> Iterable[Row]:
    table = books.tables[statement.kind.name]
    for condition in statement.conditions:
        if condition.path.lower() == "id":
            wanted = dict.fromkeys(condition.values)
            return [table.live[row_id] for row_id in wanted if row_id in table.live]
    for condition in statement.conditions:
        if condition.path.lower() == _UPDATED and condition.operator in {">", ">="}:
            since = _moment(condition.values[0], books)
            return table.changed(since, is_inclusive=condition.operator == ">=")
    return table.live.values()


def _passes(statement: Statement, books: Books) -> Test:
    tests = [_test(condition, books) for condition in statement.conditions]
    names = {condition.path.lower() for condition in statement.conditions}
    if statement.kind.is_list and "active" not in names:
        tests.append(lambda row: row.value.get("Active") is not False)
    return lambda row: all(test(row) for test in tests)


def _test(condition: Condition, books: Books) -> Test:
    path = condition.path.lower()
    if path in {_UPDATED, _CREATED}:
        return _time_test(condition, path, books)
    name = ATTRIBUTES.get(path)
    if name is None:
        raise QboError("4001", f"property '{condition.path}' is not queryable")
    if condition.operator == "LIKE":
        return _like(name, condition.values[0])
    values = [_today(value, books) for value in condition.values]
    if condition.operator == "IN":
        return lambda row: any(_matches(row.value.get(name), "=", value) for value in values)
    value, operator = values[0], condition.operator
    return lambda row: _matches(row.value.get(name), operator, value)


def _time_test(condition: Condition, path: str, books: Books) -> Test:
    if condition.operator not in _COMPARE:
        raise QboError("4001", f"property {condition.path} does not support {condition.operator}")
    compare = _COMPARE[condition.operator]
    bound = _moment(condition.values[0], books)
    if path == _UPDATED:
        return lambda row: compare(row.stamp, bound)
    return lambda row: compare(
        datetime.fromisoformat(row.value["MetaData"]["CreateTime"]).timestamp(), bound
    )


def _moment(text: str, books: Books) -> float:
    try:
        return books.clock.parse(_today(text, books))
    except ValueError:
        raise QboError("4001", f"invalid date: {text}") from None


def _today(value: str, books: Books) -> str:
    return books.today() if value.upper() == "CURRENT_DATE" else value


def _matches(found: Any, operator: str, wanted: str) -> bool:
    """Compare as the type of the attribute: number, flag, reference or text in any case."""
    if isinstance(found, dict):
        found = found.get("value")
    if found is None:
        return operator == "=" and not wanted.strip()
    if isinstance(found, bool):
        return _COMPARE[operator](str(found).lower(), wanted.lower())
    if isinstance(found, Decimal | int):
        try:
            return _COMPARE[operator](found, Decimal(wanted))
        except InvalidOperation:
            return False
    return _COMPARE[operator](str(found).lower(), wanted.lower())


def _like(name: str, pattern: str) -> Test:
    parts = pattern.lower().split("%")

    def test(row: Row) -> bool:
        text = str(row.value.get(name, "")).lower()
        if len(parts) == 1:
            return text == parts[0]
        if not text.startswith(parts[0]) or not text.endswith(parts[-1]):
            return False
        position = len(parts[0])
        for part in parts[1:-1]:
            position = text.find(part, position)
            if position < 0:
                return False
            position += len(part)
        return position <= len(text) - len(parts[-1])

    return test


def _ordered(statement: Statement, rows: list[Row]) -> list[Row]:
    order = statement.order
    if not order:
        name = statement.kind.names_by
        if name is None:
            return sorted(rows, key=lambda row: int(row.value["Id"]))
        return sorted(rows, key=lambda row: str(row.value.get(name, "")).lower())
    for path, is_descending in reversed(order):
        rows = sorted(rows, key=_sort_key(path), reverse=is_descending)
    return rows


def _sort_key(path: str) -> Callable[[Row], Any]:
    lower = path.lower()
    if lower == _UPDATED:
        return lambda row: row.stamp
    if lower == _CREATED:
        return lambda row: datetime.fromisoformat(row.value["MetaData"]["CreateTime"]).timestamp()
    name = ATTRIBUTES.get(lower)
    if name is None:
        raise QboError("4001", f"property '{path}' is not sortable")
    if name == "Id":
        return lambda row: int(row.value["Id"])

    def key(row: Row) -> Any:
        value = row.value.get(name)
        value = value.get("value") if isinstance(value, dict) else value
        is_number = isinstance(value, Decimal | int)
        return (
            value is not None,
            0 if is_number else 1,
            value if is_number else str(value).lower(),
        )

    return key
