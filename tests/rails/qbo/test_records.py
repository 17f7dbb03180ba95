"""Records: numbers stay exact, and what is not what the docs promise is unreadable."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from rowcol.rails.qbo import records
from rowcol.rails.qbo.records import Body, QueryAnswer, RowRecord, TokenAnswer, Unreadable


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("0.1", Decimal("0.1")),
        ("100.10", Decimal("100.10")),
        ("7", 7),
        ("-1602.67", Decimal("-1602.67")),
    ],
)
def test_numbers_are_exact(sent: str, read: object) -> None:
    found = records.decode(b'{"QueryResponse": {"a": [{"b": %s}]}}' % sent.encode(), QueryAnswer)
    [inner] = found.QueryResponse["a"]
    assert (inner["b"], type(inner["b"])) == (read, type(read))


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"[]", b'{"QueryResponse": []}', b'{"QueryResponse": {"a": NaN}}'),
        *(b'{"QueryResponse": {"a": 1, "a": 1}}', b'{"QueryResponse": {"a": "\\ud800"}}'),
        *(
            b'{"QueryResponse": {}, "time": "2026-11-25"}',
            b'{"QueryResponse": {"a": %s}}' % (b"9" * 30),
        ),
        b'{"QueryResponse": {"a": %s}}' % (b"[" * 5000 + b"]" * 5000),
    ],
)
def test_anything_else_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        records.decode(body, QueryAnswer)


@pytest.mark.parametrize(
    "found", [{}, {"Id": 1}, {"Id": ""}, {"Id": "a b"}, {"Id": "1", "MetaData": []}, 1]
)
def test_a_row_has_an_id(found: object) -> None:
    with pytest.raises(Unreadable):
        records.convert(found, RowRecord)


def test_times_have_a_zone_and_days_have_none() -> None:
    at = records.moment_of("2026-05-05T03:20:42-07:00")
    assert at == datetime(2026, 5, 5, 10, 20, 42, tzinfo=UTC)
    assert records.moment_of(None) is None
    for wrong in ("2026-05-05T03:20:42", "soon", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(Unreadable):
            records.moment_of(wrong)
    assert records.day_of("2026-05-05") == date(2026, 5, 5)
    assert records.day_of("2026-13-05") is records.day_of(5) is None


def test_amounts_are_numbers() -> None:
    assert records.amount_of(5) == Decimal(5)
    assert records.amount_of(None) is None
    wrongs: list[object] = ["5", True, 0.5, []]
    for wrong in wrongs:
        with pytest.raises(Unreadable):
            records.amount_of(wrong)


def test_texts_are_for_people() -> None:
    assert records.text("a\x00b\n" + "c" * 999) == "a b " + "c" * 496
    assert records.text(5) == ""


def test_tokens_do_not_show() -> None:
    assert "hidden" not in repr(records.decode(b'{"access_token": "hidden"}', TokenAnswer))


def test_an_object_is_an_object() -> None:
    assert records.decode(b'{"a": 1}', Body) == {"a": 1}
