"""Bench: what a firm's books cost and how stale its decisions are, beside hourly polling of the same weeks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from rowcol.simulation.ledger.batch import batch_read
from rowcol.simulation.ledger.figures import Events, figures_of
from rowcol.simulation.ledger.hourly import hourly
from rowcol.simulation.ledger.play import Plan, Play, planned
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wiring import Setup
from rowcol.simulation.workload import spec

LOSSES_PCT: Final = (10, 100)
"""Shares of lost deliveries that the same weeks are played with as well."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures, and the events that they are made from."""

    figures: dict[str, Any]
    events: Events
    counts: dict[str, Any]
    """The emulator's own."""


async def run_ledger(
    *,
    companies: int,
    weeks: int,
    seed: int,
    tell: Callable[[str, float], None],
    losses_pct: tuple[int, ...] = LOSSES_PCT,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report, and what `--raw` shows: events and the emulator's own counts of every run."""
    batch = await batch_read()  # first: the weeks below leave a heap that no service has
    plan = planned(seed, companies, weeks)
    usual_pct = float(spec().webhooks.lost_share) * 100
    policy = await play(plan, usual_pct, lambda share: tell("evidence", share))
    polled = await hourly(plan, lambda share: tell("hourly polling", share))
    report: dict[str, Any] = {
        "companies": companies,
        "weeks": weeks,
        "seed": seed,
        "webhook_loss_pct": usual_pct,
        **policy.figures,
        "baseline": {"hourly7": asdict(figures_of(polled[0]))},
        "webhook_loss": {},
        **batch,
    }
    raw = {"evidence": _raw(policy), "hourly7": {**_events(polled[0]), "counts": polled[1]}}
    for loss_pct in losses_pct:
        told = partial(tell, f"{loss_pct} % of webhooks lost")
        lossy = await play(plan, float(loss_pct), told)
        report["webhook_loss"][str(loss_pct)] = lossy.figures
        raw[f"loss_{loss_pct}"] = _raw(lossy)
    return report, raw


async def play(plan: Plan, loss_pct: float, tell: Callable[[float], None]) -> Outcome:
    """One run of the policy `evidence`."""
    async with open_rig(Setup(plan.seed, plan.linked_at)) as rig:
        rig.books.outbox.weather.lost_share = loss_pct / 100
        events = await Play(rig, plan, tell).run()
        counts = rig.books.meter.report(rig.clock.now())
    figures = asdict(figures_of(events))
    days = (plan.ends_at - plan.starts_at).days
    before = [r for r in events.requests if r.at < plan.starts_at]
    first = sum(r.units for r in before if r.operation != "cdc")
    figures["reads_per_company_day"] = round(len(plan.reads) / plan.companies / days, 3)
    figures["first_reading_calls_per_company"] = round(first / plan.companies, 2)
    return Outcome(figures, events, counts)


def _raw(outcome: Outcome) -> dict[str, Any]:
    return {**_events(outcome.events), "counts": outcome.counts}


def _events(events: Events) -> dict[str, Any]:
    return {
        "companies": events.companies,
        "starts_at": _text(events.starts_at),
        "ends_at": _text(events.ends_at),
        "edits": [[_text(e.at), e.company, e.deed] for e in events.edits],
        "requests": [
            [_text(r.at), r.company, r.operation, r.status, r.units, r.brings, r.entities]
            for r in events.requests
        ],
        "reads": [
            [_text(r.answered_at), r.company, r.purpose, r.is_served, r.is_behind]
            for r in events.reads
        ],
    }


def _text(moment: datetime) -> str:
    return moment.isoformat()
