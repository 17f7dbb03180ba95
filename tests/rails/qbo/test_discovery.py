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
        "https://evil.example[v1.intuit.com]/t",
        "https://[v1.intuit.com]evil.example/t",
        "https://evil.example:443[v1.intuit.com]/t",
        "https://evil.example%2f.intuit.com/t",
        "https://evil.example%00.intuit.com/t",
        "https://..intuit.com/t",
        "https://.intuit.com/t",
        "https://\u0131ntuit.com/t",
        "https://oauth.intuit.com/t\n",
        "https://oauth.intuit.com/a/../t",
        "https://oauth.intuit.com",
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
    for url in (
        *("http://127.0.0.1:87010/t", "http://127.0.0.1:8701@evil.example/t", "https://x/"),
        *("http://127.0.0.1:8701/a/../t", "https://127.0.0.1:8701/t", "http://127.0.0.1:x/t", ""),
        *("http://a@127.0.0.1:8701/t", "http://127.0.0.1:8701/t?x", "http://127.0.0.1:8701\\t"),
    ):
        assert isinstance(read_discovery(OURS, document(url)), Failure), url


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://LOCALHOST:8701", "http://localhost:8701/t"),
        ("http://books:80", "http://books/t"),
        ("http://books/", "http://BOOKS:80/t"),
        ("https://proxy.example/qbo", "https://proxy.example/qbo/t"),
        ("http://[::1]:8701", "http://[::1]:8701/t"),
    ],
)
def test_origins_are_compared_as_browsers_do(base_url: str, url: str) -> None:
    app = replace(OURS, base_url=base_url)
    assert not isinstance(read_discovery(app, document(url)), Failure)


def test_below_a_base_with_a_path_is_below_that_path() -> None:
    app = replace(OURS, base_url="https://proxy.example/qbo")
    for url in ("https://proxy.example/t", "https://proxy.example/qbo2/t"):
        assert isinstance(read_discovery(app, document(url)), Failure), url


@given(st.integers(100, 599), st.binary())
def test_any_bytes_are_a_failure(status: int, body: bytes) -> None:
    assert isinstance(read_discovery(INTUITS, kit.response(body, status)), Failure)


_NEAR = st.text("aevil.example:443[]@%2f/\\#?-. \n", max_size=12)


@given(_NEAR, _NEAR, _NEAR)
def test_whatever_is_believed_is_below_intuits_domain(front: str, middle: str, end: str) -> None:
    url = f"https://{front}intuit.com{middle}/t{end}"
    read = read_discovery(INTUITS, document(url))
    if not isinstance(read, Failure):
        host = url.removeprefix("https://").partition("/")[0].removesuffix(":443")
        assert host.endswith("intuit.com")
        assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        assert host == "intuit.com" or host.endswith(".intuit.com")


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | st.integers() | st.none()))
def test_any_values_are_a_failure(body: dict[str, object]) -> None:
    assert isinstance(read_discovery(INTUITS, kit.response(body)), Failure)
