"""Sockets: ASGI apps served on loopback inside the running event loop, without touching signals or logging."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from rowcol.simulation.wires import AsgiApp

if TYPE_CHECKING:
    import uvicorn

LOOPBACK = "127.0.0.1"
BACKLOG = 128


def bound(port: int = 0) -> socket.socket:
    """A socket bound on loopback; port 0 takes a free one. Raise `OSError` when the port is taken."""
    # asyncio turns off Nagle's algorithm (40 ms a request here) only where the protocol is named
    bound_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound_socket.bind((LOOPBACK, port))
    except OSError:
        bound_socket.close()
        raise
    bound_socket.listen(BACKLOG)
    bound_socket.setblocking(False)
    return bound_socket


def url_of(bound_socket: socket.socket) -> str:
    """Where it can be reached."""
    return f"http://{LOOPBACK}:{bound_socket.getsockname()[1]}"


@asynccontextmanager
async def serving(app: AsgiApp, bound_socket: socket.socket) -> AsyncIterator[None]:
    """Serve while the context lasts; requests under way are finished first."""
    server = _server(app)
    task = asyncio.create_task(server.serve(sockets=[bound_socket]), name="http server")
    up = asyncio.ensure_future(server.is_up.wait())
    try:
        await asyncio.wait((task, up), return_when=asyncio.FIRST_COMPLETED)
        yield
    finally:
        up.cancel()
        server.should_exit = True
        await task
        bound_socket.close()


def _server(app: AsgiApp) -> Any:
    import uvicorn  # noqa: PLC0415 - slow to import, and only there with the extras

    class Server(uvicorn.Server):
        """Leaves signals to whoever owns the process, and says when it listens."""

        def __init__(self, config: uvicorn.Config) -> None:
            super().__init__(config)
            self.is_up = asyncio.Event()

        @override
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        @override
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            self.is_up.set()

    return Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
