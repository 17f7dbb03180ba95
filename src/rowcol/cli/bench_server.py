"""Server: what the bench measures, in a process of its own: the bare floor, or the service without its runner.

Both as `rowcol serve` listens; only the service has its bounds, whose cost is part of what is measured.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import structlog

from rowcol.bootstrap import Plane
from rowcol.cli import listening
from rowcol.cli.bounds import Bounds, limits_of
from rowcol.simulation.bench.process import pin
from rowcol.simulation.bench.rig import bench_settings

BODY = b"{}"
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"2")]


async def floor(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The bare ASGI function: answers 200 and does nothing else."""
    if scope["type"] == "lifespan":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


async def serve(app: Any, bounds: Bounds | None = None) -> None:
    """As `rowcol serve` does. Prints its port once it listens."""
    made = listening.bound("127.0.0.1", 0)

    def announce() -> None:
        print(json.dumps({"port": made.getsockname()[1]}), flush=True)

    await listening.serve(app, made, announce, bounds)


async def service(data_dir: Path) -> None:
    """The whole service on the prepared file, without the runner: what a dedicated API process does."""
    from rowcol.api.app import create_app

    settings = bench_settings(data_dir)
    async with Plane.open(settings, run=False) as plane:
        await serve(create_app(plane), Bounds(limits_of(settings)))


def main(mode: str, data_dir: str, core: str) -> None:
    """Pin, then run until SIGTERM."""
    pin(int(core))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    listening.on_fast_loop(serve(floor) if mode == "floor" else service(Path(data_dir)))


if __name__ == "__main__":
    main(*sys.argv[1:4])
