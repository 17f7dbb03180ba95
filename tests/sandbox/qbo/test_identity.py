"""Identity: an id token that its own keys verify."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt

from rowcol.sandbox.qbo.identity import KEY_ID, Signer


def test_the_keys_verify_the_token() -> None:
    signer = Signer()
    token = signer.id_token({"sub": "s", "iss": "i"}, "app", datetime.fromtimestamp(0, UTC))
    key = jwt.PyJWKSet.from_dict(signer.jwks())[KEY_ID].key
    options = {"verify_exp": False}
    claims = jwt.decode(token, key, audience="app", algorithms=["RS256"], options=options)  # type: ignore[arg-type]
    assert claims["aud"] == ["app"]
    assert claims["exp"] == timedelta(hours=1).total_seconds()
