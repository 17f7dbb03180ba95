"""Demo: half the paid calls and no stale decision, on synthetic firms and on files; the report recomputed without the engine."""

from __future__ import annotations

import asyncio
import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rowcol.api.app import create_app
from rowcol.core.refusal import BadInput
from rowcol.simulation.chance import stream
from rowcol.simulation.demo import Progress, run_demo
from rowcol.simulation.options import DemoOptions
from rowcol.simulation.report import DemoReport
from rowcol.simulation.stages import Look

FIGURES = ("paid_calls_per_business_week", "cost_micros", "stale_decisions", "labelled_pct")


def promised(report: DemoReport) -> dict[str, Any]:
    """The report as JSON, after the promises were checked."""
    found: dict[str, Any] = json.loads(json.dumps(report.to_json()))
    ttl, evidence = found["policies"]["ttl"], found["policies"]["evidence"]
    assert report.errors == ()
    for result in (ttl, evidence):
        assert set(FIGURES) <= set(result)
        assert result["stale_decisions"] == 0
        assert result["labelled_pct"] <= 2
        assert result["paid_calls"] == result["billed_calls"]
        assert result["cost_micros"] == 100_000 * result["paid_calls"]
    assert evidence["paid_calls"] <= ttl["paid_calls"] / 2
    assert sum(row["cost_micros"] for row in found["board"]) == evidence["cost_micros"]
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [2, 3])
async def test_evidence_pays_at_most_half(seed: int) -> None:
    found = promised(await run_demo(DemoOptions(seed=seed, businesses=12, weeks=2)))
    assert (found["businesses"], found["weeks"], found["environment"]) == (12, 2, "emulated")
    assert len(found["board"]) == 12
    assert all(row["bills_minor"] > 0 and row["books_as_of"] for row in found["board"])
    assert found["books"]["metered_calls_per_company_day"] < 1
    assert found["books"]["stale_decision_reads_pct"] == 0
    assert len(found["incidents"]) == 2


async def test_equal_seeds_give_equal_reports() -> None:
    async def report() -> dict[str, Any]:
        found = (await run_demo(DemoOptions(seed=4, businesses=3, weeks=1))).to_json()
        for result in found["policies"].values():
            del result["seconds"]
        return found

    assert await report() == await report()


async def test_progress_goes_one_way_and_ends() -> None:
    told: list[Progress] = []
    await run_demo(DemoOptions(businesses=2, weeks=2), told.append)
    shares = [progress.share for progress in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert {progress.week for progress in told} == {1, 2, None}
    assert len({progress.part for progress in told}) == 3, (
        "had none for the books and the other policy"
    )
    assert told[-1].eta_s == 0


@pytest.fixture
def bank_csv(tmp_path: Path) -> Path:
    """One account that posts on weekends too, one that opens in the middle of the weeks, one long quiet."""
    dice = stream(5, "fixture")
    rows: list[tuple[str, date, Decimal]] = []
    for n in range(150):
        day = date(2019, 1, 5) + timedelta(days=n)
        amounts = [
            Decimal(dice.randrange(-90_000, 100_000)).scaleb(-2) for _ in range(dice.randrange(4))
        ]
        rows += [("Busy, with weekends", day, amount) for amount in amounts]
        if n >= 130:
            rows.append(("Opened late", day, Decimal(dice.randrange(1, 5_000)).scaleb(-2)))
    rows += [
        ("Quiet", date(2018, 11, 3), Decimal("100.10")),
        ("Quiet", date(2018, 11, 4), Decimal("-0.10")),
    ]
    path = tmp_path / "bank.csv"
    balances: dict[str, Decimal] = {}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "account", "balance", "amount"])
        for account, day, amount in rows:
            balances[account] = balances.get(account, Decimal(0)) + amount
            writer.writerow([day, account, balances[account], amount])
    return path


def balances_around(path: Path, account: str, as_of: datetime) -> set[int]:
    """What the file says the account held at some moment of the day of `as_of`, in cents."""
    held, around = 0, set()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            day = date.fromisoformat(row["date"])
            if row["account"] == account and day <= as_of.date():
                if day == as_of.date():
                    around.add(held)
                held = int(100 * Decimal(row["balance"]))
    return {*around, held} | _within(path, account, as_of.date())


