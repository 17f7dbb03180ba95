"""Consent: begun with a link, pending until the person came back, then a login or a reason."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from rowcol.core.outcome import Outcome
from tests.api.books_rig import BooksFace, books_face
from tests.api.rig import face
from tests.fake_books import CALLBACK, COMPANY, LEDGER
from tests.rig import BUSINESS

BEGIN = "connections/consent"


async def begun(it: BooksFace) -> tuple[str, str]:
    """Its path, and the secret that the rail sends back."""
    answer = await it.ask("POST", BEGIN, "advisor", json={"rail": LEDGER})
    assert answer.status_code == 200, answer.text
    out = answer.json()
    asked = parse_qs(urlsplit(out["url"]).query)
    assert asked["redirect_uri"] == [CALLBACK]
    return f"{BEGIN}/{out['consent_id']}", asked["state"][0]


async def test_from_the_link_to_the_login(tmp_path: Path) -> None:
    async with books_face(tmp_path, connected=False) as it:
        path, state = await begun(it)
        assert (await it.ask("GET", path, "viewer")).json()["state"] == "pending"
        back = await it.ask("GET", f"/oauth/{LEDGER}/callback?code=c&state={state}&realmId=1", None)
        assert back.status_code == 200
        out = (await it.ask("GET", path, "viewer")).json()
        assert (out["state"], out["connection"]["remote_id"]) == ("connected", COMPANY)
        await it.it.settle()
        assert len((await it.ask("GET", "bills")).json()["value"]) == 2


async def test_what_failed_says_why(tmp_path: Path) -> None:
    async with books_face(tmp_path, connected=False) as it:
        it.it.office.fails["token"] = Outcome.BAD_REQUEST
        path, state = await begun(it)
        assert (
            await it.ask("GET", f"/oauth/{LEDGER}/callback?code=c&state={state}", None)
        ).status_code == 400
        out = (await it.ask("GET", path)).json()
        assert (out["state"], out["connection"]) == ("failed", None)
        assert "invalid_grant" in out["reason"]
        path, _ = await begun(it)
        it.it.clock.advance(timedelta(minutes=31))
        assert "30 minutes" in (await it.ask("GET", path)).json()["reason"]


async def test_an_unknown_consent_is_not_found(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        assert (await it.ask("GET", f"{BEGIN}/lnk-none")).status_code == 404


async def test_a_rail_without_a_screen_says_what_to_do(tmp_path: Path) -> None:
    async with books_face(tmp_path, connected=False) as it:
        answer = await it.ask("POST", BEGIN, json={"rail": LEDGER, "app": "nope"})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    async with face(tmp_path / "cash") as it:
        answer = await it.ask("POST", f"/v1/businesses/{BUSINESS}/{BEGIN}", json={"rail": "tally"})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
        assert "link-token" in answer.json()["what_to_do"]
