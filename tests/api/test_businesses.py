"""Businesses: added once however often posted; logins paused; accounts given their role."""

from dataclasses import replace
from pathlib import Path

import pytest

from rowcol.core.ids import AppId
from tests.api.books_rig import books_face
from tests.api.rig import face
from tests.fake_books import LEDGER
from tests.fakes import ACCOUNT
from tests.rig import BUSINESS, CONNECTION, FIRM


async def test_a_business_is_added_once(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        body = {"name": "Harbor Dental", "external_id": "h-1"}
        first = await it.ask("POST", "/v1/businesses", "advisor", json=body)
        again = await it.ask("POST", "/v1/businesses", "advisor", json={**body, "name": "Harbor"})
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        listed = (await it.ask("GET", "/v1/businesses")).json()
        assert [b["external_id"] for b in listed["items"]] == ["b-1", "h-1"]


async def test_a_login_is_paused_and_resumed(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        for what, is_paused in (("pause", True), ("pause", True), ("resume", False)):
            answer = await it.ask("POST", f"/v1/connections/{CONNECTION}/{what}", "operator")
            assert answer.status_code == 200
            (login,) = await it.it.plane.store.list_connections(FIRM)
            assert login.is_paused is is_paused


async def test_an_account_that_is_no_cash_no_longer_counts(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        path = f"/v1/businesses/{BUSINESS}/balance"
        assert (await it.ask("GET", path)).json()["cash"]
        role = f"/v1/connections/{CONNECTION}/accounts/{ACCOUNT}/role"
        assert (await it.ask("PUT", role, json={"role": "trust"})).json()["state"] == "TRUST"
        assert (await it.ask("GET", "/v1/board")).json()["items"][0]["cash"] == []
        assert (
            await it.ask("PUT", f"{role[:-10]}/none/role", json={"role": "debt"})
        ).status_code == 404


async def test_connecting_without_a_configured_rail_blames_the_service(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        it.it.plane.apps = {}
        path = f"/v1/businesses/{BUSINESS}/connections"
        answer = await it.ask("POST", path, json={"public_token": "public-x", "rail": "tally"})
        assert (answer.status_code, answer.json()["code"]) == (500, "misconfigured")
        assert "ROWCOL" not in answer.text


@pytest.mark.parametrize("what", ["", "/link-token", "/sandbox"])
@pytest.mark.parametrize("wrong", [{"rail": "nope"}, {"rail": "tally", "app": "nope"}])
async def test_a_wrong_rail_or_app_blames_the_request(
    tmp_path: Path, what: str, wrong: dict[str, str]
) -> None:
    async with face(tmp_path) as it:
        body = wrong if what else {**wrong, "public_token": "public-x"}
        answer = await it.ask("POST", f"/v1/businesses/{BUSINESS}/connections{what}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
        assert ("tally" if "app" not in wrong else "main") in answer.json()["what_to_do"]


async def test_of_two_apps_the_request_names_one(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        (app,) = it.it.plane.apps.values()
        second = replace(app, id=AppId("tally-2"), name="second")
        it.it.plane.apps = {app.id: app, second.id: second}
        path = f"/v1/businesses/{BUSINESS}/connections/link-token"
        answer = await it.ask("POST", path, json={"rail": "tally"})
        assert answer.status_code == 422
        assert "second" in answer.json()["what_to_do"]


@pytest.mark.parametrize("what", ["", "/link-token", "/sandbox"])
async def test_a_rail_with_a_consent_screen_is_not_connected_by_a_widget(
    tmp_path: Path, what: str
) -> None:
    async with books_face(tmp_path, connected=False) as it:
        body = {"rail": LEDGER} if what else {"rail": LEDGER, "public_token": "public-x"}
        answer = await it.ask("POST", f"connections{what}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
        assert "consent" in answer.json()["what_to_do"]
