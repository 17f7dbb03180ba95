"""Deeds: ended with the operator's token once the rail confirms; refreshed at a confirmed price."""

from pathlib import Path

from rowcol.core.evidence import Health
from rowcol.core.outcome import Outcome
from tests.api.rig import face
from tests.fakes import AGAIN_MICROS
from tests.rig import BUSINESS, CONNECTION, FIRM

LOGIN = f"/v1/connections/{CONNECTION}"
REFRESH = f"/v1/businesses/{BUSINESS}/transactions/refresh"


async def test_a_login_is_ended_once_the_rail_confirms(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        it.it.bank.fails["remove"] = Outcome.TRY_AGAIN
        refused = await it.ask("DELETE", LOGIN, "operator")
        assert (refused.status_code, refused.json()["code"]) == (502, "rail_refused")
        (login,) = await it.it.plane.store.list_connections(FIRM)
        assert login.state.health is Health.OK
        del it.it.bank.fails["remove"]
        for _ in range(2):
            done = await it.ask("DELETE", LOGIN, "operator")
            assert (done.status_code, done.json()["state"]) == (200, "removed")
        (listed,) = (await it.ask("GET", f"/v1/businesses/{BUSINESS}/connections")).json()
        assert listed["health"] == "RETIRED"
        assert (await it.ask("POST", f"{LOGIN}/webhook", "operator")).status_code == 409


async def test_the_other_firm_and_lesser_roles_end_nothing(tmp_path: Path) -> None:
    async with face(tmp_path, firms=2) as it:
        it.it.bank.calls.clear()
        for token, status in ((it.other, 404), ("advisor", 403), ("viewer", 403), (None, 401)):
            assert (await it.ask("DELETE", LOGIN, token)).status_code == status
            assert (await it.ask("POST", f"{LOGIN}/webhook", token)).status_code == status
            assert (await it.ask("POST", f"{LOGIN}/reset", token)).status_code == status
        body = {"force": True, "price_confirmed_micros": AGAIN_MICROS}
        assert (await it.ask("POST", REFRESH, it.other, json=body)).status_code == 404
        assert it.it.bank.calls == []


async def test_a_webhook_is_pointed(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        done = await it.ask("POST", f"{LOGIN}/webhook", "operator")
        assert done.json() == {"id": CONNECTION, "state": "pointed"}
        assert it.it.bank.calls[-1] == "point"


async def test_a_refresh_is_paid_for_once_its_price_is_confirmed(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        it.it.bank.calls.clear()
        named = await it.ask("POST", REFRESH, "advisor", json={})
        assert (named.json()["price_micros"], named.json()["asked"]) == (AGAIN_MICROS, [])
        body = {"force": True, "price_confirmed_micros": 1}
        wrong = await it.ask("POST", REFRESH, "advisor", json=body)
        assert (wrong.status_code, wrong.json()["price_micros"]) == (409, AGAIN_MICROS)
        assert it.it.bank.calls == []
        body = {"force": True, "price_confirmed_micros": AGAIN_MICROS}
        done = await it.ask("POST", REFRESH, "advisor", json=body)
        assert done.json()["asked"] == [CONNECTION]
        assert it.it.bank.calls == ["again"]


async def test_a_reset_is_said_until_it_is_done(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        for _ in range(2):
            done = await it.ask("POST", f"{LOGIN}/reset", "operator")
            assert (done.status_code, done.json()["state"]) == (200, "restarting")
        (listed,) = (await it.ask("GET", f"/v1/businesses/{BUSINESS}/connections")).json()
        assert listed["health"] == "DEGRADED"
        assert "read anew from the start: a person asked" in listed["health_reason"]
        assert (await it.ask("DELETE", LOGIN, "operator")).status_code == 200
        assert (await it.ask("POST", f"{LOGIN}/reset", "operator")).status_code == 409