def _within(path: Path, account: str, day: date) -> set[int]:
    with path.open(newline="") as file:
        return {
            int(100 * Decimal(row["balance"]))
            for row in csv.DictReader(file)
            if row["account"] == account and row["date"] == day.isoformat()
        }


@pytest.mark.parametrize(
    ("first", "account_cents"),
    [(None, None), (date(2019, 5, 6), None), (date(2018, 10, 1), {"Opened late": 0, "Quiet": 0})],
)
async def test_cash_is_the_running_balance_of_the_file(
    bank_csv: Path, first: date | None, account_cents: dict[str, int] | None
) -> None:
    report = await run_demo(DemoOptions(transactions=bank_csv, first=first, weeks=4))
    found = promised(report) if first is None else report.to_json()
    assert report.errors == ()
    assert found["source"] == "bank.csv"
    assert {row["business"] for row in found["board"]} == {
        "Busy, with weekends",
        "Opened late",
        "Quiet",
    }
    for row in found["board"]:
        as_of = datetime.fromisoformat(row["as_of"])
        assert row["currency"] == "USD"
        assert row["cash_minor"] in balances_around(bank_csv, row["business"], as_of)
        if account_cents and row["business"] in account_cents:
            assert row["cash_minor"] == account_cents[row["business"]]


async def test_a_malformed_file_starts_nothing(bank_csv: Path) -> None:
    with bank_csv.open("a") as file:
        file.write("2019-13-01,Busy,1,1\n")
    told: list[Progress] = []
    with pytest.raises(BadInput, match=r"^line \d+, column date: found '2019-13-01'"):
        await run_demo(DemoOptions(transactions=bank_csv), told.append)
    assert told == []


@pytest.mark.slow
@pytest.mark.serial
async def test_over_sockets_it_is_the_same_and_the_service_stays() -> None:
    options = DemoOptions(seed=2, businesses=3, weeks=1)
    left: list[tuple[DemoReport, Look]] = []
    is_up = asyncio.Event()

    def keep(report: DemoReport, look: Look) -> None:
        left.append((report, look))
        is_up.set()

    demo = asyncio.create_task(run_demo(options, face=create_app, keep_serving=keep))
    up = asyncio.create_task(is_up.wait())
    await asyncio.wait((demo, up), return_when=asyncio.FIRST_COMPLETED)
    assert left, demo.exception()
    report, look = left[0]
    status, body = await _get(f"{look.url}/v1/businesses", look.token)
    refused, _ = await _get(f"{look.url}/v1/businesses", "wrong")
    demo.cancel()
    with pytest.raises(asyncio.CancelledError):
        await demo
    assert (status, refused) == (200, 401)
    assert all(row.business in body for row in report.board)
    here = (await run_demo(options)).to_json()
    there = report.to_json()
    for found in (here, there):
        for result in found["policies"].values():
            del result["seconds"]
    assert there["policies"]["ttl"] == here["policies"]["ttl"]
    for mine, theirs in zip(here["board"], there["board"], strict=True):
        # Which company is connected first differs, and our own limit spaces them.
        looked = [datetime.fromisoformat(row.pop("books_as_of")) for row in (mine, theirs)]
        assert abs(looked[0] - looked[1]) < timedelta(seconds=30)
    assert there["board"] == here["board"]
    assert there["policies"] == here["policies"]


async def _get(url: str, token: str) -> tuple[int, str]:
    import httpx2

    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(url, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.text


def test_the_fixture_reads_its_own_file(bank_csv: Path) -> None:
    noon = datetime(2018, 11, 4, 12, tzinfo=UTC)
    assert balances_around(bank_csv, "Quiet", noon) == {10_010, 10_000}
    assert balances_around(bank_csv, "Quiet", noon + timedelta(days=1)) == {10_000}
    assert balances_around(bank_csv, "Quiet", noon - timedelta(days=9)) == {0}
