"""Kit: exchange files as values, answers as the transport gives them, and deliveries signed with a key of our own."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import VerificationKey
from rowcol.core.ids import AppId
from rowcol.core.rail import Look
from rowcol.core.wire import RawDelivery, Response

TESTS = Path(__file__).parents[2]
EXCHANGES = sorted((TESTS / "exchanges" / "plaid").glob("*.json"))
DELIVERIES = sorted((TESTS / "deliveries" / "plaid").glob("*.json"))
NOW = datetime(2026, 11, 25, 12, 0, 10, tzinfo=UTC)
"""After every time in the exchange files."""
APP = AppId("app-1")
ALIKE = {"cursor": "Y3Vyc29yMQ==", "next_cursor": "Y3Vyc29yMg=="}
"""Placeholders whose value has a form; every other one is its own name."""


@dataclass(frozen=True)
class Exchange:
    """One file with its placeholders filled."""

    name: str
    path: str
    headers: dict[str, str]
    asked: dict[str, Any]
    status: int
    answer: dict[str, Any]
    fault: str | None

    @property
    def endpoint(self) -> str:
        return self.path.strip("/").replace("/", ".")

    @property
    def response(self) -> Response:
        return response(self.answer, self.status)

    @property
    def look(self) -> Look:
        """The look whose request this is, from the request's own body."""
        arguments = flat(self.asked)
        stream = "transactions" if self.endpoint == "transactions.sync" else ""
        return Look(self.endpoint, arguments, stream)


def flat(body: dict[str, Any]) -> dict[str, str | int | bool | None]:
    """A request's body as the arguments of its look: nested objects opened, lists joined."""
    arguments: dict[str, str | int | bool | None] = {}
    for key, value in body.items():
        if isinstance(value, dict):
            arguments |= flat(value)
        elif isinstance(value, list):
            arguments["products" if key == "initial_products" else key] = ",".join(map(str, value))
        elif key != "access_token":
            arguments[key] = value
    return arguments


@cache
def exchange(name: str) -> Exchange:
    """One exchange by its file's stem."""
    text = (TESTS / "exchanges" / "plaid" / f"{name}.json").read_text(encoding="utf-8")
    for placeholder, value in ALIKE.items():
        text = text.replace("{" + placeholder + "}", value)
    loaded = json.loads(text, object_hook=_filled)
    request, answer = loaded["request"], loaded["response"]
    return Exchange(
        name,
        request["path"],
        request["headers"],
        request["body"],
        answer["status"],
        answer["body"],
        loaded["emulator_setup"]["fault"],
    )


def _filled(found: dict[str, Any]) -> dict[str, Any]:
    return {key: _named(value) for key, value in found.items()}


def _named(value: Any) -> Any:
    if isinstance(value, list):
        return [_named(element) for element in value]
    return value.replace("{", "").replace("}", "") if isinstance(value, str) else value


def response(
    body: object, status: int = 200, *, sent_at: datetime = NOW, took: timedelta = timedelta(0)
) -> Response:
    """An answer; `body` may be bytes as they are, or anything that JSON can say."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {}, raw, sent_at, sent_at + took)


def state(**changes: Any) -> ConnectionState:
    """A healthy, known login with Transactions."""
    facts = {
        "institution_id": "ins_109508",
        "has_transactions": True,
        "account_ids": "account_id,account_id_savings,account_id_credit",
        "consented": "transactions",
        **changes.pop("facts", {}),
    }
    looked_at = changes.pop("looked_at", NOW - timedelta(minutes=1))
    return ConnectionState(looked_at=looked_at, facts=facts, **changes)


SECRET = ec.derive_private_key(0x5EED, ec.SECP256R1())
KEY_ID = "key-1"


def b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def jwk_of(secret: ec.EllipticCurvePrivateKey, key_id: str = KEY_ID) -> dict[str, Any]:
    numbers = secret.public_key().public_numbers()
    return {
        "alg": "ES256",
        "crv": "P-256",
        "kid": key_id,
        "kty": "EC",
        "use": "sig",
        "x": b64(numbers.x.to_bytes(32)).decode(),
        "y": b64(numbers.y.to_bytes(32)).decode(),
        "created_at": 1767225600,
        "expired_at": None,
    }


def key(
    secret: ec.EllipticCurvePrivateKey = SECRET, expired_at: datetime | None = None
) -> dict[str, VerificationKey]:
    jwk = json.dumps(jwk_of(secret))
    return {KEY_ID: VerificationKey(APP, KEY_ID, jwk, expired_at, NOW)}


def token(
    head: object,
    claims: object,
    secret: ec.EllipticCurvePrivateKey = SECRET,
) -> str:
    """A JWT of whatever is given, really signed."""
    signed = b64(json.dumps(head).encode()) + b"." + b64(json.dumps(claims).encode())
    r, s = decode_dss_signature(secret.sign(signed, ec.ECDSA(SHA256())))
    return (signed + b"." + b64(r.to_bytes(32) + s.to_bytes(32))).decode()


def claims(body: bytes, signed_at: datetime = NOW) -> dict[str, Any]:
    return {
        "iat": int(signed_at.timestamp()),
        "request_body_sha256": hashlib.sha256(body).hexdigest(),
    }


HEAD = {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"}


def delivery(
    body: bytes, header: str | None = None, received_at: datetime = NOW, name: str | None = None
) -> RawDelivery:
    """A delivery; signed by our key at its receipt unless a header is given."""
    value = token(HEAD, claims(body, received_at)) if header is None else header
    return RawDelivery({name or "plaid-verification": value}, body, received_at)
