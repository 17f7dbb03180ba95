"""Bench: the figures follow from the raw events; the policy costs little and is fresh, hourly polling is neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from rowcol.core.change import Change, Committed
from rowcol.core.ids import FirmId
from rowcol.core.need import Purpose
from rowcol.simulation.ledger.bench import run_ledger
from rowcol.simulation.ledger.figures import figures_of, peak
from rowcol.simulation.ledger.play import Play, planned
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wiring import Setup

DAY = timedelta(days=1)
KEYS = {
    "metered_calls_per_company_day",
    "stale_decision_reads_pct",
    "peak_per_minute_per_company",
    "peak_per_minute_portfolio",
}


def recomputed(raw: dict[str, Any]) -> tuple[float, float]:
    """Calls and staleness from the events alone, the long way round: no module of the project is asked."""
    starts, ends = (datetime.fromisoformat(raw[k]) for k in ("starts_at", "ends_at"))
    edits = [(datetime.fromisoformat(at), company) for at, company, _ in raw["edits"]]
    requests = [(datetime.fromisoformat(r[0]), *r[1:]) for r in raw["requests"]]
    units = sum(r[4] for r in requests if starts <= r[0] < ends)
    stale = counted = 0
    for text, company, _, is_served, _ in raw["reads"]:
        at = datetime.fromisoformat(text)
        if not is_served or not starts <= at < ends:
            continue
        counted += 1
        looks = [r[0] for r in requests if r[1] == company and r[5] and r[0] <= at]
        last = max(looks, default=datetime.min.replace(tzinfo=starts.tzinfo))
        stale += any(c == company and last < when <= at for when, c in edits)
    per_day = units / ((ends - starts) / DAY) / raw["companies"]
    return round(per_day, 4), round(100 * stale / counted, 4)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_policy_holds_its_bounds_where_hourly_polling_does_not() -> None:
    told: list[str] = []
    report, raw = await run_ledger(
        companies=12, weeks=3, seed=3, tell=lambda what, _: told.append(what), losses_pct=(10, 100)
    )
    assert report.keys() >= KEYS
    baseline = report["baseline"]["hourly7"]
    assert baseline.keys() >= KEYS
    for figures, events in (
        (report, raw["evidence"]),
        (baseline, raw["hourly7"]),
        (report["webhook_loss"]["10"], raw["loss_10"]),
        (report["webhook_loss"]["100"], raw["loss_100"]),
    ):
        by_hand = recomputed(events)
        assert (
            figures["metered_calls_per_company_day"],
            figures["stale_decision_reads_pct"],
        ) == by_hand
        units = sum(r[4] for r in events["requests"])
        assert sum(events["counts"]["by_month"].values()) == units, "the emulator counts the same"
    assert baseline["metered_calls_per_company_day"] == 168
    assert baseline["stale_decision_reads_pct"] >= 24
    for ours in (report, *report["webhook_loss"].values()):
        assert ours["metered_calls_per_company_day"] <= 0.65
        assert ours["stale_decision_reads_pct"] <= 0.1
        assert ours["peak_per_minute_per_company"] <= 250
        assert ours["decision_reads_behind"] == ours["decision_reads_held"] == 0
    assert (
        report["metered_calls_per_company_day_if_per_entity"]
        > 10 * (report["metered_calls_per_company_day"])
    )
    losses = {f"{pct} % of webhooks lost" for pct in (10, 100)}
    assert set(told) == {"evidence", "hourly polling", *losses}


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_hundred_companies_at_once_stay_at_half_of_the_limits() -> None:
    """All of them connected, read for the first time and asked for a ritual in one go."""
    plan = planned(1, 100, 1)
    async with open_rig(Setup(1, plan.linked_at)) as rig:
        play = Play(rig, plan)
        for n in range(plan.companies):
            await play._connect(n)
        asked = [await rig.ask_books(each, Purpose.RITUAL) for each in play._businesses]
        await rig.advance_to(rig.clock.now() + timedelta(hours=4))
        requests = rig.books.meter.requests
    assert all(each.answer is not None and each.answer.label is None for each in asked)
    assert {request.status for request in requests} == {200}
    assert 0 < peak(request.at for request in requests) <= 250
    for company in play._companies:
        mine = [request.at for request in requests if request.realm_id == company.realm_id]
        assert peak(mine) <= 250
        assert peak(mine, timedelta(seconds=1)) <= 5


async def test_a_mirror_that_loses_rows_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figure rests on what was served, not on what was asked for."""
    plan = planned(3, 4, 1)
    async with open_rig(Setup(plan.seed, plan.linked_at)) as rig:
        commit = rig.plane.store.commit

        async def forgetful(firm: FirmId, change: Change) -> Committed:
            kept = tuple(row for row in change.rows if row.entity != "Invoice")
            return await commit(firm, replace(change, rows=kept))

        monkeypatch.setattr(rig.plane.store, "commit", forgetful)
        figures = figures_of(await Play(rig, plan).run())
    assert figures.decision_reads_behind > 0
    assert figures.stale_decision_reads >= figures.decision_reads_behind
