"""Ports: one that is free now, and stays so until the process that is told of it listens."""

from __future__ import annotations

import random  # noqa: TID251 - a free port; which one does not matter
import socket
from contextlib import closing


def free_port() -> int:
    """A port below the range that outgoing connections take theirs from, so that a start, or a restart, finds it free."""
    while True:
        port = random.randrange(15_000, 32_000)
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
