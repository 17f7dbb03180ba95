"""OAuth: consent by redirect, codes, rotation, expiry, and the endpoints around them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from rowcol.sandbox.qbo import Switches
from tests.sandbox.qbo.rig import BASIC, Rig, ask


async def test_discovery_points_back(rig: Rig) -> None:
    for name in ("openid_configuration", "openid_sandbox_configuration/"):
        got = await ask(rig.app, "GET", f"/.well-known/{name}", headers={"Host": "x.test:8000"})
        assert got.json["token_endpoint"] == "http://x.test:8000/oauth2/v1/tokens/bearer"


async def test_consent_and_a_code_that_works_once(rig: Rig) -> None:
    path = (
        "/connect/oauth2?client_id=qbo-client&response_type=code&state=s&redirect_uri=http://a.test/cb"
        f"&scope=com.intuit.quickbooks.accounting&realm={rig.realm}"
    )
    back = parse_qs(urlsplit((await ask(rig.app, "GET", path)).headers["Location"]).query)
    assert back["realmId"] == [rig.realm]
    form = {"grant_type": "authorization_code", "code": back["code"][0]}
    got = await rig.token_call(**form, redirect_uri="http://a.test/cb")
    assert got.json["expires_in"] == 3600
    assert got.json["x_refresh_token_expires_in"] == 8_726_400
    again = await rig.token_call(**form, redirect_uri="http://a.test/cb")
    assert (again.status, again.json) == (400, {"error": "invalid_grant"})


async def test_an_old_code(rig: Rig) -> None:
    code = rig.emulator.consent("qbo-client", rig.realm)
    rig.wait(minutes=11)
    got = await rig.token_call(grant_type="authorization_code", code=code)
    assert got.json == {"error": "invalid_grant"}


async def test_rotation_after_a_day(rig: Rig) -> None:
    rig.wait(hours=23)
    assert (await rig.renew()).json["refresh_token"] == rig.refresh
    rig.wait(hours=2)
    fresh = (await rig.renew()).json["refresh_token"]
    assert fresh != rig.refresh
    assert (await rig.renew()).json == {"error": "invalid_grant"}
    assert (await rig.renew(fresh)).status == 200
    outcomes = [one.outcome for one in rig.emulator.tokens.renewals]
    assert outcomes == ["ok", "ok", "invalid_grant", "ok"]


async def test_grace_after_rotation() -> None:
    rig = Rig(Switches(rotation_grace_s=86_400))
    rig.wait(hours=25)
    fresh = (await rig.renew()).json["refresh_token"]
    assert (await rig.renew()).json["refresh_token"] == fresh
    rig.wait(hours=24)
    assert (await rig.renew()).status == 400


async def test_idle_disconnected_and_bad_secrets(rig: Rig) -> None:
    rig.emulator.revoke_consent(rig.realm)
    assert (await rig.renew()).json == {"error": "invalid_grant"}
    assert (await rig.call("GET", "preferences")).status == 401
    rig.connect()
    rig.wait(days=101)
    assert (await rig.renew()).json == {"error": "invalid_grant"}
    got = await ask(
        rig.app, "POST", "/oauth2/v1/tokens/bearer", b"", {"Authorization": "Basic eA=="}
    )
    assert (got.status, got.json) == (401, {"error": "invalid_client"})


async def test_the_status_of_a_wrong_secret_is_a_switch() -> None:
    rig = Rig(Switches(invalid_client_status=400))
    for path in ("/oauth2/v1/tokens/bearer", "/v2/oauth2/tokens/revoke"):
        got = await ask(rig.app, "POST", path, b"", {"Authorization": "Basic eA=="})
        assert (got.status, got.json) == (400, {"error": "invalid_client"})


async def test_the_hard_expiry_on_request(rig: Rig) -> None:
    headers = {"Authorization": BASIC, "x-include-refresh-token-hard-expires-in": "true"}
    body = f"grant_type=refresh_token&refresh_token={rig.refresh}".encode()
    got = await ask(rig.app, "POST", "/oauth2/v1/tokens/bearer", body, headers)
    assert got.json["x_refresh_token_hard_expires_in"] == 5 * 365 * 86_400


async def test_an_answer_without_refresh_token(rig: Rig) -> None:
    rig.emulator.faults.next("no_refresh_token", operation="token")
    assert "refresh_token" not in (await rig.renew()).json


async def test_revocation(rig: Rig) -> None:
    body = f'{{"token": "{rig.token}"}}'.encode()
    got = await ask(rig.app, "POST", "/v2/oauth2/tokens/revoke", body, {"Authorization": BASIC})
    assert got.status == 200
    assert (await rig.renew()).status == 400
