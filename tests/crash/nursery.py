"""Nursery: a process that has imported the service once and forks it for each start, so that fifty starts take seconds.

Each child is what `rowcol serve` is: the same `main.run`, with its own arguments and environment. The nursery is its
parent, so it knows by what a child died: a kill counts only if SIGKILL ended it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Nursery:
    """The test's side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, arguments: list[str], environment: Mapping[str, str], log: Path) -> int:
        """Fork a `rowcol` with these arguments; its pid. Both of its streams are appended to `log`."""
        order = {"arguments": arguments, "environment": dict(environment), "log": str(log)}
        return self._ask(order)

    def end(self, pid: int, how: signal.Signals) -> int:
        """Send a signal and wait; the exit code, negative for the signal that ended it."""
        return self._ask({"end": pid, "signal": int(how)})

    def wait(self, pid: int) -> int:
        """Wait for its own end; the exit code."""
        return self._ask({"end": pid, "signal": 0})

    def _ask(self, order: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def open_nursery() -> Iterator[Nursery]:
    """A nursery whose children end with it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.nursery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield Nursery(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)


def _preload() -> None:
    from rowcol.adapters import http, sql
    from rowcol.api import app
    from rowcol.cli import listening, logs, main, read

    assert all((http, sql, app, listening, logs, main, read))
    __import__("uvloop")
    __import__("httpx2")
    __import__("uvicorn.protocols.http.httptools_impl")


def _become(order: dict[str, Any]) -> None:
    from rowcol.cli.main import run

    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    for name in [name for name in os.environ if name.startswith("ROWCOL_")]:
        del os.environ[name]
    os.environ.update(order["environment"])
    sys.argv = ["rowcol", *order["arguments"]]
    run()


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        _become(order)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end(pid: int, how: int) -> int:
    os.kill(pid, how)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _serve() -> None:
    """Obey until the test closes the pipe; what still runs then is killed."""
    _preload()
    gc.freeze()
    alive = set[int]()
    for line in sys.stdin:
        order = json.loads(line)
        if "end" in order:
            said = _end(order["end"], order["signal"])
            alive.discard(order["end"])
        else:
            said = _fork(order)
            alive.add(said)
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()
    for pid in alive:
        _end(pid, signal.SIGKILL)


if __name__ == "__main__":
    _serve()
