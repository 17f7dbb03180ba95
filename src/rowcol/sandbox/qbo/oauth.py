"""OAuth 2.0: discovery, consent by redirect, token, revocation, user and keys. Unmetered, and never throttled."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from rowcol.sandbox.qbo import consent, gate
from rowcol.sandbox.qbo.emulator import QboEmulator
from rowcol.sandbox.qbo.faults import AFTER_EFFECT, Fault
from rowcol.sandbox.qbo.identity import Signer
from rowcol.sandbox.qbo.tokens import ACCESS_LIFE_S, HARD_LIFE, REFRESH_LIFE_S, SCOPES, Pair
from rowcol.sandbox.qbo.values import Json, decode, encode
from rowcol.sandbox.qbo.wire import Answer, Asked

USER: Final[Json] = {
    "sub": "9c1f7a52-sandbox",
    "email": "advisor@example.com",
    "emailVerified": True,
    "givenName": "Ada",
    "familyName": "Advisor",
}
_HARD_HEADER: Final = "x-include-refresh-token-hard-expires-in"


def discovery(asked: Asked) -> Json:
    """Every address points back to the host that was asked."""
    base = asked.base_url
    return {
        "issuer": f"{base}/op/v1",
        "authorization_endpoint": f"{base}/connect/oauth2",
        "token_endpoint": f"{base}/oauth2/v1/tokens/bearer",
        "userinfo_endpoint": f"{base}/v1/openid_connect/userinfo",
        "revocation_endpoint": f"{base}/v2/oauth2/tokens/revoke",
        "jwks_uri": f"{base}/op/v1/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile", "address", "phone"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
    }


class Authority:
    """The authorisation server of an emulator."""

    def __init__(self, emulator: QboEmulator) -> None:
        self._emulator = emulator
        self._signer = Signer()
        self._endpoints: dict[str, Callable[[Asked], Awaitable[Answer]]] = {
            "/.well-known/openid_configuration": self._discover,
            "/.well-known/openid_sandbox_configuration": self._discover,
            "/connect/oauth2": self._authorize,
            "/oauth2/v1/tokens/bearer": self._token,
            "/v2/oauth2/tokens/revoke": self._revoke,
            "/v1/openid_connect/userinfo": self._userinfo,
            "/op/v1/jwks": self._jwks,
        }

    async def answer(self, asked: Asked) -> Answer | None:
        """None for a path that is not one of its own."""
        act = self._endpoints.get(asked.path.rstrip("/"))
        if act is None:
            return None
        self._emulator.n_requests += 1
        answer = await act(asked)
        answer.headers["intuit_tid"] = gate.new_tid(self._emulator)
        return answer

    async def _discover(self, asked: Asked) -> Answer:
        return Answer(200, encode(discovery(asked)))

    async def _authorize(self, asked: Asked) -> Answer:
        """Consent for the `realm` that was chosen or the next company, and redirect; or let a person choose."""
        emulator, wish = self._emulator, consent.wish_of(asked)
        client = emulator.clients.get(wish.get("client_id", ""))
        redirect_uri = wish.get("redirect_uri", "")
        if client is None or not urlsplit(redirect_uri).scheme:
            return _error("invalid_request")
        if client.redirect_uris is not None and redirect_uri not in client.redirect_uris:
            return _error("invalid_redirect_uri")
        scopes = tuple(wish.get("scope", "").split())
        back = {"state": wish["state"]} if "state" in wish else {}
        is_known = bool(scopes) and SCOPES.issuperset(scopes)
        if wish.get("response_type") != "code" or not is_known:
            back["error"] = "invalid_request" if is_known else "invalid_scope"
        elif consent.has_choice(emulator, asked):
            return Answer(200, consent.page(emulator, wish["client_id"]), "text/html")
        else:
            back |= self._consented(wish, scopes)
        joint = "&" if urlsplit(redirect_uri).query else "?"
        location = f"{redirect_uri}{joint}{urlencode(back)}"
        return Answer(302, b"", headers={"Location": location})

    def _consented(self, wish: dict[str, str], scopes: tuple[str, ...]) -> dict[str, str]:
        emulator, client_id = self._emulator, wish["client_id"]
        realm_id = wish.get("realm") or consent.next_company(emulator, client_id)
        if realm_id not in emulator.companies:
            return {"error": "access_denied"}
        code = emulator.consent(
            client_id, realm_id, scopes=scopes, redirect_uri=wish["redirect_uri"]
        )
        return {"code": code, "realmId": realm_id}

    async def _token(self, asked: Asked) -> Answer:
        emulator, now = self._emulator, self._emulator.clock.now()
        client_id = self._authenticated(asked)
        if client_id is None:
            return self._invalid_client()
        form = dict(parse_qsl(asked.body.decode(errors="replace")))
        secret = form.get("refresh_token") or form.get("code") or ""
        realm_id = emulator.tokens.realm_of(secret)
        struck = emulator.faults.take(realm_id, "token", now)
        if struck is not None and struck not in AFTER_EFFECT:
            return _failure(emulator, struck)
        grant_type = form.get("grant_type")
        if grant_type == "authorization_code":
            pair = emulator.tokens.exchange(secret, client_id, form.get("redirect_uri"), now)
        elif grant_type == "refresh_token":
            pair = emulator.tokens.renew(secret, client_id, now)
        else:
            return _error("unsupported_grant_type")
        if pair is None:
            return _error("invalid_grant")
        shape = self._shape(pair, asked, client_id)
        if struck is Fault.NO_REFRESH_TOKEN:
            del shape["refresh_token"]
        answer = Answer(200, encode(shape))
        return answer if struck is None else await gate.spoil(emulator, None, struck, answer)

    def _shape(self, pair: Pair, asked: Asked, client_id: str) -> Json:
        now = self._emulator.clock.now()
        shape: Json = {
            "token_type": "bearer",
            "access_token": pair.access_token,
            "expires_in": ACCESS_LIFE_S,
            "refresh_token": pair.refresh_token,
            "x_refresh_token_expires_in": REFRESH_LIFE_S,
        }
        if asked.headers.get(_HARD_HEADER, "").lower() == "true":
            left = pair.grant.granted_at + HARD_LIFE - now
            shape["x_refresh_token_hard_expires_in"] = int(left.total_seconds())
        if "openid" in pair.grant.scopes:
            issuer = f"{asked.base_url}/op/v1"
            claims = {"iss": issuer, "sub": USER["sub"], "realmid": pair.grant.realm_id}
            shape["id_token"] = self._signer.id_token(claims, client_id, now)
        return shape

    async def _revoke(self, asked: Asked) -> Answer:
        client_id = self._authenticated(asked)
        if client_id is None:
            return self._invalid_client()
        token = _token_of(asked)
        if not self._emulator.tokens.revoke(token, client_id, self._emulator.clock.now()):
            return Answer(400, b"")
        return Answer(200, b"")

    async def _userinfo(self, asked: Asked) -> Answer:
        _, _, token = asked.headers.get("authorization", "").partition(" ")
        access = self._emulator.tokens.access(token, self._emulator.clock.now())
        if access is None:
            return gate.unauthorized(self._emulator, "Token expired")
        return Answer(200, encode(USER | {"realmid": access.grant.realm_id}))

    async def _jwks(self, _asked: Asked) -> Answer:
        return Answer(200, encode(self._signer.jwks()))

    def _invalid_client(self) -> Answer:
        return _error("invalid_client", self._emulator.switches.invalid_client_status)

    def _authenticated(self, asked: Asked) -> str | None:
        """The app of the Basic header, if its secret is right."""
        scheme, _, coded = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            client_id, _, secret = base64.b64decode(coded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        client = self._emulator.clients.get(client_id)
        return client_id if client is not None and client.secret == secret else None


def _failure(emulator: QboEmulator, struck: Fault) -> Answer:
    """This host knows no faults of the accounting API: an outage is a page."""
    answer = gate.failure(emulator, None, struck)
    if struck in {Fault.ERROR_500, Fault.ERROR_503}:
        return Answer(answer.status, gate.PAGE, "text/html")
    return answer


def _token_of(asked: Asked) -> str:
    """JSON as documented; a form is taken, too."""
    try:
        body: Any = decode(asked.body)
    except msgspec.DecodeError:
        body = dict(parse_qsl(asked.body.decode(errors="replace")))
    return str(body.get("token", "")) if isinstance(body, dict) else ""


def _error(code: str, status: int = 400) -> Answer:
    return Answer(status, encode({"error": code}))
