"""Refusal: each leaf is one decision of a person, with its own code."""

from __future__ import annotations

from rowcol.core import refusal
from rowcol.core.refusal import Busy, Refusal

LEAVES = Refusal.__subclasses__()


def test_codes_are_distinct_and_statuses_are_errors() -> None:
    assert len({leaf.code for leaf in LEAVES}) == len(LEAVES)
    assert all(400 <= leaf.status < 600 for leaf in LEAVES)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    text = refusal.__doc__ or ""
    drawn = {line.split()[1] for line in text.splitlines() if line[:2] in ("|-", "`-")}
    assert drawn == {leaf.__name__ for leaf in LEAVES}
    for leaf in LEAVES:
        line = next(line for line in text.splitlines() if f"- {leaf.__name__} " in line)
        assert "HTTP" not in line or f"HTTP {leaf.status}" in line


def test_a_refusal_says_what_to_do() -> None:
    error = Busy("the inbox is full", "send it again", retry_after_s=5)
    assert (str(error), error.message, error.what_to_do, error.retry_after_s) == (
        "the inbox is full",
        "the inbox is full",
        "send it again",
        5,
    )
