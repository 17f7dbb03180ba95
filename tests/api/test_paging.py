"""Paging: a full page has a next one, a shorter one is the last."""

from rowcol.api.paging import page_of


def test_next_is_the_last_id_of_a_full_page() -> None:
    assert page_of(["x", "y"], ["a", "b"], 2).next == "b"
    assert page_of(["x"], ["a"], 2).next is None
    assert page_of([], [], 2).next is None
