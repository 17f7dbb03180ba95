"""Signing: what the bench sends passes the rail's own check, and no two requests are alike."""

from datetime import UTC, datetime

from rowcol.core.delivery import Authentic
from rowcol.core.ids import AppId
from rowcol.core.wire import RawDelivery
from rowcol.rails.registry import RAILS
from rowcol.simulation.bench.signing import KEY_ID, Signer

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_the_rail_accepts_each_and_tells_them_apart() -> None:
    signer = Signer()
    key = signer.verification_key(AppId("main"), NOW)
    dedup_keys = set()
    for request in signer.requests("/webhooks/x/main", ["item-1", "item-2"], 5, NOW):
        head, _, body = request.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        assert int(fields["content-length"]) == len(body)
        verdict = RAILS["plaid"].authenticate(RawDelivery(fields, body, NOW), {KEY_ID: key}, {})
        assert isinstance(verdict, Authentic)
        dedup_keys.add(verdict.dedup_key)
    assert len(dedup_keys) == 5
