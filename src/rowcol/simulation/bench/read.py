"""Read: a cached balance over HTTP with its token checked, against the bare floor; and the same in process."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rowcol.bootstrap import Plane
from rowcol.services.cache import CacheService
from rowcol.simulation.bench import load
from rowcol.simulation.bench.process import cores, pin, server
from rowcol.simulation.bench.rig import FIRM, TOKEN, Prepared, prepare

CONNECTIONS = 32
IN_PROCESS = 20_000


async def run_read(
    *, count: int = 15_000, rounds: int = 3, progress: Callable[[str], None] = lambda _: None
) -> dict[str, float | int]:
    """Measure. `read_us_p50`: one `CacheService.get_balance` in process, microseconds."""
    server_core, load_core = cores()
    pin(load_core)
    with tempfile.TemporaryDirectory(prefix="rowcol-bench-") as folder:
        data_dir = Path(folder)
        prepared = await prepare(data_dir)
        requests = [_request(prepared)] * count
        floors: list[load.Measured] = []
        services: list[load.Measured] = []
        for number in range(rounds):
            progress(f"round {number + 1} of {rounds}")
            for mode, out in (("floor", floors), ("service", services)):
                with server(mode, data_dir, server_core) as port:
                    await load.send_all("127.0.0.1", port, requests[: count // 8], CONNECTIONS)
                    out.append(await load.send_all("127.0.0.1", port, requests, CONNECTIONS))
        in_process = await _in_process(prepared)
    return {
        "floor_rps": round(statistics.median(m.rps for m in floors), 1),
        "read_rps": round(statistics.median(m.rps for m in services), 1),
        "ratio": round(
            statistics.median(s.rps / f.rps for s, f in zip(services, floors, strict=True)), 4
        ),
        "p50_ms": round(statistics.median(m.p50_ms for m in services), 3),
        "p99_ms": round(statistics.median(m.p99_ms for m in services), 3),
        "answered": sum(m.ok for m in services),
        "not_answered": sum(m.other for m in services),
        "read_us_p50": round(in_process, 2),
        "rounds": rounds,
        "connections": CONNECTIONS,
    }


def _request(prepared: Prepared) -> bytes:
    return (
        f"GET /v1/businesses/{prepared.business}/balance HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"authorization: Bearer {TOKEN}\r\n\r\n"
    ).encode()


async def _in_process(prepared: Prepared) -> float:
    async with Plane.open(prepared.settings, firm=FIRM, run=False) as plane:
        cache = CacheService(plane, prepared.business, firm=FIRM)
        await cache.get_balance()
        took_us = []
        for _ in range(IN_PROCESS):
            started = time.perf_counter_ns()
            await cache.get_balance()
            took_us.append((time.perf_counter_ns() - started) / 1000)
    return statistics.median(took_us)
