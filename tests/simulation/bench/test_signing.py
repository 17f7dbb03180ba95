"""Signing: what the bench sends passes each rail's own check, and no two requests are alike."""

from datetime import UTC, datetime

import pytest

from rowcol.core.delivery import Authentic
from rowcol.core.ids import AppId
from rowcol.core.wire import RawDelivery
from rowcol.rails.registry import RAILS
from rowcol.simulation.bench.signing import (
    KEY_ID,
    VERIFIER_TOKEN,
    Es256,
    Hmac,
    Signer,
    signed_requests,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ES256, IDS = Es256(), ["9130357992221046", "9130357992221047"]


@pytest.mark.parametrize(("rail", "signer"), [("plaid", ES256), ("qbo", Hmac())])
def test_the_rail_accepts_each_and_tells_them_apart(rail: str, signer: Signer) -> None:
    keys = {KEY_ID: ES256.verification_key(AppId("main"), NOW)}
    dedup_keys = set()
    for request in signed_requests(signer, "/webhooks/x/main", IDS, 7, 5, NOW):
        head, _, body = request.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        assert int(fields["content-length"]) == len(body)
        delivery = RawDelivery(fields, body, NOW)
        verdict = RAILS[rail].authenticate(delivery, keys, {"verifier_token": VERIFIER_TOKEN})
        assert isinstance(verdict, Authentic)
        assert RAILS[rail].route(body)[1][0] in IDS
        dedup_keys.add(verdict.dedup_key)
    assert len(dedup_keys) == 5
