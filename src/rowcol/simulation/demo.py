"""Demo: the same firm and the same weeks under two policies, `ttl` and `evidence`. Start with `run_demo`.

With a face `evidence` runs over sockets and on disk while a child process plays `ttl`; without one
both run in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

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


class Part(NamedTuple):
    """A part of the demo, and which share of its time it is, roughly."""

    name: str
    begins: float
    ends: float


CASH, BOOKS, OTHER = (
    Part("cash", 0, 0.7),
    Part("books", 0.7, 0.95),
    Part("until the other policy is through", 0.95, 1),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the demo is, what is played, which week of it, and the rest in seconds (None where that cannot be said)."""

    share: float
    part: str
    week: int | None
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
            played = await play(stage.rig, workload, "evidence", partial(tell, CASH))
            books = await _books(options, len(workload.clients), partial(tell, BOOKS))
            tell(OTHER, 0)
            ttl = await other
            tell(OTHER, 1)
            report = DemoReport(
                seed=options.seed,
                businesses=len(workload.clients),
                weeks=options.weeks,
                starts_at=workload.starts_at,
                ends_at=workload.ends_at,
                source=options.source,
                board=played.drive.board,
                policies={"ttl": ttl, "evidence": played.result},
                incidents=played.drive.plot.texts,
                books=books,
            )
            if keep_serving is not None and stage.url:
                keep_serving(report, Look(stage.url, await grant(stage)))
                await go_on(stage)
        return report
    finally:
        other.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await other


async def _books(
    options: DemoOptions, companies: int, tell: Callable[[float], None]
) -> Mapping[str, Any]:
    """The same number of companies and weeks of bookkeeping, in process; figures of `bench ledger`."""
    plan = planned(options.seed, companies, options.weeks)
    loss_pct = float(spec().webhooks.lost_share) * 100
    return (await play_books(plan, loss_pct, tell)).figures


def _teller(
    weeks: int, progress: Callable[[Progress], None] | None
) -> Callable[[Part, float], None]:
    """Turns a share of a part into one of the whole, a week and a rest; by the machine's clock, for progress only."""
    real = SystemClock()
    began_at = real.now()

    def tell(part: Part, played: float) -> None:
        if progress is None:
            return
        share = part.begins + (part.ends - part.begins) * played
        spent_s = (real.now() - began_at).total_seconds()
        eta_s = spent_s / share * (1 - share) if share > ETA_FROM else None
        week = None if part is OTHER else min(weeks, int(played * weeks) + 1)
        progress(Progress(share, part.name, week, weeks, eta_s))

    return tell
