"""Rig: `rowcol` as a person or a script runs it: a process, an environment of its own, a folder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-c", "from rowcol.cli.main import run; run()"]


@dataclass
class Shell:
    """A folder to run commands in."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def _environment(self) -> dict[str, str]:
        bare = {k: v for k, v in os.environ.items() if not k.startswith("ROWCOL_")}
        return {**bare, **self.environment}

    def __call__(self, *arguments: str, rc: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run to its end; the exit code must be `rc`. Never a traceback."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=100,
        )
        said = f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert rc is None or done.returncode == rc, said
        assert "Traceback" not in done.stdout + done.stderr, said
        assert "\x1b[" not in done.stdout + done.stderr, said
        return done

    def json(self, *arguments: str, rc: int = 0) -> Any:
        """The one object on stdout."""
        (line,) = self(*arguments, "--json", rc=rc).stdout.splitlines()
        return json.loads(line)

    def lines(self, *arguments: str) -> list[Any]:
        """The objects on stdout, one a line."""
        return [json.loads(line) for line in self(*arguments, "--json").stdout.splitlines()]

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[dict[str, Any]]:
        """A command that stays; its first line, an object. Stopped by SIGTERM, it must end with 0."""
        process = subprocess.Popen(
            [*PROGRAM, *arguments, "--json"],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise AssertionError(process.communicate()[1])
            yield json.loads(line)
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert "Traceback" not in said
