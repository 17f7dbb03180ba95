"""Tokens: one app's tokens are no use to another; hard life ends everything."""

from __future__ import annotations

from datetime import timedelta

from rowcol.sandbox.qbo.tokens import Pair
from tests.sandbox.qbo.rig import Rig


def test_tokens_belong_to_their_app(rig: Rig) -> None:
    tokens, now = rig.emulator.tokens, rig.clock.now()
    assert tokens.renew(rig.refresh, "other", now) is None
    code = rig.emulator.consent("qbo-client", rig.realm)
    assert tokens.exchange(code, "other", None, now) is None
    assert tokens.realm_of(rig.refresh) == rig.realm
    assert tokens.realm_of("nonsense") is None
    assert not tokens.revoke("nonsense", "qbo-client", now)


def test_five_years_are_the_end_even_in_use(rig: Rig) -> None:
    tokens, refresh, now = rig.emulator.tokens, rig.refresh, rig.clock.now()
    for _ in range(20):
        now += timedelta(days=90)
        pair = tokens.renew(refresh, "qbo-client", now)
        assert pair is not None
        refresh = pair.refresh_token
    assert tokens.renew(refresh, "qbo-client", now + timedelta(days=60)) is None


def test_disconnecting_one_app_leaves_the_others(rig: Rig) -> None:
    tokens, now = rig.emulator.tokens, rig.clock.now()
    tokens.disconnect(rig.realm, now, "other")
    assert tokens.is_connected("qbo-client", rig.realm)
    tokens.disconnect(rig.realm, now)
    assert not tokens.is_connected("qbo-client", rig.realm)


def test_dead_tokens_are_forgotten_in_the_end(rig: Rig) -> None:
    tokens, first, refresh = rig.emulator.tokens, rig.token, rig.refresh
    pair: Pair | None = None
    for _ in range(2_500):
        rig.wait(hours=25)
        rig.emulator.consent("qbo-client", rig.realm)
        pair = tokens.renew(refresh, "qbo-client", rig.clock.now())
        if pair is None:
            break
        refresh = pair.refresh_token
    assert pair is None, "five years have passed"
    assert len(tokens) < 1_100
    assert not tokens.revoke(first, "qbo-client", rig.clock.now())


def test_an_expired_access_token_may_be_revoked_for_a_day(rig: Rig) -> None:
    tokens, now = rig.emulator.tokens, rig.clock.now() + timedelta(hours=2)
    assert tokens.renew(rig.refresh, "qbo-client", now) is not None
    assert tokens.access(rig.token, now) is None
    assert tokens.revoke(rig.token, "qbo-client", now)
