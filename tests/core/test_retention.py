"""Retention: a firm's own span rules, and nothing goes before it may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.retention import LINKS_KEPT, LOST_KEPT, SUPERSEDED_KEPT, horizon

NOW = datetime(2026, 11, 27, tzinfo=UTC)
SPANS = st.integers(0, 4000).map(timedelta)


@given(SPANS)
def test_nothing_goes_before_the_firm_s_own_retention_or_its_own_span(retention: timedelta) -> None:
    found = horizon(NOW, retention)
    assert found.over == NOW - retention
    for moment, kept in (
        (found.lost, LOST_KEPT),
        (found.links, LINKS_KEPT),
        (found.superseded, SUPERSEDED_KEPT),
    ):
        assert NOW - moment == max(retention, kept)
