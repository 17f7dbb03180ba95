"""Consenting: the address that a person brings back is read, whole or in part, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from rowcol.cli.consenting import answers_of
from rowcol.core.refusal import BadInput

ANSWERS = {"code": "AB1", "state": "s-1", "realmId": "9341452345678901234"}
QUERY = "code=AB1&state=s-1&realmId=9341452345678901234"


@pytest.mark.parametrize(
    "text", [f"http://localhost:8700/oauth/qbo/callback?{QUERY}", QUERY, f"  {QUERY}\n"]
)
def test_what_a_browser_shows(text: str) -> None:
    assert answers_of(text) == ANSWERS


@pytest.mark.parametrize("text", ["", "http://localhost:8700/", "code=AB1&realmId=1", "hello"])
def test_what_it_is_not(text: str) -> None:
    with pytest.raises(BadInput, match="not the address"):
        answers_of(text)
