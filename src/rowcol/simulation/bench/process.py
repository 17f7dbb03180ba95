"""Process: a server of its own on a core of its own, started and stopped by the bench."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from rowcol.core.refusal import Misconfigured

START_TIMEOUT_S = 30


def cores() -> tuple[int, int]:
    """A core for the server and one for the load; the same one where the machine has no two (then figures mean little)."""
    if not hasattr(os, "sched_getaffinity"):
        return 0, 0
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def pin(core: int) -> None:
    """Keep this process on one core, where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


@contextlib.contextmanager
def server(mode: str, data_dir: Path, core: int) -> Iterator[int]:
    """A server process in a mode (`floor` or `service`); yields its port. Stopped gracefully."""
    command = [sys.executable, "-m", "rowcol.cli.bench_server", mode, str(data_dir), str(core)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise Misconfigured(
                    f"the bench server ({mode}) did not start", "see its message above"
                )
            yield int(json.loads(line)["port"])
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(START_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
