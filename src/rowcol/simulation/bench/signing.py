"""Signing: deliveries as each rail signs them, prepared before the clock starts."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from rowcol.core.delivery import VerificationKey
from rowcol.core.ids import AppId

KEY_ID = "bench-key"
VERIFIER_TOKEN = "bench-verifier-token"  # noqa: S105 - of a throw-away file


class Signer(Protocol):
    """Whoever signs deliveries as a rail does."""

    def request(self, path: str, remote_id: str, number: int, now: datetime) -> bytes:
        """One whole HTTP request with a signed body that no other number has."""
        ...


class Hmac:
    """QuickBooks: an HMAC over the raw body, which is an array of one CloudEvent."""

    def request(self, path: str, remote_id: str, number: int, now: datetime) -> bytes:
        """One whole HTTP request with a signed body that no other number has."""
        event = {
            "specversion": "1.0",
            "id": f"88cd52aa-33b6-4351-9aa4-{number:012x}",
            "source": "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=",
            "type": "qbo.bill.updated.v1",
            "datacontenttype": "application/json",
            "time": now.isoformat(),
            "intuitentityid": str(number),
            "intuitaccountid": remote_id,
            "data": {},
        }
        body = json.dumps([event]).encode()
        signed = b64encode(hmac.digest(VERIFIER_TOKEN.encode(), body, "sha256")).decode()
        return _posted(path, f"intuit-signature: {signed}", body)


class Es256:
    """Plaid: a fresh P-256 key and the tokens it signs, each over the hash of a body."""

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
        return _posted(path, f"plaid-verification: {token}", body)


def _posted(path: str, signature: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"{signature}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def signed_requests(
    signer: Signer, path: str, remote_ids: Sequence[str], first: int, count: int, now: datetime
) -> list[bytes]:
    """`count` requests from number `first` on, spread over the logins."""
    ids, until = remote_ids, first + count
    return [signer.request(path, ids[n % len(ids)], n, now) for n in range(first, until)]
