"""Rail: the exchange files bind it: it builds each request and reads each answer; and no bytes make it raise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.app import App
from rowcol.core.connection import ConnectionState
from rowcol.core.ids import AppId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Grant, Look, Rail, Reading, Renewed
from rowcol.rails.qbo.spec import ENDPOINTS, ENTITIES
from tests.rails.qbo import kit

RAIL: Rail = kit.RAIL
NAMES = [path.stem for path in kit.EXCHANGES]
INTUITS = App(
    *(AppId("a"), "qbo", "production", "https://quickbooks.api.intuit.com", kit.KEYS),
    hosts={"oauth": "https://oauth.platform.intuit.com"},
)
NOT_OURS = {
    "read.preferences.ok": "the rail reads no entity without an id",
    "read.unsupported": "a request that the rail never builds",
}


@pytest.mark.parametrize("name", [n for n in NAMES if n not in NOT_OURS])
def test_it_builds_the_request(name: str) -> None:
    exchange = kit.exchange(name)
    request = RAIL.request(exchange.look, kit.CREDENTIALS)
    asked, parts = exchange.request, urlsplit(request.path)
    assert (request.method, parts.path) == (asked["method"], asked["path"])
    assert dict(parse_qsl(parts.query)) == asked.get("query", {})
    assert asked["headers"].items() <= request.headers.items()
    if "body" in asked:
        assert json.loads(request.body) == asked["body"]
    elif "form" in asked:
        assert dict(parse_qsl(request.body.decode())) == asked["form"]
    else:
        assert request.body.decode() == asked.get("text", "")


OUTCOMES = {
    "3200": Outcome.TOKEN_EXPIRED,
    "3001": Outcome.RATE_LIMITED,
    "610": Outcome.NOT_FOUND,
    "5010": Outcome.CONFLICT,
    "10000": Outcome.TRY_AGAIN,
    "html_502": Outcome.TRY_AGAIN,
    "html_503": Outcome.TRY_AGAIN,
    "http_504": Outcome.TRY_AGAIN,
    "invalid_client": Outcome.BAD_CREDENTIALS,
    "cdc_too_old": Outcome.RESTART,
    **dict.fromkeys(("3100", "3201", "120", "forbidden", "not_found"), Outcome.NEEDS_PERSON),
    "invalid_grant": Outcome.NEEDS_PERSON,
}
"""By fault; every other one is a bad request."""


def read_any(
    exchange: kit.Exchange,
) -> Reading | Failure | Grant | Renewed | Mapping[str, str]:
    look, response = exchange.look, exchange.response
    if exchange.operation == "discovery":
        return RAIL.read_addresses(INTUITS, response)
    if exchange.operation == "token.exchange":
        return RAIL.read_grant(look, response)
    if exchange.operation == "token.refresh":
        return RAIL.read_renewal(look, response, kit.token(), kit.state())
    is_old = exchange.fault == "cdc_too_old"
    old = kit.state(cursor="2026-10-20T00:00:00+00:00")
    return RAIL.read(look, response, old if is_old else kit.state())


@pytest.mark.parametrize("name", NAMES)
def test_it_reads_the_answer(name: str) -> None:
    exchange = kit.exchange(name)
    read = read_any(exchange)
    is_read_all_the_same = name == "revoke.already_revoked"
    if exchange.fault is None or is_read_all_the_same:
        assert not isinstance(read, Failure), read
        if exchange.fault is None and isinstance(read, Reading) and exchange.operation != "revoke":
            assert read.remote_request_id == "intuit_tid"
        return
    assert isinstance(read, Failure), read
    expected = OUTCOMES.get(exchange.fault, Outcome.BAD_REQUEST)
    is_write = ENDPOINTS[exchange.look.endpoint].is_write
    if is_write and expected is Outcome.TRY_AGAIN:
        expected = Outcome.NO_ANSWER
    assert read.outcome is expected, read.detail
    assert "access_token" not in read.detail


READ_HERE = sorted(set(ENDPOINTS) - {"token.exchange", "token.refresh", "discovery"})


def look_of(endpoint: str, *, is_full: bool = False) -> Look:
    arguments = {"entities": ",".join(ENTITIES), "entity": "Bill", "id": "1"}
    return Look(endpoint, arguments, is_full=is_full, is_page=is_full)


@given(st.sampled_from(READ_HERE), st.integers(100, 599), st.binary(), st.booleans())
def test_any_bytes_are_read_or_a_failure(
    endpoint: str, status: int, body: bytes, is_full: bool
) -> None:
    look = look_of(endpoint, is_full=is_full and endpoint in ("query", "companyinfo.get"))
    for state in (kit.state(), ConnectionState()):
        read = RAIL.read(look, kit.response(body, status), state)
        if isinstance(read, Failure):
            assert read.state.cursor == state.cursor
            assert read.state.page == state.page
        else:
            assert endpoint == "token.revoke"


_LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "NaN", "2026-13-45", "0001-01-01T00:00:00+14:00", "\x00", "Deleted"])
)
_VALUE = (
    _LEAF | st.lists(_LEAF, max_size=2) | st.dictionaries(st.text(max_size=3), _LEAF, max_size=2)
)
GOOD = [
    n for n in NAMES if kit.exchange(n).answer["status"] == 200 and "body" in kit.exchange(n).answer
]


def places(value: object) -> list[tuple[object, object]]:
    """Every place in a JSON value, as container and key."""
    found: list[tuple[object, object]] = []
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value if isinstance(value, list) else [])
    )
    for key, inner in pairs:
        found.append((value, key))
        found += places(inner)
    return found


@given(st.sampled_from(GOOD), st.data())
def test_any_change_to_an_answer_is_read_or_a_failure(name: str, data: st.DataObject) -> None:
    exchange = kit.exchange(name)
    answer = json.loads(json.dumps(exchange.answer))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(answer["body"])))
        container[key] = data.draw(_VALUE)  # type: ignore[index] # a list or an object
    read = read_any(kit.Exchange(name, exchange.request, answer, None))
    if isinstance(read, Mapping):
        assert all(url.startswith("https://") and ".intuit.com/" in url for url in read.values())
    else:
        assert isinstance(read, Reading | Failure | Grant | Renewed)


@pytest.mark.parametrize(
    "body",
    [
        b'{"CDCResponse":[{"QueryResponse":[{"Bill":[{"Id":"1","Balance":NaN}]}]}],"time":"2026-11-25T03:22:08-08:00"}',
        b'{"CDCResponse":[],"CDCResponse":[],"time":"2026-11-25T03:22:08-08:00"}',
        b'{"CDCResponse":[{"QueryResponse":[{"Bill":[{"SyncToken":"1"}]}]}],"time":"2026-11-25T03:22:08-08:00"}',
        b'{"CDCResponse":[{"QueryResponse":[{"Bill":{"Id":"1"}}]}],"time":"2026-11-25T03:22:08-08:00"}',
        b'{"CDCResponse":[{"QueryResponse":[{}]}]}',
        b'{"CDCResponse":[{"QueryResponse":[{}]}],"time":"2020-11-25T03:22:08-08:00"}',
        b"<html>hello</html>",
        b" " * (9 * 1024 * 1024),
    ],
    ids=["nan", "twice", "no-id", "no-list", "no-time", "years-off", "html", "large"],
)
def test_what_is_no_answer_moves_nothing(body: bytes) -> None:
    before = kit.state(dirty={"Bill": "why"})
    failure = kit.failed(RAIL.read(look_of("cdc"), kit.response(body), before))
    assert failure.outcome is Outcome.UNREADABLE
    after = failure.state
    assert (after.cursor, after.page, after.looked_at) == (before.cursor, "", before.looked_at)
    assert after.dirty == before.dirty


@pytest.mark.parametrize(
    ("metering", "cdc"), [({}, len(ENTITIES)), ({"cdc": "entity"}, 16), ({"cdc": "request"}, 1)]
)
def test_units_count_the_worst_until_somebody_looked(metering: dict[str, str], cdc: int) -> None:
    app = App(AppId("a"), "qbo", "production", "https://a.example", {}, metering=metering)
    assert RAIL.units(look_of("cdc"), app) == cdc
    free = {name for name in ENDPOINTS if RAIL.units(Look(name), app) == 0}
    unmetered = {n for n in ENDPOINTS if n.startswith(("token.", "entity.", "discovery"))}
    assert free == unmetered - {"entity.get"}
    for name in ("query", "report.get", "entity.get", "companyinfo.get"):
        assert RAIL.units(Look(name), app) == 1


def test_there_are_no_keys() -> None:
    assert isinstance(RAIL.read_key(AppId("a"), kit.response(b"{}")), Failure)
    with pytest.raises(NotImplementedError):
        RAIL.key_look("k")


def test_an_answer_too_large_is_asked_for_in_smaller_pages() -> None:
    look = RAIL.free_look(ConnectionState(), kit.wanted())
    assert look is not None
    state = ConnectionState()
    for _ in range(8):
        state = RAIL.silent(look, Outcome.NO_ANSWER, "TOO_LARGE", kit.NOW, state).state
    company = kit.Company({"Bill": [kit.row(n) for n in range(3)]})
    after, readings = kit.run(company, state, kit.wanted(None))
    assert kit.ids(readings, "Bill") == {"0", "1", "2"}
    assert after.cursor


def test_changes_too_large_for_an_answer_are_listed() -> None:
    failure = RAIL.silent(look_of("cdc"), Outcome.NO_ANSWER, "TOO_LARGE", kit.NOW, kit.state())
    look = RAIL.free_look(failure.state, kit.wanted(None))
    assert look is not None
    assert look.is_full


def test_a_silent_rail_keeps_an_unfinished_reading() -> None:
    state = kit.state(page='{"entities":["Bill"],"sent":"2026-11-25T11:00:00+00:00"}')
    failure = RAIL.silent(
        look_of("query", is_full=True), Outcome.NO_ANSWER, "TIMEOUT", kit.NOW, state
    )
    assert failure.state.page == state.page
    assert failure.state.retry_at is not None
