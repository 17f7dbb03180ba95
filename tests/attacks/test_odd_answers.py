"""Answers that public bug reports tell of: pages without end, words that come as null, a code that an outage makes up.

Had: 780 calls an hour while cached balances waited behind them, cash silently smaller by an account, a company parked
for ever after one 500. Has: 28 calls, the same cash, and the next question brings the new bill.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Self

from rowcol.core.cash import cash_of
from rowcol.core.evidence import Health
from rowcol.core.need import Purpose
from rowcol.core.wire import NoAnswer, Request, Response
from rowcol.ports import Transport
from rowcol.services.plane import OpenPlane
from rowcol.simulation.wiring import FIRM
from tests.attacks.test_bank_spoilt import town
from tests.attacks.test_books_spoilt import harbor


@dataclass
class Teller:
    """A transport that tells one endpoint's answers otherwise while `tell` is set."""

    inner: Transport
    path: str
    tell: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    status: int = 200
    calls: int = 0

    @classmethod
    def over(cls, plane: OpenPlane, path: str) -> Self:
        teller = cls(plane.gateway._transport, path)
        plane.gateway._transport = teller
        return teller

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        answer = await self.inner.send(base_url, request)
        if self.tell is None or self.path not in request.path:
            return answer
        assert isinstance(answer, Response)
        self.calls += 1
        body = json.dumps(self.tell(json.loads(answer.body))).encode()
        return replace(answer, status=self.status, body=body)


async def test_empty_pages_without_end_are_asked_for_seldom_and_hide_no_balance() -> None:
    async with town() as at:
        await at.connect()
        await at.pass_hours()
        teller = Teller.over(at.rig.plane, "/transactions/sync")
        nothing: dict[str, Any] = {k: [] for k in ("added", "modified", "removed", "accounts")}
        endless = {**nothing, "has_more": True}
        teller.tell = lambda answer: {**answer, **endless, "next_cursor": f"c{teller.calls}"}
        at.rig.world.post("cash", at.rig.clock.now(), -12_345, "Rent")
        assert at.login is not None
        at.rig.emulator.pull(at.rig.item_of(at.login), at.rig.clock.now())
        await at.pass_hours(1)
        assert teller.calls <= 28
        view = await at.view()
        assert view.connection.state.balances_as_of == view.connection.state.seen_until
        assert view.connection.health is Health.DEGRADED
        teller.tell = None
        await at.pass_hours()
        await at.look()
        await at.check_whole()
        assert (await at.view()).connection.health is Health.OK


async def test_a_subtype_that_is_null_for_a_while_makes_no_cash_smaller() -> None:
    async with town() as at:
        await at.connect()
        await at.pass_hours()
        before = cash_of([await at.view()])
        teller = Teller.over(at.rig.plane, "/accounts/get")

        def tell(answer: dict[str, Any]) -> dict[str, Any]:
            for account in answer["accounts"]:
                account.update(subtype=None, mask=None)
            return answer

        teller.tell = tell
        at.rig.world.post("cash", at.rig.clock.now(), -12_345, "Rent")
        await at.look()
        assert teller.calls
        after = cash_of([await at.view()])
        assert [p.mask for p in after.parts] == [p.mask for p in before.parts]
        assert [t.amount_minor + 12_345 for t in after.totals] == [
            t.amount_minor for t in before.totals
        ]
        assert not after.is_incomplete


async def test_a_500_with_3100_in_an_outage_parks_no_company() -> None:
    async with harbor() as (rig, company, _spoiler, business):
        login = await rig.connect_books(business, company)
        await rig.advance_to(rig.clock.now() + timedelta(hours=3))
        teller = Teller.over(rig.plane, "/cdc")
        fault = {"error": [{"message": "errorCode=003100", "code": "3100"}], "type": "SERVICE"}
        teller.tell, teller.status = lambda _: {"fault": fault}, 500
        await rig.ask_books(business, Purpose.FORCED, is_confirmed=True)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=10))
        assert teller.calls
        teller.tell = None
        asked = await rig.ask_books(business, Purpose.FORCED, is_confirmed=True)
        await rig.advance_to(rig.clock.now() + timedelta(hours=2))
        assert asked.answer is not None
        view = await rig.plane.store.read_view(FIRM, login.id)
        assert view is not None
        assert view.connection.state.health is Health.OK
        assert asked.answer.label is None
