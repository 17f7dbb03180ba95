"""Requests: what the exchange files do not show; they bind the rest in `test_rail`."""

from __future__ import annotations

import json
from typing import Any

from rowcol.core.rail import Credentials, Look
from rowcol.rails.plaid.requests import request_of
from rowcol.rails.plaid.spec import LIVE_S


def body(endpoint: str, token: str | None = None, **arguments: str | int | bool | None) -> Any:
    return json.loads(request_of(Look(endpoint, arguments), Credentials({}, token)).body)


def test_a_token_in_the_arguments_is_not_sent() -> None:
    assert body("item.get", "mine", access_token="other") == {"access_token": "mine"}
    assert "other" not in json.dumps(body("link.token.create", access_token="other"))


def test_unknown_arguments_are_left_out() -> None:
    assert body("accounts.get", "t", surprise="x") == {"access_token": "t"}


def test_no_webhook_is_left_out() -> None:
    """Where none is set, an empty address would be refused."""
    assert "webhook" not in body("link.token.create", webhook="")
    assert "webhook" not in body("sandbox.public_token.create", webhook="")["options"]
    assert body("item.webhook.update", "t", webhook="")["webhook"] is None


def test_a_token_makes_a_link_a_repair() -> None:
    repair = body("link.token.create", "t", client_user_id="u", webhook="https://x.example")
    assert repair["access_token"] == "t"
    assert not {"products", "webhook", "transactions"} & set(repair)


def test_a_sync_without_a_cursor_asks_for_everything() -> None:
    assert body("transactions.sync", "t", cursor="") == {"access_token": "t", "count": 500}


def test_live_calls_are_waited_for() -> None:
    request = request_of(Look("accounts.balance.get"), Credentials({}))
    assert request.timeout_s == LIVE_S == 60.0
