"""Server: what the bench measures, in a process of its own: the bare floor, or the service without its runner."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from typing_extensions import override

from rowcol.bootstrap import Plane
from rowcol.cli.face import SWITCH_INTERVAL_S
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


class Announcing(uvicorn.Server):
    """Prints its port once it listens."""

    @override
    async def startup(self, sockets: Any = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(json.dumps({"port": port}), flush=True)


def serve(app: Any) -> uvicorn.Server:
    """The same server settings for both."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_level="error",
        access_log=False,
        lifespan="off",
        loop="uvloop",
        http="httptools",
        backlog=2048,
    )
    return Announcing(config)


async def service(data_dir: Path) -> None:
    """The whole service on the prepared file, without the runner: what a dedicated API process does."""
    from rowcol.api.app import create_app

    async with Plane.open(bench_settings(data_dir), run=False) as plane:
        await serve(create_app(plane)).serve()


def main(mode: str, data_dir: str, core: str) -> None:
    """Pin, then run until SIGTERM."""
    pin(int(core))
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # as `rowcol serve` does
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(floor).serve() if mode == "floor" else service(Path(data_dir)))


if __name__ == "__main__":
    main(*sys.argv[1:4])
