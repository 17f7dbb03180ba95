"""Tokens: one app's tokens are no use to another; hard life ends everything."""

from __future__ import annotations

from datetime import timedelta

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
