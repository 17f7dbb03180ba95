"""Discovery: keys and refresh tokens go to Intuit's own addresses or nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.app import App
from rowcol.core.ids import AppId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Look
from rowcol.core.wire import Response
from rowcol.rails.qbo.discovery import discovery_look, read_discovery
from rowcol.rails.qbo.spec import BASE_URLS, HOSTS
from tests.rails.qbo import kit

HOSTED = {name: urls["production"] for name, urls in HOSTS.items()}
INTUITS = App(AppId("a"), "qbo", "production", BASE_URLS["production"], kit.KEYS, hosts=HOSTED)
OURS = App(AppId("a"), "qbo", "emulated", "http://127.0.0.1:8701", kit.KEYS)
NAMES = ("authorization_endpoint", "token_endpoint", "revocation_endpoint")


def document(url: str, **others: str) -> Response:
    return kit.response({**dict.fromkeys(NAMES, url), **others})


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ("production", "openid_configuration"),
        ("sandbox", "openid_sandbox_configuration"),
        ("emulated", "openid_configuration"),
    ],
)
def test_each_environment_has_its_document(environment: str, name: str) -> None:
    look = discovery_look(replace(INTUITS, environment=environment))
    assert look == Look("discovery", {"document": name})
    request = kit.RAIL.request(look, kit.CREDENTIALS)
    assert (request.method, request.path) == ("GET", f"/.well-known/{name}")
    assert "Authorization" not in request.headers


def test_the_document_gives_whole_addresses_and_they_are_those_we_knew() -> None:
    read = read_discovery(INTUITS, kit.exchange("discovery.ok").response)
    assert read == {
        "consent": f"{HOSTED['consent']}/connect/oauth2",
        "token.exchange": f"{HOSTED['oauth']}/oauth2/v1/tokens/bearer",
        "token.refresh": f"{HOSTED['oauth']}/oauth2/v1/tokens/bearer",
        "token.revoke": f"{HOSTED['revoke']}/v2/oauth2/tokens/revoke",
    }
    screen = replace(INTUITS, urls={"consent": "https://new.intuit.com/connect"})
    assert kit.RAIL.consent_url(screen, "s").startswith("https://new.intuit.com/connect?client_id=")


@pytest.mark.parametrize(
    "url",
    [
        "http://oauth.platform.intuit.com/t",
        "https://intuit.com.evil.example/t",
        "https://evilintuit.com/t",
        "https://intuit.com@evil.example/t",
        "https://evil.example/intuit.com",
        "https://user:pass@oauth.intuit.com/t",
        "https://oauth.intuit.com:8443/t",
        "https://oauth.intuit.com:x/t",
        "https://oauth.intuit.com/t?to=evil",
        "https://evil.example\\.intuit.com/t",
        "https://evil.example#.intuit.com/t",
        "https://oauth.intuit.com/" + "x" * 500,
        "https://[::1/t",
        "//oauth.intuit.com/t",
        "",
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_one_address_that_is_not_intuits_own_and_none_is_believed(url: str, name: str) -> None:
    read = read_discovery(INTUITS, document("https://oauth.intuit.com/t", **{name: url}))
    assert isinstance(read, Failure)
    assert read.outcome is Outcome.UNREADABLE
    assert "evil" not in read.detail


def test_an_emulator_names_itself_and_nobody_else() -> None:
    for url in ("http://127.0.0.1:8701/t", "http://127.0.0.1:8701/a/b"):
        assert read_discovery(OURS, document(url)) == dict.fromkeys(
            ("consent", "token.exchange", "token.refresh", "token.revoke"), url
        )
    for url in ("http://127.0.0.1:87010/t", "http://127.0.0.1:8701@evil.example/t", "https://x/"):
        assert isinstance(read_discovery(OURS, document(url)), Failure)


@given(st.integers(100, 599), st.binary())
def test_any_bytes_are_addresses_or_a_failure(status: int, body: bytes) -> None:
    assert isinstance(read_discovery(INTUITS, kit.response(body, status)), Failure)


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | st.integers() | st.none()))
def test_any_values_are_addresses_or_a_failure(body: dict[str, object]) -> None:
    assert isinstance(read_discovery(INTUITS, kit.response(body)), Failure)
