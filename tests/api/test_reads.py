"""Reads: the balance with its proof, the price before a forced look, lists page by page."""

import asyncio
from datetime import timedelta
from pathlib import Path

from tests.api.rig import face
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS
from tests.waiting import pass_time

BALANCE = f"/v1/businesses/{BUSINESS}/balance"


async def test_a_balance_comes_with_its_proof(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        answer = await it.ask("GET", BALANCE, "viewer")
        body = answer.json()
        assert body["action"] == "SERVE"
        assert body["cash"] == [{"amount_minor": 100, "currency": "USD"}]
        assert body["as_of"] == "2026-11-02T06:00:00Z"
        assert body["evidence"][0]["source"] == "CACHED"
        assert body["cost_micros"] == 0
        assert body["reason"]


async def test_a_deciding_read_needs_an_advisor(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        path = f"{BALANCE}?purpose=guardrail&deadline=2026-11-02T12:00:00Z"
        assert (await it.ask("GET", path, "viewer")).status_code == 403
        assert (await it.ask("GET", f"{BALANCE}?purpose=nothing")).status_code == 400
        assert (await it.ask("GET", f"{BALANCE}?deadline=soon")).status_code == 400


async def test_a_forced_look_is_paid_for_only_at_the_confirmed_price(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        refresh = f"{BALANCE}/refresh"
        for wrong in (None, 1, LIVE_MICROS - 1):
            body = {"force": True, "price_confirmed_micros": wrong}
            answer = await it.ask("POST", refresh, "advisor", json=body)
            assert answer.status_code == 409
            assert answer.json()["code"] == "price_unconfirmed"
            assert answer.json()["price_micros"] == LIVE_MICROS
        assert "live" not in it.it.bank.calls
        body = {"force": True, "price_confirmed_micros": LIVE_MICROS}
        asked = asyncio.create_task(it.ask("POST", refresh, "advisor", json=body))
        second = timedelta(seconds=1)
        await pass_time(it.it.clock, asked, at_most=60 * second, step=second, settle=it.it.settle)
        assert asked.result().json()["cash"] == [{"amount_minor": 150, "currency": "USD"}]
        assert it.it.bank.calls.count("live") == 1


async def test_a_business_that_is_not_there_is_404(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        for path in (
            "/v1/businesses/no/balance",
            "/v1/explain/no",
            "/v1/businesses/no/connections",
        ):
            answer = await it.ask("GET", path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


async def test_the_call_log_pages_by_cursor(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        whole = (await it.ask("GET", "/v1/calls")).json()
        assert whole["next"] is None
        assert len(whole["items"]) >= 2
        seen, after = [], ""
        while after is not None:
            page = (await it.ask("GET", f"/v1/calls?limit=1&after={after}")).json()
            seen += page["items"]
            after = page["next"]
        assert seen == whole["items"]


async def test_the_board_has_a_row_per_business_and_calls_nobody(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        before = list(it.it.bank.calls)
        (row,) = (await it.ask("GET", "/v1/board", "viewer")).json()["items"]
        assert (row["business"], row["cash_minor"], row["currency"]) == ("Business", 100, "USD")
        assert row["cost_micros"] == 0
        assert it.it.bank.calls == before


async def test_explain_tells_price_and_reason(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        await it.ask("GET", BALANCE)
        await it.it.plane.decisions.flush()
        out = (await it.ask("GET", f"/v1/explain/{BUSINESS}")).json()
        assert out["fresh_price_micros"] == LIVE_MICROS
        assert out["decisions"][0]["reason"] == out["now"]["reason"]
        assert out["calls"]


async def test_a_months_cost_is_by_app(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        assert (await it.ask("GET", "/v1/cost?month=2026-13")).status_code == 400
        out = (await it.ask("GET", "/v1/cost")).json()
        assert (out["month"], out["spent_micros"], out["is_estimated"]) == ("2026-11", 0, True)
