"""Demo: the same firm and the same weeks under two policies, `ttl` and `evidence`. Start with `run_demo`.

With a face `evidence` runs over sockets and on disk while a child process plays `ttl`; without one
both run in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rowcol.adapters.clock import SystemClock
from rowcol.simulation.aside import play_aside, play_here
from rowcol.simulation.driver import play
from rowcol.simulation.ledger.bench import play as play_books
from rowcol.simulation.ledger.play import planned
from rowcol.simulation.options import DemoOptions, workload_of
from rowcol.simulation.report import DemoReport
from rowcol.simulation.stages import Face, Look, go_on, grant, in_process, over_sockets
from rowcol.simulation.workload import spec

ETA_FROM = 0.03


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the demo is, which week is played, and the rest in seconds (None until that can be said)."""

    share: float
    week: int
    weeks: int
    eta_s: float | None


async def run_demo(
    options: DemoOptions,
    progress: Callable[[Progress], None] | None = None,
    *,
    face: Face | None = None,
    keep_serving: Callable[[DemoReport, Look], None] | None = None,
) -> DemoReport:
    """Run both policies and report. Raise `BadInput` for options or a file that make no firm, before anything starts.

    `keep_serving` is called with the report; then the service stays, its clock going on in real
    time, until this task is cancelled. It needs a `face`.
    """
    workload = workload_of(options)
    other = asyncio.create_task(
        play_here(options, "ttl") if face is None else play_aside(options, "ttl")
    )
    try:
        if face is None:
            await other
        staging = (
            in_process(workload, "evidence")
            if face is None
            else over_sockets(workload, "evidence", face, options.port)
        )
        async with staging as stage:
            tell = _teller(options.weeks, progress)
            played = await play(stage.rig, workload, "evidence", tell)
            report = DemoReport(
                seed=options.seed,
                businesses=len(workload.clients),
                weeks=options.weeks,
                starts_at=workload.starts_at,
                ends_at=workload.ends_at,
                source=options.source,
                board=played.drive.board,
                policies={"ttl": await other, "evidence": played.result},
                incidents=played.drive.plot.texts,
                books=await _books(options, len(workload.clients)),
            )
            if keep_serving is not None and stage.url:
                keep_serving(report, Look(stage.url, await grant(stage)))
                await go_on(stage)
        return report
    finally:
        other.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await other


async def _books(options: DemoOptions, companies: int) -> Mapping[str, Any]:
    """The same number of companies and weeks of bookkeeping, in process; figures of `bench ledger`."""
    plan = planned(options.seed, companies, options.weeks)
    loss_pct = float(spec().webhooks.lost_share) * 100
    return (await play_books(plan, loss_pct, lambda _share: None)).figures


def _teller(
    weeks: int, progress: Callable[[Progress], None] | None
) -> Callable[[float], None] | None:
    """Turns a share of the whole into a week and a rest; by the machine's clock, for progress only."""
    if progress is None:
        return None
    real = SystemClock()
    began_at = real.now()

    def tell(share: float) -> None:
        spent_s = (real.now() - began_at).total_seconds()
        eta_s = spent_s / share * (1 - share) if share > ETA_FROM else None
        progress(Progress(share, min(weeks, int(share * weeks) + 1), weeks, eta_s))

    return tell
