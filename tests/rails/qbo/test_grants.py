"""Grants: consent, exchange and renewal; whatever a renewal answers, the old tokens are not lost."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.app import App
from rowcol.core.evidence import Health
from rowcol.core.ids import AppId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Grant, Look, Renewed
from rowcol.core.refusal import BadInput
from rowcol.rails.qbo import tokens
from tests.rails.qbo import kit

RAIL = kit.RAIL
APP = App(
    *(AppId("a"), "qbo", "production", "https://api.example", kit.KEYS),
    hosts={"consent": "https://consent.example"},
    callback_url="https://host.example/callback?x=1",
)
REFRESH = Look("token.refresh")
BACK = {"code": "c0de", "realmId": kit.REALM, "state": "s"}


def test_consent_is_asked_for_at_intuits_page() -> None:
    parts = urlsplit(RAIL.consent_url(APP, "s t"))
    assert (parts.netloc, parts.path) == ("consent.example", "/connect/oauth2")
    assert dict(parse_qsl(parts.query)) == {
        "client_id": "client_id",
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": APP.callback_url,
        "state": "s t",
    }
    assert "client_secret" not in parts.query


@pytest.mark.parametrize(
    "answers",
    [
        *({}, {**BACK, "code": ""}, {**BACK, "code": "x" * 3000}, {**BACK, "realmId": ""}),
        *({**BACK, "realmId": "12a"}, {**BACK, "realmId": "٣"}, {**BACK, "error": "access_denied"}),
        {**BACK, "error": "<b>"},
    ],
)
def test_an_answer_that_gives_nothing_says_what_to_do(answers: dict[str, str]) -> None:
    with pytest.raises(BadInput) as caught:
        RAIL.callback_look(APP, answers)
    assert caught.value.what_to_do
    assert "<b>" not in caught.value.message


def test_a_code_becomes_a_grant_for_one_company() -> None:
    look = RAIL.callback_look(APP, BACK)
    arguments = {"code": "c0de", "realm_id": kit.REALM, "redirect_uri": APP.callback_url}
    assert look == Look("token.exchange", arguments)
    grant = RAIL.read_grant(look, kit.exchange("token.exchange.ok").response)
    assert isinstance(grant, Grant)
    assert grant.remote_id == kit.REALM
    assert tokens.parse(grant.value).refresh_token == "refresh_token"
    assert "access_token" not in repr(grant)


def test_a_grant_without_a_refresh_token_is_none() -> None:
    read = RAIL.read_grant(RAIL.callback_look(APP, BACK), kit.response({"access_token": "a"}))
    assert isinstance(read, Failure)
    assert read.outcome is Outcome.UNREADABLE


def test_it_is_renewed_only_when_it_must_be() -> None:
    assert RAIL.renewal(kit.token(), kit.state(), kit.NOW) is None
    assert RAIL.renewal(kit.token(timedelta(minutes=4)), kit.state(), kit.NOW) == REFRESH
    refused = kit.state(facts={"token": "refused"})
    assert RAIL.renewal(kit.token(), refused, kit.NOW) == REFRESH
    renewed = kit.state(facts={"token": "renewed", "renewed_at": kit.NOW.isoformat()})
    assert RAIL.renewal(kit.token(), renewed, kit.NOW) is None


@pytest.mark.parametrize(
    ("name", "refresh_token"),
    [
        ("token.refresh.same", "refresh_token"),
        ("token.refresh.rotated", "new_refresh_token"),
        ("token.refresh.without_refresh_token", "refresh_token"),
    ],
)
def test_a_renewal_keeps_a_refresh_token(name: str, refresh_token: str) -> None:
    read = RAIL.read_renewal(REFRESH, kit.exchange(name).response, kit.token(), kit.state())
    assert isinstance(read, Renewed)
    found = tokens.parse(read.token)
    assert (found.access_token, found.refresh_token) == ("new_access_token", refresh_token)
    assert read.state.facts["token"] == "renewed"
    assert "new_access_token" not in repr(read)


def test_when_the_consent_ends_for_good_is_kept_where_it_is_told() -> None:
    body = {"access_token": "a", "refresh_token": "r", "x_refresh_token_hard_expires_in": 86_400}
    for answer, until in ((body, kit.NOW + timedelta(days=1)), ({"access_token": "a"}, None)):
        read = RAIL.read_renewal(REFRESH, kit.response(answer), kit.token(), kit.state())
        assert isinstance(read, Renewed)
        told = read.state.facts.get("consent_until")
        assert (None if until is None else until.isoformat()) == told


@pytest.mark.parametrize(
    ("name", "outcome", "health"),
    [
        ("token.refresh.invalid_grant", Outcome.NEEDS_PERSON, Health.NEEDS_RECONNECT),
        ("token.refresh.invalid_client", Outcome.BAD_CREDENTIALS, Health.MISCONFIGURED),
        ("token.refresh.invalid_client_as_401", Outcome.BAD_CREDENTIALS, Health.MISCONFIGURED),
        ("token.refresh.unavailable", Outcome.TRY_AGAIN, Health.OK),
    ],
)
def test_a_renewal_that_fails_says_whose_turn_it_is(
    name: str, outcome: Outcome, health: Health
) -> None:
    read = RAIL.read_renewal(REFRESH, kit.exchange(name).response, kit.token(), kit.state())
    assert isinstance(read, Failure)
    assert (read.outcome, read.state.health) == (outcome, health)


@given(st.integers(100, 599), st.binary())
def test_any_answer_to_a_renewal_is_read(status: int, body: bytes) -> None:
    read = RAIL.read_renewal(REFRESH, kit.response(body, status), kit.token(), kit.state())
    assert isinstance(read, Failure)
    assert read.outcome is not Outcome.NEEDS_PERSON


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_host_that_refuses_without_a_word_means_our_keys(status: int) -> None:
    read = RAIL.read_renewal(REFRESH, kit.response(b"", status), kit.token(), kit.state())
    assert isinstance(read, Failure)
    assert read.outcome is Outcome.BAD_CREDENTIALS
