"""Webhook signatures: ES256 keys, their rotation, and the JWT in `Plaid-Verification`.

The body is JSON with two spaces of indentation and exactly those bytes are hashed (docs "Webhook verification").
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from rowcol.sandbox.dice import Dice

HEADER_NAME: Final = "Plaid-Verification"
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_COORDINATE_BYTES: Final = 32


@dataclass(slots=True)
class SigningKey:
    """A key pair under its `kid`."""

    kid: str
    private_key: ec.EllipticCurvePrivateKey
    created_at: datetime
    expired_at: datetime | None = None

    def jwk(self) -> dict[str, Any]:
        """The public half, as `/webhook_verification_key/get` gives it."""
        point = self.private_key.public_key().public_numbers()
        return {
            "alg": "ES256",
            "created_at": int(self.created_at.timestamp()),
            "crv": "P-256",
            "expired_at": None if self.expired_at is None else int(self.expired_at.timestamp()),
            "kid": self.kid,
            "kty": "EC",
            "use": "sig",
            "x": _coordinate(point.x),
            "y": _coordinate(point.y),
        }


class KeyRing:
    """One signing key at a time; earlier ones stay readable with `expired_at`."""

    def __init__(self, dice: Dice, now: datetime) -> None:
        self._dice = dice
        self._keys: dict[str, SigningKey] = {}
        self._current = self._make(now)

    def key(self, kid: str) -> SigningKey | None:
        """None when this ring never had such a key."""
        return self._keys.get(kid)

    @property
    def current_kid(self) -> str:
        """The kid that signs now."""
        return self._current.kid

    def rotate(self, now: datetime) -> str:
        """Expire the current key and sign with a new one, whose kid is returned."""
        self._current.expired_at = now
        self._current = self._make(now)
        return self._current.kid

    def sign(self, body: bytes, now: datetime) -> str:
        """The JWT for these bytes, issued at `now`."""
        claims = {"iat": int(now.timestamp()), "request_body_sha256": sha256(body).hexdigest()}
        headers = {"kid": self._current.kid, "typ": "JWT"}
        return jwt.encode(claims, self._current.private_key, algorithm="ES256", headers=headers)

    def _make(self, now: datetime) -> SigningKey:
        n = len(self._keys)
        secret = self._dice.number("signing key", n, n_bytes=40) % (_P256_ORDER - 1) + 1
        private_key = ec.derive_private_key(secret, ec.SECP256R1())
        key = SigningKey(self._dice.guid("kid", n), private_key, now)
        self._keys[key.kid] = key
        return key


def webhook_bytes(body: dict[str, Any]) -> bytes:
    """The bytes that are sent and hashed."""
    return json.dumps(body, indent=2).encode()


def _coordinate(value: int) -> str:
    return urlsafe_b64encode(value.to_bytes(_COORDINATE_BYTES, "big")).rstrip(b"=").decode()
