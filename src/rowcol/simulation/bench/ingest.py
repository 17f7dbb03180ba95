"""Ingest: authenticated, durable webhooks against the same server answering 200 from a bare function, rail by rail.

The rails differ by what one signature costs: Plaid's ES256 takes longer than the floor's whole request, an HMAC next to nothing.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rowcol.adapters.clock import SystemClock
from rowcol.bootstrap import DATABASE_FILE
from rowcol.simulation.bench import load
from rowcol.simulation.bench.process import cores, pin, server
from rowcol.simulation.bench.rig import Lane, prepare
from rowcol.simulation.bench.signing import signed_requests

CONNECTIONS = 64
WARM_UP = 500


@dataclass(frozen=True, slots=True)
class Round:
    """One pairing of floor and service on the same requests. `warm_up`: what the service took in before."""

    floor: load.Measured
    service: load.Measured
    warm_up: load.Measured


async def run_ingest(
    *, count: int = 12_000, rounds: int = 3, progress: Callable[[str], None] = lambda _: None
) -> dict[str, dict[str, float | int]]:
    """Measure; by rail. Rates are medians over the rounds; `lost` and `duplicated` are counted in the file afterwards."""
    server_core, load_core = cores()
    pin(load_core)
    with tempfile.TemporaryDirectory(prefix="rowcol-bench-") as folder:
        data_dir = Path(folder)
        prepared = await prepare(data_dir)
        measured: dict[str, list[Round]] = {rail: [] for rail in prepared.lanes}
        for number in range(rounds):
            for rail, lane in prepared.lanes.items():
                progress(f"{rail}, round {number + 1} of {rounds}")
                first = number * (count + WARM_UP)
                measured[rail].append(await _round(lane, data_dir, first, count, server_core))
        file = data_dir / DATABASE_FILE
        return {rail: _figures(each, *_stored(file, rail)) for rail, each in measured.items()}


def _figures(measured: Sequence[Round], stored: int, distinct: int) -> dict[str, float | int]:
    acknowledged = sum(r.service.ok + r.warm_up.ok for r in measured)
    return {
        "floor_rps": round(statistics.median(r.floor.rps for r in measured), 1),
        "ingest_rps": round(statistics.median(r.service.rps for r in measured), 1),
        "ratio": round(statistics.median(r.service.rps / r.floor.rps for r in measured), 4),
        "p50_ms": round(statistics.median(r.service.p50_ms for r in measured), 3),
        "p99_ms": round(statistics.median(r.service.p99_ms for r in measured), 3),
        "acknowledged": acknowledged,
        "stored": stored,
        "lost": max(0, acknowledged - distinct),
        "duplicated": stored - distinct,
        "not_acknowledged": sum(r.service.other + r.warm_up.other for r in measured),
        "rounds": len(measured),
        "connections": CONNECTIONS,
    }


async def _round(lane: Lane, data_dir: Path, first: int, count: int, core: int) -> Round:
    now = SystemClock().now()
    signed = signed_requests(lane.signer, lane.path, lane.remote_ids, first, WARM_UP + count, now)
    before, requests = signed[:WARM_UP], signed[WARM_UP:]
    with server("floor", data_dir, core) as port:
        await load.send_all("127.0.0.1", port, before, CONNECTIONS)
        floor = await load.send_all("127.0.0.1", port, requests, CONNECTIONS)
    with server("service", data_dir, core) as port:
        warm_up = await load.send_all("127.0.0.1", port, before, CONNECTIONS)
        service = await load.send_all("127.0.0.1", port, requests, CONNECTIONS)
    return Round(floor, service, warm_up)


def _stored(path: Path, rail: str) -> tuple[int, int]:
    """Deliveries of a rail in the file, and how many different ones."""
    counted = "SELECT count(*), count(DISTINCT dedup_key) FROM rowcol_deliveries WHERE rail = ?"
    with closing(sqlite3.connect(path)) as file:
        row = file.execute(counted, (rail,)).fetchone()
    return int(row[0]), int(row[1])
