"""Webhook signatures, checked by PyJWT as a receiver would."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import jwt
import pytest

from rowcol.sandbox.dice import Dice
from rowcol.sandbox.plaid.signing import KeyRing, webhook_bytes
from tests.sandbox.rig import Rig, SeedBits


def test_a_receiver_can_verify(rig: Rig) -> None:
    ring = KeyRing(Dice(SeedBits(1)), rig.now)
    body = webhook_bytes({"a": [1]})
    assert body == b'{\n  "a": [\n    1\n  ]\n}'
    token = ring.sign(body, rig.now)
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "ES256", "kid": ring.current_kid, "typ": "JWT"}
    key = ring.key(header["kid"])
    assert key is not None
    claims = jwt.decode(
        token, jwt.PyJWK(key.jwk()).key, algorithms=["ES256"], options={"verify_iat": False}
    )
    assert claims == {
        "iat": int(rig.now.timestamp()),
        "request_body_sha256": sha256(body).hexdigest(),
    }


def test_rotation(rig: Rig) -> None:
    ring = KeyRing(Dice(SeedBits(1)), rig.now)
    old = ring.current_kid
    new = ring.rotate(rig.now + timedelta(hours=1))
    assert ring.current_kid == new != old
    expired, current = ring.key(old), ring.key(new)
    assert expired is not None
    assert current is not None
    assert expired.jwk()["expired_at"] == int((rig.now + timedelta(hours=1)).timestamp())
    assert current.jwk()["expired_at"] is None
    token = ring.sign(b"{}", rig.now)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, jwt.PyJWK(expired.jwk()).key, algorithms=["ES256"])
    assert ring.key("never") is None
