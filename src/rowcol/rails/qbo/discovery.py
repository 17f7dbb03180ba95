"""Discovery: where consent, tokens and revocation are, as Intuit's own document says today.

The app's keys and every client's refresh token go to these addresses, so only Intuit's own are
believed; a document that names another one is not read at all. Without it the addresses in `spec.py` hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec

from rowcol.core.app import App
from rowcol.core.connection import ConnectionState
from rowcol.core.outcome import Outcome
from rowcol.core.rail import CONSENT, Failure, Look
from rowcol.core.wire import Response
from rowcol.rails.qbo.errors import failed, is_refused, remote_request_id
from rowcol.rails.qbo.records import Unreadable, decode
from rowcol.rails.qbo.spec import DISCOVERY

_INTUITS = re.compile(
    r"https://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*intuit\.com(?::443)?(?:/[A-Za-z0-9._~-]+)+"
)
"""One expression instead of a parser: what it lets pass no other parser takes for another host."""
_PLACE = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
URL_LENGTH_MAX = 500
TOO_MANY = 429


class DiscoveryAnswer(msgspec.Struct, frozen=True):
    """`{"authorization_endpoint": "https://..", "token_endpoint": "https://..", "revocation_endpoint": "https://..", ..}`."""

    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str


def discovery_look(app: App) -> Look:
    """The document of the app's environment; free, and it needs no key."""
    name = (
        "openid_sandbox_configuration" if app.environment == "sandbox" else "openid_configuration"
    )
    return Look(DISCOVERY, {"document": name})


def read_discovery(app: App, response: Response) -> Mapping[str, str] | Failure:
    """Whole addresses by endpoint, and of the consent screen."""
    if is_refused(response):
        is_theirs = response.status >= 500 or response.status == TOO_MANY
        outcome = Outcome.TRY_AGAIN if is_theirs else Outcome.UNREADABLE
        return _no_document(app, outcome, f"HTTP_{response.status}", response)
    try:
        answer = decode(response.body, DiscoveryAnswer)
        token = _believed(app, "token_endpoint", answer.token_endpoint)
        return {
            CONSENT: _believed(app, "authorization_endpoint", answer.authorization_endpoint),
            "token.exchange": token,
            "token.refresh": token,
            "token.revoke": _believed(app, "revocation_endpoint", answer.revocation_endpoint),
        }
    except Unreadable as error:
        return _no_document(app, Outcome.UNREADABLE, str(error), response)


def _no_document(app: App, outcome: Outcome, why: str, response: Response) -> Failure:
    failure = failed(discovery_look(app), outcome, why, response.received_at, ConnectionState())
    return replace(failure, remote_request_id=remote_request_id(response))


def _believed(app: App, name: str, url: str) -> str:
    """Intuit's own by HTTPS; of an app with a `base_url` of its own, what is below that."""
    is_known = bool(_INTUITS.fullmatch(url)) if app.hosts else _is_below(app.base_url, url)
    if not is_known or len(url) > URL_LENGTH_MAX or ".." in url:
        raise Unreadable(f"{name} is not an address of Intuit's own")
    return url


def _is_below(base_url: str, url: str) -> bool:
    """Origins are compared as browsers do: `http://LOCALHOST:80` is `http://localhost`."""
    base, place = base_url.rstrip("/"), urlsplit(base_url).path.rstrip("/")
    try:
        there = urlsplit(url)
        is_same = _origin(url) == _origin(base)
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and "\\" not in url
    rest = there.path.removeprefix(place)
    is_below = there.path.startswith(place) and bool(_PLACE.fullmatch(rest))
    return is_same and is_plain and is_below and not there.query and not there.fragment


def _origin(url: str) -> tuple[str, str, int | None, bool]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or ""), port, "@" in parts.netloc
