"""Wording: times and ages as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.freshness.wording import NOUNS, moment, seen, span
from rowcol.core.need import Purpose
from tests.core.builders import DAY, HOUR, MINUTE, NOW


def test_every_purpose_has_a_noun() -> None:
    assert set(NOUNS) == set(Purpose)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW - 38 * MINUTE, "16:22 UTC"),
        (NOW - DAY, "2026-11-24 17:00 UTC"),
        (datetime.fromisoformat("2026-11-25T08:00:00-05:00"), "13:00 UTC"),
    ],
)
def test_moments(at: datetime, text: str) -> None:
    assert moment(at, NOW) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=59), "under a minute"),
        (38 * MINUTE + timedelta(seconds=59), "38 min"),
        (HOUR, "1 h"),
        (119 * MINUTE, "119 min"),
        (5 * HOUR + 59 * MINUTE, "5 h"),
        (24 * HOUR, "24 h"),
        (3 * DAY, "3 days"),
    ],
)
def test_spans(length: timedelta, text: str) -> None:
    assert span(length) == text


@given(st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_span_is_never_empty(length: timedelta) -> None:
    assert span(length).strip()


def test_what_was_seen() -> None:
    assert seen(NOW - 38 * MINUTE, NOW) == "last seen at 16:22 UTC, 38 min ago"
    assert seen(None, NOW) == "never seen"
    assert "under a minute ago" in seen(NOW + HOUR, NOW)
