"""Coins: a balance in a code that is not in ISO 4217 keeps its digits, is in no sum, and is named, through every face."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from rowcol.adapters.chance import SeededRng
from rowcol.api.app import create_app
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.change import Action
from rowcol.core.connection import Connection
from rowcol.core.ids import AppId, ConnectionId, RemoteId
from rowcol.core.money import Money
from rowcol.core.records import Business, Firm
from rowcol.core.wire import NoAnswer, Request, Response
from rowcol.rails.plaid.rail import Plaid
from rowcol.services.cache import CacheService
from rowcol.services.plane import OpenPlane
from rowcol.services.tokens import issue
from tests.fakes import FakeClock
from tests.rails.plaid import kit
from tests.rig import BUSINESS, FIRM, settings

APP = App(
    AppId("main"), "plaid", "sandbox", "http://bank.example", {"client_id": "c", "secret": "s"}
)
WHY = "0.00512345 BTC: no currency of ISO 4217"


@dataclass
class Bank:
    """A bank with a dollar account and one of coins; a transport."""

    clock: FakeClock

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        now = self.clock.now()
        if request.path == "/item/get":
            body = json.dumps(kit.exchange("item.get.ok").answer)
        elif request.path == "/accounts/get":
            body = json.dumps(self._accounts()).replace('"@"', "0.00512345")
        else:
            return Response(400, {}, b"{}", now, now)
        return Response(200, {}, body.encode(), now, now)

    def _accounts(self) -> dict[str, Any]:
        answer = kit.exchange("accounts.get.ok").answer
        first = {**answer["accounts"][0], "type": "depository", "subtype": "checking"}
        coins = {
            "current": "@",
            "available": "@",
            "limit": None,
            "iso_currency_code": None,
            "unofficial_currency_code": "BTC",
        }
        dollars = {**coins, "current": 10, "available": 10, "iso_currency_code": "USD"}
        dollars["unofficial_currency_code"] = None
        accounts = [
            {**first, "account_id": "dollars", "name": "Dollars", "mask": "1", "balances": dollars},
            {**first, "account_id": "coins", "name": "Coins", "mask": "2", "balances": coins},
        ]
        return {**answer, "accounts": accounts}

    async def close(self) -> None:
        return


@asynccontextmanager
async def seen(folder: Path) -> AsyncIterator[OpenPlane]:
    """Looked at once."""
    clock = FakeClock(kit.NOW)
    parts = Parts(
        clock=clock, rng=SeededRng(1), transport=Bank(clock), rails={"plaid": Plaid()}, apps=(APP,)
    )
    async with Plane.open(
        settings(folder), parts=parts, firm=FIRM, run=False, may_be_new=True
    ) as plane:
        await plane.store.add_firm(Firm(FIRM, "Firm", kit.NOW))
        await plane.store.add_business(FIRM, Business(BUSINESS, FIRM, "Business", "b-1", kit.NOW))
        login = Connection(
            ConnectionId("con-1"),
            FIRM,
            BUSINESS,
            "plaid",
            APP.id,
            APP.environment,
            RemoteId("item_id"),
            "",
            "",
            kit.NOW,
        )
        await plane.store.add_connection(FIRM, login, plane.vault.seal("token"))
        for _ in range(5):
            await plane.runner.drain()
            clock.advance(timedelta(minutes=2))
        yield plane


async def test_cash_counts_the_dollars_and_names_the_coins(tmp_path: Path) -> None:
    async with seen(tmp_path) as plane:
        answer = await CacheService(plane, BUSINESS).get_balance()
        assert answer.value.totals == (Money(1000, "USD"),)
        assert answer.action is Action.SERVE
        (missing,) = answer.value.incomplete
        assert missing == f"Coins (2) at First Platypus Bank is not counted: {WHY}"
        assert missing in (answer.label or "")


async def test_the_api_shows_every_digit(tmp_path: Path) -> None:
    async with seen(tmp_path) as plane:
        token, _ = await issue(plane.store, plane.rng, FIRM, ("admin", "admin"), kit.NOW)
        transport = httpx2.ASGITransport(app=create_app(plane))
        async with httpx2.AsyncClient(transport=transport, base_url="http://rowcol") as client:
            asked = await client.get(
                f"/v1/businesses/{BUSINESS}/balance", headers={"authorization": f"Bearer {token}"}
            )
        out = asked.json()
        assert out["cash"] == [{"amount_minor": 1000, "currency": "USD"}]
        assert {e["account"]: e["uncounted"] for e in out["evidence"]} == {
            "dollars": "",
            "coins": WHY,
        }
        assert WHY in out["label"]
        coins = next(a for a in out["accounts"] if a["name"] == "Coins")
        assert (coins["current"], coins["uncounted"]) == (None, WHY)
