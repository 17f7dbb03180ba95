"""The query parser: what it accepts, what it refuses, and that it never fails in another way."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.query import Condition, parse


def test_everything_at_once() -> None:
    found = parse(
        "select * from bill where Balance > '0' and Id IN ('1', '2') ORDER BY TxnDate desc, Id"
        " maxresults 5 STARTPOSITION 6"
    )
    assert found.kind.name == "Bill"
    assert found.conditions == (
        Condition("Balance", ">", ("0",)),
        Condition("Id", "IN", ("1", "2")),
    )
    assert found.order == (("TxnDate", True), ("Id", False))
    assert (found.start, found.limit) == (6, 5)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT *, Sku FROM Item",
        "SELECT COUNT(*) FROM Vendor ",
        "SELECT * FROM Bill ORDERBY DueDate ASC",
        "SELECT * FROM Bill STARTPOSITION 1 MAXRESULTS 1000",
        "SELECT * FROM Vendor WHERE Active IN (true,false)",
        "SELECT * FROM Bill WHERE MetaData.LastUpdatedTime > '2026-05-05T03:20:42-07:00'",
        "SELECT * FROM Vendor WHERE DisplayName LIKE '%a%'",
    ],
)
def test_accepted(text: str) -> None:
    assert parse(text).kind.name == re.search(r"FROM (\w+)", text)[1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "4000"),
        ("SELECT", "4000"),
        ("SELECT * FROM Bill WHERE", "4000"),
        ("SELECT * FROM Bill WHERE a = '1' OR b = '2'", "4000"),
        ("SELECT * FROM Bill WHERE a != '1'", "4000"),
        ("SELECT * FROM Bill WHERE a = 'open", "4000"),
        ("SELECT * FROM Bill MAXRESULTS 0", "4000"),
        ("SELECT * FROM Bill MAXRESULTS 5 MAXRESULTS 5", "4000"),
        ("SELECT * FROM Bill GROUP BY a", "4000"),
        ("SELECT Id FROM Bill", "4000"),
        ("SELECT SUM(Balance) FROM Bill", "4000"),
        ("SELECT * FROM Bill, Vendor", "4000"),
        ("SELECT * FROM Bill WHERE Balance BETWEEN '1' AND '2'", "4000"),
        ("SELECT * FROM Bill WHERE (Balance = '1')", "4000"),
        ("SELECT * FROM Custmoer", "4001"),
        ("SELECT * FROM Bill MAXRESULTS 1001", "4001"),
        ("SELECT * FROM Bill WHERE Id > '1'", "4001"),
    ],
)
def test_refused(text: str, code: str) -> None:
    with pytest.raises(QboError) as caught:
        parse(text)
    assert caught.value.code == code


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5))
def test_any_value_survives_quoting(values: list[str]) -> None:
    quoted = ",".join("'" + v.replace("\\", "\\\\").replace("'", "\\'") + "'" for v in values)
    found = parse(f"SELECT * FROM Bill WHERE DocNumber IN ({quoted})")
    assert found.conditions[0].values == tuple(values)


@given(st.text(alphabet="SELECT*FROMBillWHERE='()<>, \\1", max_size=60))
def test_anything_else_is_a_refusal(text: str) -> None:
    codes = set()
    try:
        parse(text)
    except QboError as error:
        codes.add(error.code)
    assert codes <= {"4000", "4001"}


@given(
    st.sampled_from(["", "WHERE Balance > '0'", "WHERE Id = '1' AND DocNumber LIKE '%x'"]),
    st.sampled_from(["", "ORDERBY Id", "ORDER BY TxnDate DESC"]),
    st.permutations(["STARTPOSITION 3", "MAXRESULTS 7"]),
    st.booleans(),
)
def test_clauses_combine_in_any_case(
    where: str, order: str, window: list[str], is_lower: bool
) -> None:
    text = f"SELECT * FROM Bill {where} {order} {' '.join(window)}"
    found = parse(text.lower() if is_lower else text)
    assert (found.start, found.limit) == (3, 7)
