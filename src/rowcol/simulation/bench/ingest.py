"""Ingest: authenticated, durable webhooks against the same server answering 200 from a bare function."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rowcol.adapters.clock import SystemClock
from rowcol.bootstrap import DATABASE_FILE
from rowcol.simulation.bench import load
from rowcol.simulation.bench.process import cores, pin, server
from rowcol.simulation.bench.rig import APP, Prepared, prepare

CONNECTIONS = 64
PATH = f"/webhooks/plaid/{APP}"


@dataclass(frozen=True, slots=True)
class Round:
    """One pairing of floor and service on the same requests."""

    floor: load.Measured
    service: load.Measured


async def run_ingest(
    *, count: int = 12_000, rounds: int = 3, progress: Callable[[str], None] = lambda _: None
) -> dict[str, float | int]:
    """Measure. Rates are medians over the rounds; `lost` and `duplicated` are counted in the file afterwards."""
    server_core, load_core = cores()
    pin(load_core)
    with tempfile.TemporaryDirectory(prefix="rowcol-bench-") as folder:
        data_dir = Path(folder)
        prepared = await prepare(data_dir)
        measured = []
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            measured.append(await _round(prepared, data_dir, number * count, count, server_core))
        acknowledged = sum(r.service.ok for r in measured)
        stored, distinct = _stored(data_dir / DATABASE_FILE)
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
        "not_acknowledged": sum(r.service.other for r in measured),
        "rounds": rounds,
        "connections": CONNECTIONS,
    }


async def _round(prepared: Prepared, data_dir: Path, first: int, count: int, core: int) -> Round:
    now = SystemClock().now()
    ids = prepared.remote_ids
    sign = prepared.signer.request
    requests = [sign(PATH, ids[n % len(ids)], n, now) for n in range(first, first + count)]
    with server("floor", data_dir, core) as port:
        await load.send_all("127.0.0.1", port, requests[: count // 8], CONNECTIONS)
        floor = await load.send_all("127.0.0.1", port, requests, CONNECTIONS)
    with server("service", data_dir, core) as port:
        await _warm(prepared, port, first)
        service = await load.send_all("127.0.0.1", port, requests, CONNECTIONS)
    return Round(floor, service)


async def _warm(prepared: Prepared, port: int, first: int) -> None:
    """Requests that are refused after the whole check (stale), so that nothing of the measured kind is stored."""
    stale = SystemClock().now().replace(year=2020)
    requests = [
        prepared.signer.request(PATH, prepared.remote_ids[0], first + n, stale) for n in range(500)
    ]
    await load.send_all("127.0.0.1", port, requests, CONNECTIONS)


def _stored(path: Path) -> tuple[int, int]:
    """Deliveries in the file, and how many different ones."""
    with closing(sqlite3.connect(path)) as file:
        row = file.execute(
            "SELECT count(*), count(DISTINCT dedup_key) FROM rowcol_deliveries"
        ).fetchone()
    return int(row[0]), int(row[1])
