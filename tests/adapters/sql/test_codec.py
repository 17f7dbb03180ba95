"""Codec: times, texts and values come back as they went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rowcol.adapters.sql.codec import (
    at,
    at_or_none,
    body_text,
    dumps,
    loads,
    storable,
    us,
    us_or_none,
)

MOMENTS = st.integers(0, 4 * 10**15).map(
    lambda number: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)
)


@given(MOMENTS)
def test_a_moment_comes_back_to_the_microsecond(moment: datetime) -> None:
    assert at(us(moment)) == moment
    assert at(us(moment)).tzinfo is UTC


@given(MOMENTS, st.integers(0, 10**12))
def test_later_is_larger(moment: datetime, more_us: int) -> None:
    assert us(moment + timedelta(microseconds=more_us)) == us(moment) + more_us


def test_no_moment_is_none() -> None:
    assert us_or_none(None) is None
    assert at_or_none(None) is None


@given(st.text(st.characters(codec=None)))
def test_foreign_text_becomes_storable_and_clean_text_stays(text: str) -> None:
    cleaned = storable(text)
    assert "\0" not in cleaned
    assert cleaned.encode().decode() == cleaned == storable(cleaned)


@given(st.text())
def test_clean_text_stays(text: str) -> None:
    assert storable(text) == text.replace("\0", "\ufffd")


@given(st.dictionaries(st.text(), st.integers(-(2**53), 2**53) | st.text() | st.none()))
def test_equal_values_are_equal_text(value: dict[str, object]) -> None:
    shuffled = dict(reversed(value.items()))
    assert dumps(value) == dumps(shuffled)
    assert loads(dumps(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_in_a_body_is_a_number_with_its_digits(value: Decimal) -> None:
    text = body_text({"TotalAmt": value})
    assert text == f'{{"TotalAmt":{value}}}'
    read = msgspec.json.decode(text, type=dict[str, Decimal])["TotalAmt"]
    assert (read, str(read)) == (value, str(value))
