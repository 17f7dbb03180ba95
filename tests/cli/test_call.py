"""Call: one declared endpoint, its numbers exact; nothing else is reached."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rowcol.cli.call import parsed
from rowcol.core.refusal import BadInput
from rowcol.rails.registry import RAILS
from rowcol.services.looks import said
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
    refused = connected("call", "h-1", "plaid", endpoint, rc=2)
    assert refused.stdout == ""
    assert "may not be called" in refused.stderr
    assert "item.get" in refused.stderr


def test_a_rail_that_is_none_names_those_there_are(connected: Shell) -> None:
    refused = connected("call", "h-1", "nope", "nope", rc=2)
    assert "there is no rail 'nope'" in refused.stderr
    assert "rails: plaid, qbo" in refused.stderr


def test_another_method_is_told_the_right_one(connected: Shell) -> None:
    refused = connected("call", "h-1", "plaid", "item.get", "--method", "GET", rc=2)
    assert "call it by POST" in refused.stderr


def test_without_a_login_the_whole_command_is_told(connected: Shell) -> None:
    refused = connected("call", "h-1", "qbo", "companyinfo.get", rc=2)
    (row,) = connected.lines("business", "list")
    assert f"rowcol connect qbo {row['id']}" in refused.stderr


def test_the_help_tells_what_each_endpoint_of_the_books_needs(shell: Shell) -> None:
    said_so = " ".join(shell("call", "--help").stdout.split())
    for endpoint in RAILS["qbo"].spec.endpoints.values():
        if endpoint.is_callable:
            rest = said_so[said_so.index(endpoint.name) :]
            assert not endpoint.needs or f"({said(endpoint.needs)})" in rest
