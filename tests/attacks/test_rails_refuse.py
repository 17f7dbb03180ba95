"""What rails refuse, by the emulators' control and our HTTP API: q1a and p2 of the reports.

Had: a page of bills that was a fault inside a success was 0 bills, served, for ever; a stored cursor that Plaid refuses was
sent 73 times in 3 days while health said OK. Has: held until a page comes; three tries, said meanwhile, and read anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2

from rowcol.api.app import create_app
from rowcol.sandbox.qbo import qbo_app
from rowcol.services.tokens import issue
from rowcol.simulation.rig import Rig
from rowcol.simulation.sockets import bound, serving, url_of
from rowcol.simulation.wiring import FIRM
from tests.attacks.test_bank_spoilt import town
from tests.attacks.test_books_spoilt import harbor


@asynccontextmanager
async def asking(rig: Rig) -> AsyncIterator[httpx2.AsyncClient]:
    """Our API on loopback, asked with a token."""
    plane, listener = rig.plane, bound()
    token, _ = await issue(plane.store, plane.rng, FIRM, ("admin", "test"), rig.clock.now())
    headers = {"authorization": f"Bearer {token}"}
    async with (
        serving(create_app(plane), listener),
        httpx2.AsyncClient(base_url=url_of(listener), headers=headers, trust_env=False) as client,
    ):
        yield client


async def turn(app: Any, **fault: Any) -> None:
    """A fault of an emulator, by its control."""
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://emulator") as client:
        (await client.post("/_control/faults", json=fault)).raise_for_status()


async def test_q1a_bills_wait_for_a_page_that_is_no_fault() -> None:
    async with harbor() as (rig, company, _, business), asking(rig) as client:
        until = (rig.clock.now() + timedelta(hours=1)).isoformat()
        fault = {"fault": "code_10000_as_200", "operation": "query", "until": until}
        await turn(qbo_app(rig.books), **fault)
        await rig.connect_books(business, company)

        async def bills() -> dict[str, Any]:
            answer = await rig._meanwhile(client.get(f"/v1/businesses/{business}/bills"))
            assert answer.status_code == 200, answer.text
            out: dict[str, Any] = answer.json()
            return out

        held = await bills()
        assert rig.books.faults.n_struck > 0
        assert (held["action"], held["as_of"], held["value"]) == ("HOLD", None, [])
        await rig.advance_to(rig.clock.now() + timedelta(hours=3))
        served = await bills()
        owed = {row["Id"] for row in company.books.rows("Bill") if row["Balance"]}
        assert (served["action"], served["label"]) == ("SERVE", None)
        assert {bill["id"] for bill in served["value"]} == owed != set()


async def test_p2_a_cursor_that_is_refused_is_dropped_and_said() -> None:
    """Three tries, a reading from the start, three tries of its cursor; then once a week, until it works again."""
    async with town() as at, asking(at.rig) as client:
        login = await at.connect()
        await at.pass_hours()
        item = at.rig.item_of(login)
        item.log.remove(item.log.live()[0])
        at.rig.world.post("cash", at.rig.clock.now(), -12_345, "Rent")
        await turn(at.rig.rail_app, knob="refuse_cursors", item_id=login.remote_id)
        told = set[tuple[str, bool]]()
        for _ in range(36):
            await at.pass_hours(2)
            (row,) = (await client.get(f"/v1/businesses/{at.business}/connections")).json()
            told.add((row["health"], "INVALID_FIELD" in row["health_reason"]))
        assert told == {("OK", False), ("DEGRADED", True)}
        calls = await at.rig.plane.store.list_calls(FIRM, limit=1000)
        refused = [c for c in calls if c.endpoint == "transactions.sync" and c.status == 400]
        assert len(refused) == 6
        await at.check_whole()
        await turn(at.rig.rail_app, knob="refuse_cursors", item_id=login.remote_id, on=False)
        at.rig.world.post("cash", at.rig.clock.now(), -700, "Paper")
        await at.pass_hours(8 * 24)
        await at.check_whole()
