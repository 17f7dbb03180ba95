"""Serving: an ASGI app on a loopback port, in a thread, as strangers meet it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


@contextmanager
def serving(app: Any, close: Callable[[], Awaitable[None]] | None = None) -> Iterator[str]:
    """The base URL of the app while the block runs; `close` is awaited in its loop at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio sets this only on sockets whose protocol number is given; without it each answer waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app, loop="asyncio", ws="none", lifespan="off", log_level="critical", access_log=False
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        await server.serve([listener])
        if close is not None:
            await close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
