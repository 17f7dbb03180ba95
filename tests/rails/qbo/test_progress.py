"""Progress: the text of an unfinished reading, and the first call's times that its end publishes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.connection import ConnectionState
from rowcol.rails.qbo.progress import (
    OVERLAP,
    Progress,
    cursor_after,
    first_of,
    page_of,
    progress_of,
    server_time,
)
from rowcol.rails.qbo.records import Unreadable
from tests.rails.qbo import kit

NAMES = st.lists(st.sampled_from(["Bill", "Vendor"]), max_size=3).map(tuple)


@given(NAMES, NAMES, st.text(max_size=5), st.integers(1, 10**6), st.booleans())
def test_it_comes_back_as_it_was(
    entities: tuple[str, ...], cdc: tuple[str, ...], since: str, start: int, gap: bool
) -> None:
    made = Progress(entities=entities, cdc=cdc, since=since, start=start, gap=gap, cursor="c")
    assert progress_of(ConnectionState(page=page_of(made))) == made
    assert '"from":"c"' in page_of(made)


def test_a_text_that_is_none_is_no_reading() -> None:
    for page in ("", "x", "[]", '{"entities": 5}'):
        assert progress_of(ConnectionState(page=page)) is None


@given(st.integers(-7200, 7200), st.integers(-7200, 7200))
def test_a_cursor_is_never_ahead_of_either_clock(known_s: int, off_s: int) -> None:
    """And goes back only where their clock is behind ours."""
    theirs = kit.NOW + timedelta(seconds=off_s)
    known = kit.state(cursor=kit.stamp(kit.NOW - timedelta(hours=3) + timedelta(seconds=known_s)))
    cursor = datetime.fromisoformat(cursor_after(known, theirs, kit.NOW))
    before = datetime.fromisoformat(known.cursor)
    assert cursor <= max(min(theirs, kit.NOW) - OVERLAP, before)
    assert cursor >= before or off_s < 0


def test_the_first_call_fixes_the_end() -> None:
    first = first_of(ConnectionState(), kit.response(b""), kit.NOW + timedelta(hours=1))
    assert first.cursor == kit.stamp(kit.NOW - OVERLAP)
    assert first.sent == kit.NOW.isoformat()


@pytest.mark.parametrize("time", [None, kit.NOW + timedelta(days=2), kit.NOW - timedelta(days=2)])
def test_a_time_that_cannot_be_is_none(time: datetime | None) -> None:
    with pytest.raises(Unreadable):
        server_time(kit.response(b""), time)
