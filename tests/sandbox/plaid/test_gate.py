"""The gate: what is refused, in which words, and what an answer costs in time."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.billing import BALANCE
from rowcol.sandbox.plaid.knobs import turn
from tests.sandbox.rig import CREDENTIALS, JSON, Rig, ask
from tests.waiting import until

PATH = "/item/get"


async def test_credentials_in_headers_or_body(rig: Rig) -> None:
    item = rig.item()
    body = {"access_token": item.access_token}
    headers = [*JSON, ("PLAID-CLIENT-ID", "sandbox-client"), ("PLAID-SECRET", "sandbox-secret")]
    assert (await ask(rig.app, PATH, body, headers=headers))[0] == 200
    assert (await ask(rig.app, PATH, body | CREDENTIALS))[0] == 200
    wrong = body | CREDENTIALS | {"secret": "wrong"}
    for sent, code in ((body, "MISSING_FIELDS"), (wrong, "INVALID_API_KEYS")):
        status, raw = await ask(rig.app, PATH, sent)
        assert (status, json.loads(raw)["error_code"]) == (400, code)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"{", "INVALID_BODY", "JSON"),
        (b"[]", "INVALID_BODY", "object"),
        (b"\xff", "INVALID_BODY", "JSON"),
        ({}, "MISSING_FIELDS", "the following required fields are missing: access_token"),
        (
            {"access_token": "access-sandbox-x", "b": 1, "a": 1},
            "UNKNOWN_FIELDS",
            "the following fields are not recognized by this endpoint: a, b",
        ),
        ({"access_token": 5}, "INVALID_FIELD", "access_token must be a string"),
        ({"access_token": "nonsense"}, "INVALID_ACCESS_TOKEN", "invalid format"),
        ({"access_token": "access-production-1"}, "INVALID_ACCESS_TOKEN", "wrong Plaid env"),
        ({"access_token": "access-sandbox-1"}, "INVALID_ACCESS_TOKEN", "could not find"),
    ],
)
async def test_refusals(rig: Rig, body: Any, code: str, words: str) -> None:
    sent = body if isinstance(body, bytes) else body | CREDENTIALS
    status, raw = await ask(rig.app, PATH, sent)
    answer = json.loads(raw)
    assert (status, answer["error_code"]) == (400, code)
    assert words in answer["error_message"]
    assert answer["request_id"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/accounts/get", {"options": {"account_ids": True}}, "account_ids must be an array"),
        ("/accounts/get", {"options": {"account_ids": [["x"]]}}, "account_ids must be a string"),
        ("/transactions/sync", {"options": {"account_id": {}}}, "account_id must be a string"),
        ("/transactions/sync", {"options": {"days_requested": True}}, "must be an integer"),
        ("/sandbox/transactions/create", {"transactions": 0}, "must be an array"),
        ("/sandbox/transactions/create", {"transactions": [1]}, "must be an object"),
    ],
)
async def test_what_lies_deeper_is_checked_too(
    rig: Rig, path: str, body: dict[str, Any], words: str
) -> None:
    status, answer = await rig.call(path, access_token=rig.item().access_token, **body)
    assert (status, answer["error_code"]) == (400, "INVALID_FIELD")
    assert words in answer["error_message"]


@pytest.mark.parametrize(
    "more",
    [
        {"initial_products": [{}]},
        {"options": {"transactions": ["x"]}},
        {"options": {"override_password": {}}},
    ],
)
async def test_a_login_is_checked_too(rig: Rig, more: dict[str, Any]) -> None:
    wish: dict[str, Any] = {"institution_id": "ins_56", "initial_products": ["transactions"]} | more
    assert await rig.error("/sandbox/public_token/create", **wish) == "INVALID_FIELD"


async def test_nothing_in_options_is_no_option(rig: Rig) -> None:
    token = rig.item().access_token
    await rig.ok("/accounts/get", access_token=token, options={"account_ids": None})


async def test_another_clients_item_is_not_found(rig: Rig) -> None:
    rig.emulator.clients["other"] = "sandbox-other"
    item = rig.item()
    other = {"client_id": "other", "secret": "sandbox-other", "access_token": item.access_token}
    status, raw = await ask(rig.app, PATH, other)
    assert (status, json.loads(raw)["error_code"]) == (400, "INVALID_ACCESS_TOKEN")


async def test_forced_errors_are_not_billed(rig: Rig) -> None:
    item = rig.item()
    path = "/accounts/balance/get"
    turn(rig.emulator, "force_error", {"path": path, "code": "CREDITS_EXHAUSTED", "n_calls": 2})
    for _ in range(2):
        assert await rig.error(path, access_token=item.access_token) == "CREDITS_EXHAUSTED"
    await rig.ok(path, access_token=item.access_token)
    assert rig.emulator.billing.n_calls(BALANCE) == 1


@pytest.mark.parametrize("sends", [True, False])
async def test_retry_after_is_a_switch(sends: bool) -> None:
    rig = Rig(Switches(sends_retry_after=sends))
    item = rig.item()
    seen: list[dict[str, Any]] = []
    for _ in range(6):
        await rig.raw("/accounts/balance/get", access_token=item.access_token)
    body = json.dumps(CREDENTIALS | {"access_token": item.access_token}).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/accounts/balance/get",
        "headers": [(b"content-type", b"application/json")],
        "query_string": b"",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        seen.append(message)

    app: Any = rig.app
    await app(scope, receive, send)
    assert seen[0]["status"] == 429
    assert ((b"retry-after", b"60") in seen[0]["headers"]) is sends


async def test_typical_latency_is_on_the_clock() -> None:
    rig = Rig(Switches(latency="typical"))
    item = rig.item()
    call = asyncio.create_task(rig.call("/accounts/balance/get", access_token=item.access_token))
    await until(rig.clock.next_wake_at)
    assert not call.done()
    rig.spend(-100_000)
    rig.clock.advance_to(rig.now + timedelta(seconds=30))
    status, answer = await call
    assert (status, answer["accounts"][0]["balances"]["current"]) == (200, 0)


async def test_an_item_removed_while_the_bank_is_asked() -> None:
    rig = Rig(Switches(latency="typical"))
    item = rig.item()
    call = asyncio.create_task(rig.call("/accounts/balance/get", access_token=item.access_token))
    await until(rig.clock.next_wake_at)
    rig.emulator.remove(item)
    rig.clock.advance_to(rig.now + timedelta(seconds=30))
    assert (await call)[1]["error_code"] == "ITEM_CONCURRENTLY_DELETED"
    assert rig.emulator.billing.n_calls(BALANCE) == 0
