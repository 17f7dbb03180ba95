"""Rig: `rowcol` as a person or a script runs it: a process, an environment of its own, a folder."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from rowcol.cli.main import run

PROGRAM = [sys.executable, "-c", "from rowcol.cli.main import run; run()"]


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def checked(arguments: tuple[str, ...], said: Said, rc: int | None) -> Said:
    """The exit code as expected; never a traceback, never a colour."""
    text = f"{arguments}: {said.returncode}\n{said.stdout}{said.stderr}"
    assert rc is None or said.returncode == rc, text
    assert "Traceback" not in text, text
    assert "\x1b[" not in text, text
    return said


@dataclass
class Shell:
    """A folder to run commands in."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def _environment(self) -> dict[str, str]:
        bare = {k: v for k, v in os.environ.items() if not k.startswith("ROWCOL_")}
        return {**bare, **self.environment}

    def __call__(self, *arguments: str, rc: int | None = 0) -> Said:
        """Run to its end, in this process as it is a hundred times faster; the exit code must be `rc`."""
        out, err = io.StringIO(), io.StringIO()
        with self._within(arguments, out, err):
            try:
                run()
                code = 0
            except SystemExit as ended:
                code = int(ended.code or 0)
        return checked(arguments, Said(code, out.getvalue(), err.getvalue()), rc)

    def process(self, *arguments: str, rc: int | None = 0) -> Said:
        """The same as a process of its own."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=100,
        )
        return checked(arguments, Said(done.returncode, done.stdout, done.stderr), rc)

    @contextlib.contextmanager
    def _within(
        self, arguments: tuple[str, ...], out: io.StringIO, err: io.StringIO
    ) -> Iterator[None]:
        """Everything that a process would have of its own; put back afterwards."""
        root, chosen = logging.getLogger(), structlog.get_config()
        before = (Path.cwd(), dict(os.environ), sys.argv, sys.stdin, root.handlers, root.level)
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self._environment())
        sys.argv, sys.stdin = ["rowcol", *arguments], io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                yield
        finally:
            os.chdir(before[0])
            os.environ.clear()
            os.environ.update(before[1])
            sys.argv, sys.stdin, root.handlers = before[2:5]
            root.setLevel(before[5])
            structlog.configure(**chosen)

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
        assert "Traceback" not in said, said


@contextlib.contextmanager
def file_size(most: int) -> Iterator[None]:
    """No file of this process grows beyond this: to a program, a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
