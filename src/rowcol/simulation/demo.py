"""Demo: the same firm and the same weeks under two policies, `ttl` and `evidence`. Start with `run_demo`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from rowcol.adapters.clock import SystemClock
from rowcol.core.refusal import BadInput
from rowcol.simulation.driver import Drive, Driver
from rowcol.simulation.report import DemoReport, PolicyResult
from rowcol.simulation.stages import Face, Stage, go_on, grant, in_process, over_sockets
from rowcol.simulation.traced import traced
from rowcol.simulation.workload import FIRST_DAY, Workload, synthetic

BUSINESSES_MAX: Final = 2_000
WEEKS_MAX: Final = 52
TTL_SHARE: Final = 0.2
"""Of the time that both policies take together, for the progress bar."""
SOURCE: Final = "workload.toml"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What is simulated. With `transactions` each account of that file is a business, and `businesses` is not used.

    `first`: the first measured day. `port`: where the service listens, 0 for a free one.
    """

    seed: int = 1
    businesses: int = 25
    weeks: int = 4
    transactions: Path | None = None
    first: date | None = None
    port: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the whole demo is, and which policy runs. `eta_s` is None until that can be said."""

    policy: str
    share: float
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """Where the service that was left running can be looked at, and with which token."""

    url: str
    token: str


async def run_demo(
    options: DemoOptions,
    progress: Callable[[Progress], None] | None = None,
    *,
    face: Face | None = None,
    keep_serving: Callable[[DemoReport, Look], None] | None = None,
) -> DemoReport:
    """Run both policies and report. Raise `BadInput` for options or a file that make no firm, before anything starts.

    With a `face` the policy `evidence` runs over sockets and on disk, else in process as `ttl`
    does. `keep_serving` is called with the report; then the service stays, its clock going on in
    real time, until this task is cancelled.
    """
    workload = workload_of(options)
    watch = _Watch(progress)
    async with in_process(workload, "ttl") as stage:
        ttl = await _play(stage, workload, watch.part("ttl", 0.0, TTL_SHARE))
    staging = (
        in_process(workload, "evidence")
        if face is None
        else over_sockets(workload, "evidence", face, options.port)
    )
    async with staging as stage:
        evidence = await _play(stage, workload, watch.part("evidence", TTL_SHARE, 1 - TTL_SHARE))
        report = DemoReport(
            seed=options.seed,
            businesses=len(workload.clients),
            weeks=options.weeks,
            starts_at=workload.starts_at,
            ends_at=workload.ends_at,
            source=SOURCE if options.transactions is None else options.transactions.name,
            board=evidence.drive.board,
            policies={"ttl": ttl.result, "evidence": evidence.result},
            incidents=evidence.drive.plot.texts,
        )
        if keep_serving is not None and stage.url:
            keep_serving(report, Look(stage.url, await grant(stage)))
            await go_on(stage)
    return report


def workload_of(options: DemoOptions) -> Workload:
    """The firm that the options describe. Raise `BadInput`."""
    if not 1 <= options.weeks <= WEEKS_MAX:
        raise BadInput(f"{options.weeks} weeks", f"choose 1 to {WEEKS_MAX}")
    if options.transactions is not None:
        return traced(
            options.transactions, seed=options.seed, weeks=options.weeks, first=options.first
        )
    if not 1 <= options.businesses <= BUSINESSES_MAX:
        raise BadInput(f"{options.businesses} businesses", f"choose 1 to {BUSINESSES_MAX}")
    return synthetic(
        options.seed,
        businesses=options.businesses,
        weeks=options.weeks,
        first=options.first or FIRST_DAY,
    )


@dataclass(frozen=True, slots=True)
class _Played:
    drive: Drive
    result: PolicyResult


class _Part:
    """One policy's share of the whole, as `Driver` tells of it."""

    def __init__(self, watch: _Watch, policy: str, offset: float, width: float) -> None:
        self.policy = policy
        self.began_at = watch.now()
        self._watch = watch
        self._offset = offset
        self._width = width

    def tell(self, share: float) -> None:
        self._watch.tell(self.policy, self._offset + self._width * share)

    def seconds(self) -> float:
        return (self._watch.now() - self.began_at).total_seconds()


class _Watch:
    """Real time, for progress only."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self._progress = progress
        self._real = SystemClock()
        self._began_at = self._real.now()

    def now(self) -> datetime:
        return self._real.now()

    def part(self, policy: str, offset: float, width: float) -> _Part:
        return _Part(self, policy, offset, width)

    def tell(self, policy: str, share: float) -> None:
        if self._progress is not None:
            spent_s = (self.now() - self._began_at).total_seconds()
            eta_s = spent_s / share * (1 - share) if share > 0.02 else None
            self._progress(Progress(policy, share, eta_s))


async def _play(stage: Stage, workload: Workload, part: _Part) -> _Played:
    drive = await Driver(stage.rig, workload, part.tell).run()
    result = PolicyResult(
        policy=part.policy,
        business_weeks=len(workload.clients) * workload.weeks,
        paid_calls=drive.paid_calls,
        billed_calls=drive.billed_calls,
        cost=drive.cost,
        tally=drive.tally,
        unanswered=drive.unanswered,
        seconds=part.seconds(),
    )
    return _Played(drive, result)
