"""Requests: secrets come from the credentials only, values are encoded, numbers are exact."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.rail import Credentials, Look
from rowcol.core.refusal import BadInput
from rowcol.rails.qbo.requests import statement_of
from rowcol.rails.qbo.spec import ENDPOINTS, NAMED
from rowcol.services.looks import of_person
from tests.rails.qbo import kit

RAIL = kit.RAIL
ORDER = "ORDERBY MetaData.LastUpdatedTime STARTPOSITION 1 MAXRESULTS 1000"
ORDER_2 = ORDER.replace("POSITION 1 ", "POSITION 1001 ")
SINCE = "2026-05-05T03:20:42-07:00"
AFTER = f"MetaData.LastUpdatedTime >= '{SINCE}'"


@pytest.mark.parametrize(
    ("arguments", "statement"),
    [
        ({"entity": "Bill"}, f"SELECT * FROM Bill {ORDER}"),
        ({"entity": "Vendor"}, f"SELECT * FROM Vendor WHERE Active IN (true,false) {ORDER}"),
        (
            {"entity": "Account", "since": SINCE, "start": 1001},
            f"SELECT * FROM Account WHERE {AFTER} AND Active IN (true,false) {ORDER_2}",
        ),
        (
            {"entity": "Bill", "since": "a'b"},
            rf"SELECT * FROM Bill WHERE MetaData.LastUpdatedTime >= 'a\'b' {ORDER}",
        ),
        ({"entity": "Bill", "rows": 250}, f"SELECT * FROM Bill {ORDER[:-4]}250"),
        ({"statement": "SELECT 1"}, "SELECT 1"),
    ],
)
def test_statements(arguments: dict[str, str | int | bool | None], statement: str) -> None:
    assert statement_of(arguments) == statement


def test_a_plus_in_a_time_is_encoded() -> None:
    look = Look("cdc", {"entities": "Bill,Vendor", "changed_since": "2026-11-25T09:00:00+00:00"})
    query = urlsplit(RAIL.request(look, kit.CREDENTIALS).path).query
    assert "+" not in query
    assert dict(parse_qsl(query))["changedSince"] == "2026-11-25T09:00:00+00:00"


def test_a_write_sends_exact_numbers() -> None:
    body = {"TotalAmt": Decimal("100.10"), "Line": [{"Amount": Decimal("0.30")}]}
    look = Look("entity.create", {"entity": "Bill", "requestid": "r1"}, body=body)
    request = RAIL.request(look, kit.CREDENTIALS)
    assert request.body == b'{"TotalAmt":100.10,"Line":[{"Amount":0.30}]}'


@pytest.mark.parametrize(
    ("entity", "query", "is_sparse"),
    [
        ("Invoice", {"operation": "void"}, False),
        ("BillPayment", {"operation": "update", "include": "void"}, True),
    ],
)
def test_voids_differ_by_entity(entity: str, query: dict[str, str], is_sparse: bool) -> None:
    look = Look("entity.void", {"entity": entity}, body={"Id": "1", "SyncToken": "0"})
    request = RAIL.request(look, kit.CREDENTIALS)
    assert dict(parse_qsl(urlsplit(request.path).query)) == {**query, "minorversion": "75"}
    assert (b"sparse" in request.body) is is_sparse


@given(st.sampled_from(sorted(ENDPOINTS)), st.text(), st.text())
def test_no_argument_leaves_its_place(endpoint: str, first: str, second: str) -> None:
    arguments = {"entity": first, "id": second, "report": first, "code": first, "minorversion": "1"}
    request = RAIL.request(Look(endpoint, arguments), kit.CREDENTIALS)
    parts = urlsplit(request.path)
    assert request.path.isascii()
    assert request.path.isprintable()
    assert parts.path.count("/") == ENDPOINTS[endpoint].path.partition("?")[0].count("/")
    if not ENDPOINTS[endpoint].host:
        assert parts.path.startswith(f"/v3/company/{kit.REALM}/")
        assert dict(parse_qsl(parts.query))["minorversion"] == "75"
        assert request.headers["Authorization"] == "Bearer access_token"


def test_no_secret_shows() -> None:
    shown = "".join(repr(RAIL.request(Look(name), kit.CREDENTIALS)) for name in ENDPOINTS)
    assert "Bearer" not in shown
    assert "refresh_token" not in shown
    assert "access_token" not in repr(kit.CREDENTIALS)


def test_without_a_token_it_is_built_all_the_same() -> None:
    for name in ENDPOINTS:
        assert RAIL.request(Look(name), Credentials({})).method


WORDS = st.sampled_from(
    ("..", ".", "batch", "query", "cdc", "upload", "Bill", "bill/../batch", "%2e%2e", "1", "")
)


@given(
    st.sampled_from(sorted(name for name, e in ENDPOINTS.items() if e.is_callable)),
    st.text() | WORDS,
    st.text() | WORDS,
)
def test_what_a_person_names_is_declared_or_refused(endpoint: str, first: str, second: str) -> None:
    """/batch and /query are metered whatever is asked of them: no write reaches them, and nothing leaves the company."""
    body = {"Id": "1", "SyncToken": "0"}
    named = {"entity": first, "body": body}
    data = named if ENDPOINTS[endpoint].is_write else {**named, "id": second, "report": first}
    try:
        look = of_person(ENDPOINTS[endpoint], data, "k")
    except BadInput:
        return
    path = urlsplit(RAIL.request(look, kit.CREDENTIALS).path).path
    place = path.removeprefix(f"/v3/company/{kit.REALM}/").split("/")
    assert not {"..", ".", ""} & set(place)
    if ENDPOINTS[endpoint].is_write:
        assert place[0] in {entity.lower() for entity in NAMED}
