"""Looks: nothing that a person gave is lost, rounded or written twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from rowcol.core.connection import ConnectionState
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Endpoint, Failure, Reading
from rowcol.core.refusal import BadInput
from rowcol.services.looks import KEY_MAX, callable_of, next_step, of_person
from tests.fake_books import SPEC

READ = Endpoint("company", "GET", "/company", 10.0, is_callable=True)
WRITE = replace(READ, name="bill.create", method="POST", is_write=True)
ROW = replace(WRITE, name="row.update", needs=("entity", "body.Id", "body.SyncToken"))
PAGE = replace(READ, name="query", needs=("statement|entity",))
BODY = {"Line": [{"Amount": Decimal("12.50"), "is": True}], "note": None}


def test_scalars_are_arguments_and_the_body_is_kept_as_it_is() -> None:
    look = of_person(READ, {"minor": 75, "x": "y", "yes": True}, "")
    assert look.arguments == {"minor": 75, "x": "y", "yes": True}
    body = {**BODY, "Id": "1", "SyncToken": "0"}
    look = of_person(ROW, {"entity": "Bill", "body": body}, "key-1")
    assert look.arguments == {"entity": "Bill", "requestid": "key-1"}
    assert look.body == body
    assert (look.endpoint, look.stream, look.is_full) == ("row.update", "", False)


@pytest.mark.parametrize(
    ("data", "missing"),
    [
        ({}, "entity, body.Id, body.SyncToken"),
        ({"entity": " ", "body": {"Id": "1", "SyncToken": "0"}}, "entity"),
        ({"entity": "Bill", "body": {"Id": "1"}}, "body.SyncToken"),
        ({"entity": "Bill", "body": {"Id": None, "SyncToken": ""}}, "body.Id, body.SyncToken"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_sent(
    data: dict[str, object], missing: str
) -> None:
    with pytest.raises(BadInput, match=f"missing: {missing}$"):
        of_person(ROW, data, "k")


def test_one_of_two_is_enough() -> None:
    for name in ("statement", "entity"):
        assert of_person(PAGE, {name: "x"}, "").arguments == {name: "x"}
    with pytest.raises(BadInput, match="missing: statement or entity"):
        of_person(PAGE, {"rows": 2}, "")


def test_what_stands_beside_the_body_of_a_write_is_not_dropped() -> None:
    with pytest.raises(BadInput, match="DisplayName") as refused:
        of_person(ROW, {"entity": "Vendor", "DisplayName": "x"}, "k")
    assert "`body`" in refused.value.what_to_do


def test_a_listing_tells_what_is_needed() -> None:
    spec = replace(SPEC, endpoints={e.name: e for e in (READ, PAGE, replace(ROW, tariff="x"))})
    assert callable_of(spec) == "company, query (statement or entity)"
    assert callable_of(replace(SPEC, endpoints={})) == "none"


def test_a_read_has_no_key() -> None:
    assert of_person(READ, {"a": "b"}, "k" * 99).arguments == {"a": "b"}


@pytest.mark.parametrize("lost", [1.5, None, [1], {"a": 1}, Decimal(1), b"x"])
def test_what_no_argument_can_carry_is_refused_by_name(lost: object) -> None:
    with pytest.raises(BadInput, match="amount"):
        of_person(READ, {"amount": lost}, "k")


@pytest.mark.parametrize(
    "body", [{"a": 1.0}, {"a": [{"b": (1, 0.1)}]}, {"a": {"b": {"c": float("nan")}}}]
)
def test_a_float_is_refused_however_deep(body: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="float"):
        of_person(WRITE, {"body": body}, "k")


@pytest.mark.parametrize("body", ["text", [1], 3])
def test_a_body_is_an_object(body: object) -> None:
    with pytest.raises(BadInput, match="object"):
        of_person(WRITE, {"body": body}, "k")


@pytest.mark.parametrize("key", ["", "k" * (KEY_MAX + 1)])
def test_a_write_needs_a_key_that_the_rail_takes(key: str) -> None:
    with pytest.raises(BadInput, match="idempotency"):
        of_person(WRITE, {}, key)
    assert of_person(WRITE, {}, "k" * KEY_MAX).arguments["requestid"] == "k" * KEY_MAX


def test_a_key_in_the_data_does_not_replace_ours() -> None:
    with pytest.raises(BadInput, match="requestid") as refused:
        of_person(WRITE, {"requestid": "theirs"}, "ours")
    assert "idempotency key" in refused.value.what_to_do


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_a_write_that_may_have_been_done_is_to_be_repeated(outcome: Outcome) -> None:
    failed = Failure(outcome, "x", ConnectionState())
    said = next_step(WRITE, failed, of_person(WRITE, {}, "key-7"))
    is_open = outcome in (Outcome.NO_ANSWER, Outcome.UNREADABLE, Outcome.TRY_AGAIN)
    assert ("'key-7'" in said) is is_open
    assert next_step(READ, failed, of_person(READ, {}, "")) == ""
    told = replace(failed, advice="do this")
    assert next_step(WRITE, told, of_person(WRITE, {}, "key-7")) == "do this"
    done = Reading(ConnectionState())
    assert next_step(WRITE, done, of_person(WRITE, {}, "key-7")) == ""
