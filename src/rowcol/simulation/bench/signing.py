"""Signing: deliveries as the rail signs them, prepared before the clock starts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from rowcol.core.delivery import VerificationKey
from rowcol.core.ids import AppId

KEY_ID = "bench-key"


class Signer:
    """A fresh P-256 key and the deliveries it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def verification_key(self, app: AppId, now: datetime) -> VerificationKey:
        """The public half, as the rail would give it."""
        jwk = {
            **ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True),
            "kid": KEY_ID,
            "use": "sig",
            "alg": "ES256",
        }
        return VerificationKey(app, KEY_ID, json.dumps(jwk), None, now)

    def request(self, path: str, remote_id: str, number: int, now: datetime) -> bytes:
        """One whole HTTP request with a signed body that no other number has."""
        body = json.dumps(
            {
                "environment": "production",
                "historical_update_complete": True,
                "initial_update_complete": True,
                "item_id": remote_id,
                "user_id": f"usr_{number:012d}",
                "webhook_code": "SYNC_UPDATES_AVAILABLE",
                "webhook_type": "TRANSACTIONS",
            },
            indent=2,
        ).encode()
        claims = {
            "iat": int(now.timestamp()),
            "request_body_sha256": hashlib.sha256(body).hexdigest(),
        }
        token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": KEY_ID})
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"plaid-verification: {token}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def requests(
        self, path: str, remote_ids: Sequence[str], count: int, now: datetime
    ) -> list[bytes]:
        """`count` requests, spread over the logins."""
        return [self.request(path, remote_ids[n % len(remote_ids)], n, now) for n in range(count)]
