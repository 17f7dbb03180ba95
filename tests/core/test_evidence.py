"""Evidence: how old an answer is."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given

from rowcol.core.evidence import age_of
from tests.core.builders import HOUR, NOW, minutes_before


@given(minutes_before(10_000))
def test_age_counts_from_the_rail_s_time(as_of: datetime) -> None:
    assert age_of(as_of, NOW) == NOW - as_of


def test_age_is_never_negative() -> None:
    assert age_of(NOW + HOUR, NOW) == timedelta(0)


def test_what_was_never_seen_has_no_age() -> None:
    assert age_of(None, NOW) is None
