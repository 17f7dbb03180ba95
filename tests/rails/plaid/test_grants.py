"""Grants: each step of connecting gives its token, or says why not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rowcol.core.ids import RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Grant, Look, Offer, Progress, Shown, ShownAccount
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


VISIT = {"link_session_id": "s", "started_at": "2026-11-25T12:00:00Z"}
DONE = {**VISIT, "finished_at": "2026-11-25T12:03:00Z"}
CHOSEN = [{"id": "a", "name": "Checking", "mask": None, "type": "depository", "new": {"x": 1}}]
ADDED = {"public_token": "public-1", "institution": None, "accounts": CHOSEN}
ERROR = {"error_type": "ITEM_ERROR", "error_code": "INVALID_CREDENTIALS"}


def progress(*visits: object, **more: object) -> Progress:
    body = {"link_token": "l", "link_sessions": list(visits), "request_id": "r", **more}
    read = read_grant(Look("link.token.get"), kit.response(body))
    assert isinstance(read, Grant), read
    assert read.progress is not None
    return read.progress


def test_the_recorded_end_is_a_public_token_with_what_it_shows() -> None:
    exchange = kit.exchange("link.token.get.success")
    read = read_grant(exchange.look, exchange.response)
    assert isinstance(read, Grant)
    assert read.remote_request_id == "request_id"
    shown = (
        ShownAccount("Plaid Checking", "0000", "depository"),
        ShownAccount("Plaid Saving", "1111", "depository"),
        ShownAccount("Plaid Credit Card", "3333", "credit"),
    )
    offer = Offer("public_token", Shown("ins_109508", "First Platypus Bank", shown))
    assert read.progress == Progress(is_over=True, offers=(offer,))


@pytest.mark.parametrize("body", [{}, {"link_sessions": None}, {"link_sessions": []}])
def test_nobody_was_there_yet(body: dict[str, object]) -> None:
    read = read_grant(Look("link.token.get"), kit.response({"link_token": "l", **body}))
    assert isinstance(read, Grant)
    assert read.progress == Progress()


def test_somebody_is_there() -> None:
    assert progress(VISIT) == Progress(is_open=True)
    assert progress({**VISIT, "exit": None, "on_exit": None, "results": None}).is_open


def test_one_token_in_both_forms_is_one_offer() -> None:
    success = {"public_token": "public-1", "metadata": {"accounts": CHOSEN}}
    told = progress({**DONE, "on_success": success, "results": {"item_add_results": [ADDED]}})
    assert [offer.public_token for offer in told.offers] == ["public-1"]
    assert told.offers[0].shown.accounts == (ShownAccount("Checking", "", "depository"),)


@pytest.mark.parametrize("results", [None, {}, {"item_add_results": []}])
def test_update_mode_ends_without_results(results: object) -> None:
    assert progress({**DONE, "results": results}) == Progress(is_over=True)


@pytest.mark.parametrize("key", ["exit", "on_exit"])
def test_who_left_is_said_in_words(key: str) -> None:
    left = progress({**DONE, key: {"error": None, "metadata": {"status": "choose_device"}}})
    assert left.failure == "the person left the page before the end (choose_device)"
    odd = progress({**DONE, key: {"metadata": {"status": "<b>x</b>"}}})
    assert odd.failure == "the person left the page before the end"
    refused = progress({**DONE, key: {"error": ERROR}})
    assert refused.failure == "the bank could not be connected: INVALID_CREDENTIALS"
    assert refused.advice


@pytest.mark.parametrize("error", [{}, {"error_type": None, "error_code": ""}, {"x": 1}])
def test_an_error_without_a_code_is_none(error: dict[str, object]) -> None:
    left = progress({**DONE, "exit": {"error": error, "metadata": None}})
    assert left.failure == "the person left the page before the end"


def test_the_last_visit_counts_in_whatever_order_they_are_listed() -> None:
    left = {**DONE, "exit": {"error": ERROR}}
    back = {**VISIT, "started_at": "2026-11-25T12:09:00Z"}
    for visits in ((left, back), (back, left)):
        assert progress(*visits) == Progress(is_open=True)


def test_a_token_wins_over_having_left_before_or_after() -> None:
    left = {**DONE, "exit": {"error": ERROR}}
    added = {**DONE, "results": {"item_add_results": [ADDED]}}
    for visits in ((left, added), (added, left)):
        assert progress(*visits).is_over


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"link_sessions": 1}',
        b'{"link_sessions": [1]}',
        b'{"link_sessions": [{"results": {"item_add_results": [{"public_token": 7}]}}]}',
        b'{"link_sessions": [{"on_success": {"metadata": {"accounts": "x"}}}]}',
        b'{"link_sessions": [{"exit": {"error": {"error_type": 1}}}]}',
    ],
)
def test_what_is_no_answer_is_a_failure(body: bytes) -> None:
    failure = read_grant(Look("link.token.get"), kit.response(body))
    assert isinstance(failure, Failure)
    assert failure.outcome is Outcome.UNREADABLE


def test_an_offer_hides_its_token() -> None:
    told = progress({**DONE, "results": {"item_add_results": [ADDED]}})
    assert "public-1" not in repr(told)
