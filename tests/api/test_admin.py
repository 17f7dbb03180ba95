"""Admin: replay, tokens, switches and the firm's settings; each write may be sent again."""

from pathlib import Path

import pytest

from rowcol.core.wire import RawDelivery
from rowcol.services.deeds import price_of_month
from tests.api.rig import face
from tests.rig import APP, FIRM


async def test_a_delivery_is_listed_and_replayed(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        raw = RawDelivery({"key": "k"}, b"BANK:item-1", it.it.clock.now())
        await it.it.plane.inbox.receive(APP, raw)
        await it.it.settle()
        (row,) = (await it.ask("GET", "/v1/inbox?state=DRAINED")).json()["items"]
        for _ in range(2):
            again = await it.ask("POST", f"/v1/inbox/{row['id']}/replay", "operator")
            assert again.json() == {"id": row["id"], "state": "RECEIVED"}
        assert len((await it.ask("GET", "/v1/inbox?state=RECEIVED")).json()["items"]) == 1
        assert (await it.ask("GET", "/v1/inbox?state=LOST")).status_code == 400


async def test_a_token_is_shown_once_and_its_label_is_its_key(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        body = {"role": "viewer", "label": "Dana"}
        made = await it.ask("POST", "/v1/tokens", json=body)
        assert made.status_code == 201
        assert (await it.ask("POST", "/v1/tokens", json=body)).status_code == 409
        assert (await it.ask("GET", "/v1/board", made.json()["token"])).status_code == 200
        assert made.json()["token"] not in (await it.ask("GET", "/v1/tokens")).text
        gone = await it.ask("DELETE", f"/v1/tokens/{made.json()['id']}")
        assert gone.json()["state"] == "revoked"
        assert (await it.ask("GET", "/v1/board", made.json()["token"])).status_code == 401


async def test_paid_calls_are_paused_and_resumed(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        body = {"what": "paid", "reason": "in dispute"}
        for _ in range(2):
            answer = await it.ask("POST", "/v1/pause", json=body)
            assert answer.json() == {"paused": {"pause.paid": "in dispute"}}
        answer = await it.ask("POST", "/v1/pause", json={**body, "is_paused": False})
        assert answer.json() == {"paused": {}}
        for wrong in ("everything", "rail:no"):
            answer = await it.ask("POST", "/v1/pause", json={"what": wrong})
            assert answer.status_code == 422


async def test_the_firms_settings_are_replaced_whole(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        chosen = {"policy": "ttl", "budget_micros_month": 5}
        assert (await it.ask("PUT", "/v1/firm/settings", json=chosen)).json()["settings"] == chosen
        assert (await it.it.plane.preferences.policy(FIRM)).name == "ttl"
        assert (await it.ask("PUT", "/v1/firm/settings", json={})).json()["settings"] == {}
        assert (await it.it.plane.preferences.policy(FIRM)).name == "evidence"


async def test_a_price_is_one_that_a_rail_charges(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        monthly = {"rail": "tally", "item": "login", "since": "2026-01-01", "source": "contract"}
        book = [{**monthly, "micros": 250_000}]
        answer = await it.ask("PUT", "/v1/firm/settings", json={"prices": book})
        assert answer.json()["settings"]["prices"] == [{**book[0], "per": "CONNECTION_MONTH"}]
        login = await it.it.plane.store.list_connections(FIRM)
        assert (await price_of_month(it.it.plane, login[0])).micros == 250_000
        for wrong in ({"item": "lokin"}, {"rail": "nope"}, {"per": "CALL"}):
            answer = await it.ask(
                "PUT", "/v1/firm/settings", json={"prices": [{**book[0], **wrong}]}
            )
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")


@pytest.mark.parametrize(
    "wrong", [{"policy": "guess"}, {"budget_micros_month": -1}, {"polcy": "ttl"}, {"prices": [{}]}]
)
async def test_wrong_settings_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    async with face(tmp_path) as it:
        answer = await it.ask("PUT", "/v1/firm/settings", json=wrong)
        assert answer.status_code == 422
        assert answer.json()["errors"]
