"""Call: one declared endpoint, its numbers exact; nothing else is reached."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rowcol.cli.call import parsed
from rowcol.core.refusal import BadInput
from tests.cli.rig import Shell


def test_numbers_stay_exact() -> None:
    assert parsed('{"body": {"Amount": 0.10}}') == {"body": {"Amount": Decimal("0.10")}}


@pytest.mark.parametrize("text", ["", "{", "[1]", "1"])
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(BadInput):
        parsed(text)


def test_a_declared_endpoint_is_called(connected: Shell) -> None:
    assert connected.json("call", "h-1", "plaid", "item.get")["item"]["item_id"]


@pytest.mark.parametrize("endpoint", ["accounts.balance.get", "nothing"])
def test_what_costs_or_is_not_there_is_not(connected: Shell, endpoint: str) -> None:
    for rail in ("plaid", "norail"):
        refused = connected("call", "h-1", rail, endpoint, rc=2)
        assert refused.stdout == ""
        assert "may not be called" in refused.stderr
