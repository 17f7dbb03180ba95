"""Tokens: the kept text says when they end, loses nothing, and never shows."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.rails.qbo import tokens
from rowcol.rails.qbo.records import TokenAnswer
from tests.rails.qbo import kit

NEW = TokenAnswer("a", "r", 3600, 8_726_400, 157_680_000)


def test_lives_count_from_when_it_was_asked() -> None:
    found = tokens.parse(tokens.build(NEW, tokens.NONE, kit.NOW))
    assert (found.access_token, found.refresh_token) == ("a", "r")
    assert found.access_expires_at == kit.NOW + timedelta(hours=1)
    assert found.refresh_expires_at == kit.NOW + timedelta(seconds=8_726_400)
    assert found.hard_expires_at == kit.NOW + timedelta(seconds=157_680_000)
    assert found.renewed_at == kit.NOW
    assert repr(found) == "Tokens(...)"


@pytest.mark.parametrize("refresh_token", [None, ""])
def test_without_a_new_refresh_token_the_old_one_stays(refresh_token: str | None) -> None:
    old = tokens.parse(tokens.build(NEW, tokens.NONE, kit.NOW))
    found = tokens.parse(tokens.build(TokenAnswer("b", refresh_token), old, kit.NOW))
    assert (found.access_token, found.refresh_token) == ("b", "r")
    assert found.hard_expires_at == old.hard_expires_at


@given(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=3)
)
def test_an_odd_life_loses_no_token(life: object) -> None:
    made = tokens.build(TokenAnswer("a", "r", life, life, life), tokens.NONE, kit.NOW)
    assert tokens.parse(made).refresh_token == "r"


@pytest.mark.parametrize(
    ("ends_in", "is_ending"),
    [
        (timedelta(minutes=6), False),
        (timedelta(minutes=5), False),
        (timedelta(minutes=4), True),
        (-timedelta(1), True),
    ],
)
def test_it_is_renewed_five_minutes_early(ends_in: timedelta, is_ending: bool) -> None:
    assert tokens.is_ending(kit.token(ends_in), kit.NOW) is is_ending


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"access_token": 1}', "[" * 9000])
def test_a_text_that_is_none_is_renewed_and_then_refused(text: str) -> None:
    assert tokens.parse(text) == tokens.NONE
    assert tokens.is_ending(text, kit.NOW)


def test_a_time_without_a_zone_is_none() -> None:
    assert tokens.is_ending(kit.token(access_expires_at="2099-01-01T00:00:00"), kit.NOW)


def test_the_text_is_the_documented_one() -> None:
    made = msgspec.json.decode(tokens.build(NEW, tokens.NONE, kit.NOW))
    assert set(made) == {
        *("access_token", "refresh_token", "access_expires_at", "refresh_expires_at"),
        *("hard_expires_at", "renewed_at"),
    }
