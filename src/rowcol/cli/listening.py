"""Listening: one ASGI app on one address in this process, stopped gracefully by SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn
from typing_extensions import override

from rowcol.cli.face import SWITCH_INTERVAL_S
from rowcol.core.refusal import Misconfigured

if TYPE_CHECKING:
    from rowcol.cli.bounds import Bounds

BACKLOG = 2048
GRACE_S = 20
TICKS_A_SECOND = 10
"""Of the server library's main loop."""


class Server(uvicorn.Server):
    """Signals are ours: the first asks to stop, and what runs is finished; the second stops at once."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], bounds: Bounds | None
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._bounds = bounds

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        names = (signal.SIGTERM, signal.SIGINT)
        for name in names:
            loop.add_signal_handler(name, self.stop)
        try:
            yield
        finally:
            for name in names:
                loop.remove_signal_handler(name)

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._announce()

    @override
    async def on_tick(self, counter: int) -> bool:
        if self._bounds is not None and counter % TICKS_A_SECOND == 0:
            self._bounds.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def stop(self) -> None:
        """Take nothing new and finish; asked twice, do not wait."""
        self.force_exit = self.should_exit
        self.should_exit = True


def bound(host: str, port: int) -> socket.socket:
    """A socket on this address; port 0 takes a free one. Raise `Misconfigured` when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError, TypeError, ValueError) as error:
        made.close()
        why = getattr(error, "strerror", None) or "there is no such address"
        raise Misconfigured(
            f"cannot listen on {host}:{port}: {why}",
            "stop what listens there, or choose another with --port (0: any free one)",
        ) from error
    made.listen(BACKLOG)
    made.setblocking(False)
    return made


def address_of(made: socket.socket) -> str:
    """`http://127.0.0.1:8700`."""
    host, port = made.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: Any, made: socket.socket, announce: Callable[[], None], bounds: Bounds | None = None
) -> None:
    """Until asked to stop. `announce` is called once connections are taken. Without bounds: for loopback only."""
    await Server(_config(app, bounds), announce, bounds).serve(sockets=[made])


@contextlib.asynccontextmanager
async def beside(app: Any, made: socket.socket) -> AsyncIterator[None]:
    """The same beside a command's own work, and only as long; signals stay the command's."""
    server = _Guest(_config(app))
    serving = asyncio.create_task(server.serve(sockets=[made]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Guest(uvicorn.Server):
    """Signals are its host's."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Any, bounds: Bounds | None = None) -> uvicorn.Config:
    protocol: Any = "httptools" if bounds is None else bounds.protocol
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        http=protocol,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )


def on_fast_loop(work: Any) -> None:
    """Run on uvloop, switching threads as every command does."""
    import uvloop

    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)
