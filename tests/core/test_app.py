"""App: what costs money, and what is never shown."""

from __future__ import annotations

import pytest

from rowcol.core.app import App
from rowcol.core.ids import AppId


@pytest.mark.parametrize(
    ("environment", "priced"), [("production", True), ("emulated", True), ("sandbox", False)]
)
def test_where_calls_cost_money(environment: str, priced: bool) -> None:
    assert App(AppId("a"), "somerail", environment, "https://x", {}).is_priced is priced


def test_keys_are_not_in_the_repr() -> None:
    app = App(AppId("a"), "somerail", "sandbox", "https://x", {"secret": "not-a-key"})
    assert "not-a-key" not in repr(app)


def test_a_host_that_is_not_named_is_at_the_base() -> None:
    app = App(AppId("a"), "r", "production", "https://base", {}, hosts={"token": "https://token"})
    assert (app.address("token"), app.address(""), app.address("api")) == (
        "https://token",
        "https://base",
        "https://base",
    )
