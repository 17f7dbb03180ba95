"""Identity: the RS256 key of the issuer, made only when somebody asks for `openid`. Not from the dice: nothing depends on it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

KEY_ID: Final = "r4p5SbL2qaFehFzhj8gI"
_LIFE_S: Final = 3_600


class Signer:
    """Signs id tokens."""

    def __init__(self) -> None:
        self._made: RSAPrivateKey | None = None

    def id_token(self, claims: Mapping[str, Any], client_id: str, now: datetime) -> str:
        """`aud` is an array: the official client takes its first element."""
        at = int(now.timestamp())
        payload = {**claims, "aud": [client_id], "iat": at, "auth_time": at, "exp": at + _LIFE_S}
        return jwt.encode(payload, self._key(), algorithm="RS256", headers={"kid": KEY_ID})

    def jwks(self) -> dict[str, Any]:
        numbers = self._key().public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID}
        return {"keys": [key | {"n": _coded(numbers.n), "e": _coded(numbers.e)}]}

    def _key(self) -> RSAPrivateKey:
        if self._made is None:
            self._made = generate_private_key(65_537, 2_048)
        return self._made


def _coded(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
