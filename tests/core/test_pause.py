"""Pause: one switch a rail, none of them the one for priced calls."""

from __future__ import annotations

from rowcol.core.pause import PAID, switch_of_rail


def test_switches_differ() -> None:
    assert len({PAID, switch_of_rail("one"), switch_of_rail("two"), switch_of_rail("paid")}) == 4
