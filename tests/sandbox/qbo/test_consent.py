"""Consent: a browser is asked where there is a choice, a program is answered, and each click connects the next one."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.sandbox.qbo.rig import Got, Rig, ask

PATH = (
    "/connect/oauth2?client_id=qbo-client&response_type=code&state=s&redirect_uri=http://a.test/cb"
    "&scope=com.intuit.quickbooks.accounting"
)
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def back(got: Got) -> dict[str, str]:
    assert got.status == 302, got.body
    return {
        name: values[0]
        for name, values in parse_qs(urlsplit(got.headers["Location"]).query).items()
    }


async def connect(rig: Rig, got: Got) -> str:
    """Exchange the code; the company that is connected now."""
    answer = back(got)
    form = {"grant_type": "authorization_code", "redirect_uri": "http://a.test/cb"}
    assert (await rig.token_call(code=answer["code"], **form)).status == 200
    return answer["realmId"]


async def test_a_program_gets_the_next_company(rig: Rig) -> None:
    second = rig.emulator.add_company("Second").realm_id
    third = rig.emulator.add_company("Third").realm_id
    found = [await connect(rig, await ask(rig.app, "GET", PATH)) for _ in range(3)]
    assert found == [second, third, rig.realm], "all are connected: again the first one"
    rig.emulator.revoke_consent(third)
    assert await connect(rig, await ask(rig.app, "GET", PATH)) == third


async def test_another_app_begins_at_the_first(rig: Rig) -> None:
    from rowcol.sandbox.qbo import QboClient

    rig.emulator.add_company("Second")
    rig.emulator.add_client("other", QboClient())
    got = await ask(rig.app, "GET", PATH.replace("qbo-client", "other"))
    assert back(got)["realmId"] == rig.realm


async def test_a_person_chooses(rig: Rig) -> None:
    second = rig.emulator.add_company("Fish & <Chips>").realm_id
    page = await ask(rig.app, "GET", PATH, headers=BROWSER)
    assert (page.status, page.headers["content-type"]) == (200, "text/html")
    text = page.body.decode()
    assert "Fish &amp; &lt;Chips&gt;" in text
    assert text.index(second) < text.index(rig.realm), "what waits comes first"
    assert f"{rig.realm}, connected" in text
    chosen = await ask(rig.app, "POST", PATH, f"realm={rig.realm}".encode(), BROWSER)
    assert await connect(rig, chosen) == rig.realm
    linked = await ask(rig.app, "GET", f"{PATH}&realm={second}", headers=BROWSER)
    assert await connect(rig, linked) == second


async def test_a_person_refuses(rig: Rig) -> None:
    rig.emulator.add_company("Second")
    got = await ask(rig.app, "POST", PATH, b"realm=none", BROWSER)
    assert back(got) == {"state": "s", "error": "access_denied"}


async def test_where_there_is_no_choice_nobody_is_asked(rig: Rig) -> None:
    assert back(await ask(rig.app, "GET", PATH, headers=BROWSER))["realmId"] == rig.realm


async def test_mistakes_are_told_before_anybody_is_asked(rig: Rig) -> None:
    rig.emulator.add_company("Second")
    for wrong, error in (
        ("response_type=code", "invalid_request"),
        ("&scope=com", "invalid_scope"),
    ):
        path = PATH.replace(wrong, "&x=" if wrong.startswith("&") else "x=1")
        assert back(await ask(rig.app, "GET", path, headers=BROWSER))["error"] == error
    got = await ask(rig.app, "GET", PATH.replace("qbo-client", "nobody"), headers=BROWSER)
    assert (got.status, got.json) == (400, {"error": "invalid_request"})
