"""Rail: the exchange files bind it: it builds each request and reads each answer; and no bytes make it raise."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rowcol.rails.plaid
from rowcol.core.app import App
from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import VerificationKey
from rowcol.core.ids import AppId, RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Credentials, Failure, Grant, Look, Rail, Reading
from rowcol.rails.plaid.errors import OUTCOMES
from rowcol.rails.plaid.rail import Plaid
from rowcol.rails.plaid.spec import ENDPOINTS
from tests.rails.plaid import kit

RAIL: Rail = Plaid()
KEYS = {"client_id": "client_id", "secret": "secret"}
NOT_OURS = {
    "sandbox.transactions.create.ok": "only the demo's own bank is made to move, by the emulator",
    "accounts.balance.get.missing_fields": "a request that the rail never builds",
    "accounts.balance.get.unknown_fields": "the same",
}
GRANTING = {
    "link.token.create",
    "link.token.get",
    "item.public_token.exchange",
    "sandbox.public_token.create",
}
NAMES = [path.stem for path in kit.EXCHANGES]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_OURS])
def test_it_builds_the_request(name: str) -> None:
    exchange = kit.exchange(name)
    request = RAIL.request(exchange.look, Credentials(KEYS, exchange.asked.get("access_token")))
    assert request.method == "POST"
    assert request.path == exchange.path
    assert request.headers == exchange.headers
    assert json.loads(request.body) == exchange.asked


def read_any(look: Look, exchange: kit.Exchange) -> Reading | Failure | Grant | VerificationKey:
    if exchange.endpoint in GRANTING:
        return RAIL.read_grant(look, exchange.response)
    if exchange.endpoint == "webhook_verification_key.get":
        return RAIL.read_key(kit.APP, exchange.response)
    return RAIL.read(look, exchange.response, kit.state())


@pytest.mark.parametrize("name", [n for n in NAMES if n != "sandbox.transactions.create.ok"])
def test_it_reads_the_answer(name: str) -> None:
    exchange = kit.exchange(name)
    read = read_any(exchange.look, exchange)
    if exchange.fault is not None:
        assert isinstance(read, Failure)
        assert read.detail == exchange.fault
        assert read.outcome is OUTCOMES[exchange.answer["error_type"], exchange.fault]
        assert read.remote_request_id == "request_id"
    elif name == "transactions.sync.not_ready":
        assert isinstance(read, Failure)
        assert read.outcome is Outcome.NOT_READY
    else:
        assert not isinstance(read, Failure), read
        if isinstance(read, Reading):
            assert read.remote_request_id == "request_id"


def test_every_endpoint_has_a_request_and_an_exchange() -> None:
    assert {kit.exchange(name).endpoint for name in NAMES} - {"sandbox.transactions.create"} == set(
        ENDPOINTS
    )
    for name in ENDPOINTS:
        assert RAIL.request(Look(name), Credentials({})).path == ENDPOINTS[name].path


READ_HERE = sorted(set(ENDPOINTS) - GRANTING - {"webhook_verification_key.get"})


@given(st.sampled_from(READ_HERE), st.integers(100, 599), st.binary())
def test_any_bytes_are_read_or_a_failure(endpoint: str, status: int, body: bytes) -> None:
    look = Look(endpoint, {}, "transactions" if endpoint == "transactions.sync" else "")
    answer = kit.response(body, status)
    read = RAIL.read(look, answer, kit.state(page="p"))
    assert isinstance(read, Failure), "no random bytes are an answer"
    assert read.outcome in (
        Outcome.UNREADABLE,
        Outcome.TRY_AGAIN,
        Outcome.RATE_LIMITED,
        Outcome.NO_ANSWER,
    )


_LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "NaN", "2026-13-45", "0001-01-01T00:00:00+14:00", "\x00", "USD"])
)
_VALUE = (
    _LEAF | st.lists(_LEAF, max_size=2) | st.dictionaries(st.text(max_size=3), _LEAF, max_size=2)
)
GOOD = [n for n in NAMES if kit.exchange(n).status == 200 and n not in NOT_OURS]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value, as container and key."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    found: list[tuple[Any, Any]] = []
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


@given(st.sampled_from(GOOD), st.data())
def test_any_change_to_an_answer_is_read_or_a_failure(name: str, data: st.DataObject) -> None:
    exchange = kit.exchange(name)
    answer = json.loads(json.dumps(exchange.answer))
    for _ in range(data.draw(st.integers(1, 3))):
        spots = places(answer)
        if not spots:
            break
        container, key = data.draw(st.sampled_from(spots))
        if data.draw(st.booleans()):
            container[key] = data.draw(_VALUE)
        else:
            del container[key]
    changed = kit.Exchange(name, exchange.path, {}, exchange.asked, 200, answer, None)
    read = read_any(exchange.look, changed)
    assert isinstance(read, Reading | Failure | Grant | VerificationKey)
    if isinstance(read, Reading):
        stored = json.dumps([r.body for r in read.rows + read.staged]) + json.dumps(
            dict(read.state.facts)
        )
        assert "\\u0000" not in stored
        assert all(o.true_at <= kit.NOW for o in read.observations)


@pytest.mark.parametrize("name", GOOD)
def test_a_key_given_twice_is_unreadable(name: str) -> None:
    exchange = kit.exchange(name)
    body = json.dumps(exchange.answer)[:-1] + ', "request_id": "another"}'
    response = kit.response(body.encode())
    if exchange.endpoint in GRANTING:
        read: object = RAIL.read_grant(exchange.look, response)
    elif exchange.endpoint == "webhook_verification_key.get":
        read = RAIL.read_key(kit.APP, response)
    else:
        read = RAIL.read(exchange.look, response, kit.state())
    assert isinstance(read, Failure)
    assert read.outcome is Outcome.UNREADABLE


def test_no_secret_shows_in_a_request() -> None:
    request = RAIL.request(Look("item.get"), Credentials(KEYS, "access-token"))
    assert "access-token" not in repr(request)
    assert "secret" not in repr(request)


def test_rail_md_speaks_of_every_endpoint() -> None:
    text = (Path(rowcol.rails.plaid.__file__).parent / "RAIL.md").read_text(encoding="utf-8")
    assert [name for name in ENDPOINTS if f"`{name}`" not in text] == []
    assert len(re.findall(r"^\d+\. .*: \*\*(done|todo|exempt)", text, re.MULTILINE)) == 12


def test_a_bank_has_no_books() -> None:
    rail, state = Plaid(), ConnectionState()
    app = App(AppId("a"), "plaid", "sandbox", "https://x", {})
    row = MirrorRow("account", RemoteId("1"), "", None, None, is_deleted=False, body=b"{}")
    assert rail.consent_url(app, "s") == ""
    assert rail.rows_looks("account", [RemoteId("1")]) == ()
    assert rail.units(Look("accounts.get"), app) == 0
    assert rail.renewal("token", state, kit.NOW) is None
    assert rail.record(row, kit.state()) is None
