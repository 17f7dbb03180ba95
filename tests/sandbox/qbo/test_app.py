"""The HTTP face: all hosts in one app, and 404 for the rest."""

from __future__ import annotations

from tests.sandbox.qbo.rig import Rig, ask


async def test_what_nobody_knows(rig: Rig) -> None:
    assert (await ask(rig.app, "GET", "/nonsense")).status == 404
    assert (await ask(rig.app, "GET", "/_control/nonsense")).status == 404


async def test_hosts_share_the_app(rig: Rig) -> None:
    assert (await ask(rig.app, "GET", "/op/v1/jwks")).json["keys"][0]["kty"] == "RSA"
    assert (await ask(rig.app, "GET", "/v1/openid_connect/userinfo")).status == 401
    headers = {"Authorization": f"Bearer {rig.token}"}
    got = await ask(rig.app, "GET", "/v1/openid_connect/userinfo", headers=headers)
    assert got.json["realmid"] == rig.realm
