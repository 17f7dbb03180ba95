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
from rowcol.rails.qbo.errors import failed, refused, remote_request_id
from rowcol.rails.qbo.records import Unreadable, decode
from rowcol.rails.qbo.spec import DISCOVERY

DOMAIN = "intuit.com"
URL_LENGTH_MAX = 500
_PLAIN = re.compile(r"[A-Za-z0-9:/._~%\[\]-]+")
"""Neither a query nor what a reader of addresses could take for another host."""


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
    look, state = discovery_look(app), ConnectionState()
    if not 200 <= response.status < 300:
        return refused(look, response, state)
    try:
        answer = decode(response.body, DiscoveryAnswer)
        urls = {
            CONSENT: _believed(app, answer.authorization_endpoint),
            "token.exchange": _believed(app, answer.token_endpoint),
            "token.refresh": _believed(app, answer.token_endpoint),
            "token.revoke": _believed(app, answer.revocation_endpoint),
        }
    except Unreadable as error:
        failure = failed(look, Outcome.UNREADABLE, str(error), response.received_at, state)
        return replace(failure, remote_request_id=remote_request_id(response))
    return urls


def _believed(app: App, url: str) -> str:
    """Intuit's own by HTTPS; of an app with a `base_url` of its own, what is below that."""
    below = app.base_url.rstrip("/") + "/"
    is_known = _is_intuits(url) if app.hosts else url.startswith(below)
    if not is_known or len(url) > URL_LENGTH_MAX or not _PLAIN.fullmatch(url):
        raise Unreadable("an address that is not Intuit's own")
    return url


def _is_intuits(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_plain = parts.scheme == "https" and "@" not in parts.netloc and port in (None, 443)
    return is_plain and (host == DOMAIN or host.endswith(f".{DOMAIN}"))
