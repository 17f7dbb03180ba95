"""Metrics: counted on the way, exposed from a registry of our own."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import prometheus_client

from rowcol.api.metrics import Counts
from rowcol.core.budget import month_of
from rowcol.core.change import Change
from rowcol.core.delivery import Notice, NoticeKind
from tests.api.books_rig import books_face
from tests.api.rig import face
from tests.rig import BUSINESS, FIRM


async def test_what_was_counted_is_exposed(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        for _ in range(3):
            await it.ask("GET", f"/v1/businesses/{BUSINESS}/balance")
        await it.client.post("/webhooks/tally/main", content=b"X:item-1", headers={"key": "k"})
        await it.client.post("/webhooks/tally/main", content=b"X:item-1")
        text = (await it.ask("GET", "/metrics", "operator")).text
        assert 'rowcol_answers_total{action="SERVE",purpose="DISPLAY"} 3.0' in text
        assert 'reception="ACCEPTED"} 1.0' in text
        assert 'reception="REJECTED"} 1.0' in text
        assert 'rowcol_calls_total{endpoint="balances",outcome="200",rail="tally"} 1.0' in text
        assert "rowcol_runner_overdue_seconds" in text
        assert "rowcol_decisions_dropped_total 0.0" in text


def test_the_global_registry_is_left_alone() -> None:
    names = [m.name for m in prometheus_client.REGISTRY.collect()]
    assert not [name for name in names if name.startswith("rowcol")]


async def test_pools_are_read_once_in_ten_seconds(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        text = (await it.ask("GET", "/metrics", "operator")).text
        app = 'app="ledger-main",rail="ledger"'
        assert f"rowcol_pool_used{{{app}}} 1.0" in text
        assert f"rowcol_pool_limit{{{app}}} 1000.0" in text
        assert f'rowcol_pool_stage{{{app},stage="OPEN"}} 1.0' in text
        assert f'rowcol_pool_stage{{{app},stage="CLOSED"}} 0.0' in text
        assert "rowcol_pool_forecast" in text
        counts = Counts()
        first = await counts.pools(it.it.plane)
        assert await counts.pools(it.it.plane) is first
        it.it.clock.advance(timedelta(seconds=11))
        assert await counts.pools(it.it.plane) is not first


async def test_peaks_are_read_once_in_five_minutes(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        plane, counts = it.it.plane, Counts()
        month = month_of(plane.clock.now())
        first, same = await asyncio.gather(*(counts.peaks(plane, month) for _ in range(2)))
        assert same is first
        assert (await counts.peaks(plane, "2026-01")).keys() == first.keys()
        it.it.clock.advance(timedelta(minutes=6))
        assert await counts.peaks(plane, month) is not first


async def test_webhook_gaps_and_notices_are_summed_up_by_rail(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        plane, counts = it.it.plane, Counts()
        assert await counts.of_logins(plane) == ({"tally": 0}, {})
        (row,) = await plane.store.list_connections(FIRM)
        taken = await plane.store.claim_one(FIRM, row.id, "test", it.it.clock.now(), 60)
        assert taken is not None
        told = (Notice(NoticeKind.NEW_ACCOUNTS, it.it.clock.now()),)
        gapped = replace(row.state, webhook_gaps=3, notices=told)
        await plane.store.commit(FIRM, Change(taken, state=gapped, releases=True))
        still = await counts.of_logins(plane)
        assert still == ({"tally": 0}, {}), "every login is read, so not each time"
        it.it.clock.advance(timedelta(minutes=11))
        assert await counts.of_logins(plane) == ({"tally": 3}, {("tally", "NEW_ACCOUNTS"): 1})
        text = (await it.ask("GET", "/metrics", "operator")).text
        assert 'rowcol_webhook_gaps{rail="tally"} 3.0' in text
        assert 'rowcol_login_notices{kind="NEW_ACCOUNTS",rail="tally"} 1.0' in text


async def test_the_documents_name_what_is_exposed(tmp_path: Path) -> None:
    """Five of the names in the table were not those that a scraper sees."""
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    named = set(re.findall(r"`(rowcol_[a-z_]+)`", text))
    async with books_face(tmp_path / "books") as it, face(tmp_path / "bank") as bank:
        exposed = (await it.ask("GET", "/metrics", "operator")).text
        exposed += (await bank.ask("GET", "/metrics", "operator")).text
    names = {re.split(r"[ {]", line)[0] for line in exposed.splitlines() if line[:1] != "#"}
    assert named == names


async def test_series_whose_labels_are_known_are_there_with_0(tmp_path: Path) -> None:
    """A rule on one that is not there yet never fires."""
    async with face(tmp_path) as it:
        text = (await it.ask("GET", "/metrics", "operator")).text
    for series in (
        'rowcol_paid_micros_total{endpoint="live",rail="tally"}',
        'rowcol_login_notices{kind="CONSENT_ENDS",rail="tally"}',
        'rowcol_deliveries_total{app="main",rail="tally",reception="BUSY"}',
        'rowcol_answers_total{action="HOLD",purpose="GUARDRAIL"}',
    ):
        assert f"{series} 0.0" in text
