"""Registry: every rail is known by the name that it gives itself."""

from __future__ import annotations

from rowcol.rails.registry import RAILS


def test_rails_are_listed_under_their_own_names() -> None:
    assert {name: rail.spec.name for name, rail in RAILS.items()} == {
        "plaid": "plaid",
        "qbo": "qbo",
    }
