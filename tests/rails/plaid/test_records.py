"""Records: exact numbers, and nothing that two readers could read differently."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.rails.plaid.records import (
    AnyAnswer,
    ExchangeAnswer,
    ItemAnswer,
    LinkAnswer,
    PublicTokenAnswer,
    Unreadable,
    decode,
    moment_of,
    number,
    text,
    utc,
)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_numbers_are_exact(value: Decimal) -> None:
    assert number(msgspec.Raw(str(value).encode())) == value


def test_null_is_no_number() -> None:
    assert number(msgspec.Raw(b"null")) is None
    assert number(msgspec.Raw(b"23631.9805")) == Decimal("23631.9805")


@pytest.mark.parametrize("raw", [b'"1"', b"true", b"{}", b"[1]", b'"NaN"', b"\xff"])
def test_what_is_no_number_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        number(msgspec.Raw(raw))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html></html>",
        b"{",
        b'{"request_id": 7}',
        b'{"request_id": "a", "request_id": "b"}',
        b'{"request_id": "a", "deep": {"x": 1, "x": 2}}',
        b'{"request_id": "\\ud800"}',
        b'{"request_id": "\xff"}',
        b'{"request_id": NaN}',
        b'{"request_id": "a", "x": NaN}',
        b'{"request_id": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'\xef\xbb\xbf{"request_id": "a"}',
        '{"request_id": "a"}'.encode("utf-16"),
        b'{"request_id": "a"} {"request_id": "a"}',
    ],
)
def test_other_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(body, AnyAnswer)


def test_unknown_keys_pass() -> None:
    assert decode(b'{"request_id": "a", "new": [1.5]}', AnyAnswer) == AnyAnswer("a")


def test_the_message_names_the_place_and_nothing_of_the_value() -> None:
    with pytest.raises(Unreadable, match=r"at \$\.item\.item_id$") as caught:
        decode(b'{"item": {"item_id": "a b", "error": null}, "status": null}', ItemAnswer)
    assert "a b" not in str(caught.value)


@pytest.mark.parametrize("value", [None, "", "soon", "2026-11-25", "2026-11-25T10:00:00"])
def test_a_time_without_a_zone_is_none(value: str | None) -> None:
    assert moment_of(value) is None


def test_times_are_utc() -> None:
    assert moment_of("2026-11-25T10:00:00+02:00") == datetime(2026, 11, 25, 8, tzinfo=UTC)
    with pytest.raises(Unreadable):
        utc(datetime.fromisoformat("0001-01-01T00:00:00+14:00"))


@given(st.text())
def test_texts_are_bounded_and_printable(value: str) -> None:
    shown = text(value)
    assert len(shown) <= 500
    assert not any(ord(c) < 32 or ord(c) == 127 for c in shown)


def test_answers_hide_their_tokens() -> None:
    when = datetime(2026, 11, 25, tzinfo=UTC)
    answers = (LinkAnswer("token", when), PublicTokenAnswer("token"), ExchangeAnswer("token", "i"))
    assert not any("token" in repr(each) for each in answers)
