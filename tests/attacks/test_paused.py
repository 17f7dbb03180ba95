"""An order to what is paused: had 200 with a label, or 502 as if the rail had refused; has 409 and the command that ends the pause."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.rig import face
from tests.rig import BUSINESS, CONNECTION, FIRM


@pytest.mark.parametrize("what", ["paid", "rail tally", f"connection {CONNECTION}"])
async def test_an_order_to_what_is_paused_is_409(tmp_path: Path, what: str) -> None:
    async with face(tmp_path) as it:
        kind, _, which = what.partition(" ")
        if kind == "connection":
            await it.it.plane.store.set_paused(FIRM, CONNECTION, is_paused=True)
        else:
            name = "pause.paid" if kind == "paid" else f"pause.rail.{which}"
            await it.it.plane.store.set_switch(name, "in dispute")
        path = f"/v1/businesses/{BUSINESS}"
        asked = await it.ask("POST", f"{path}/balance/refresh", json={"force": True})
        price = asked.json()["price_micros"]
        body = {"force": True, "price_confirmed_micros": price}
        before = len(it.it.bank.calls)
        answer = await it.ask("POST", f"{path}/balance/refresh", json=body)
        said = answer.json()
        assert (answer.status_code, said["code"]) == (409, "paused")
        assert f"rowcol resume {what}" in said["what_to_do"]
        assert len(it.it.bank.calls) == before
        display = await it.ask("GET", f"{path}/balance")
        assert (display.status_code, display.json()["action"]) == (200, "SERVE")
        if kind != "paid":
            ended = await it.ask("DELETE", f"/v1/connections/{CONNECTION}")
            assert (ended.status_code, ended.json()["code"]) == (409, "paused")
