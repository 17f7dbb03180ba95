"""Paging: a full page has a next one, a shorter one is the last."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from rowcol.api.paging import Asked, Key, cut, page_of
from rowcol.core.refusal import BadInput


def test_next_is_the_last_id_of_a_full_page() -> None:
    assert page_of(["x", "y"], ["a", "b"], 2).next == "b"
    assert page_of(["x"], ["a"], 2).next is None
    assert page_of([], [], 2).next is None


def itself(row: Key) -> Key:
    return row


def test_a_cursor_is_a_place_whatever_came_or_went() -> None:
    rows = [("a", "1"), ("a", "2"), ("b", "1")]
    page, after = cut(rows, itself, Asked("", 2))
    assert (page, bool(after)) == (tuple(rows[:2]), True)
    assert cut([*rows[:1], ("a", "3"), rows[2]], itself, Asked(after or "", 9)) == (
        (("a", "3"), ("b", "1")),
        None,
    )
    assert cut([], itself, Asked(after or "", 9)) == ((), None)


@given(st.text(max_size=40))
def test_what_is_no_cursor_is_said(after: str) -> None:
    with contextlib.suppress(BadInput):
        cut([("a", "1")], itself, Asked(after, 1))
