"""Grants: each step of connecting gives its token, or says why not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rowcol.core.ids import RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Grant, Look
from rowcol.rails.plaid.grants import read_grant
from tests.rails.plaid import kit


def test_link_gives_a_token_and_where_to_consent() -> None:
    exchange = kit.exchange("link.token.create.ok")
    assert read_grant(exchange.look, exchange.response) == Grant(
        "link_token",
        expires_at=datetime(2026, 11, 25, 16, tzinfo=UTC),
        url=exchange.answer["hosted_link_url"],
    )


def test_sandbox_gives_a_public_token() -> None:
    exchange = kit.exchange("sandbox.public_token.create.ok")
    assert read_grant(exchange.look, exchange.response) == Grant("public_token")


def test_exchange_gives_the_access_token_and_the_item() -> None:
    exchange = kit.exchange("item.public_token.exchange.ok")
    assert read_grant(exchange.look, exchange.response) == Grant(
        "access_token", RemoteId("item_id")
    )


def test_a_grant_hides_its_token() -> None:
    assert "access_token" not in repr(Grant("access_token"))


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"access_token": "", "item_id": "x"}'])
def test_anything_else_is_unreadable(body: bytes) -> None:
    failure = read_grant(Look("item.public_token.exchange"), kit.response(body))
    assert isinstance(failure, Failure)
    assert failure.outcome is Outcome.UNREADABLE


def test_no_other_endpoint_gives_one() -> None:
    assert isinstance(read_grant(Look("item.get"), kit.response({})), Failure)
