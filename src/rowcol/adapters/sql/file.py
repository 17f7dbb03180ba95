"""File: whether the database that this process has open is still the one under its name, whole, with its log, and with space.

SQLite goes on with a file that was deleted, and would acknowledge what nobody ever finds again.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import structlog

from rowcol.adapters.files import SIDES
from rowcol.adapters.sql.executor import FULL, Damaged
from rowcol.core.refusal import Busy, Refusal

FREE_MIN_BYTES = 1 << 20
"""With less the disk counts as full: a batch of webhooks may be as large."""
RETRY_AFTER_S = 30
_RESTORE = "stop the service, put the file or a backup of it in its place (docs/operations.md, Back up), start"
_LOG = "stop the service, which writes what the log held into the database, and start it again"
_HEADER = struct.Struct(">16x H 10x I")
"""Page size at offset 16, and the count of pages at offset 28."""

Identity = tuple[int, int]
log = structlog.get_logger(__name__)


class DatabaseFile:
    """A file that an executor has open. Its threads share it: what they race for is only what was seen last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: Identity | None = None
        self._sides: tuple[Identity | None, ...] = ()
        self._connections = 0
        self._lock = threading.Lock()
        self._bytes_max = 0
        self._is_damaged = False

    def check(self) -> None:
        """Raise `Busy` unless the file of the first check is still there, not cut short, and has its log.

        A connection that is refused stays open: what it wrote before goes into the file when it is closed.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            raise _refused("was deleted while it was open", _RESTORE) from None
        except OSError as error:
            raise _refused(f"cannot be reached: {error.strerror}", _RESTORE) from None
        identity = (found.st_dev, found.st_ino)
        if self._identity is None:
            self._identity = identity
        if identity != self._identity:
            raise _refused("was replaced by another file while it was open", _RESTORE)
        if found.st_size < self._bytes_max and self._is_cut():
            raise _refused("was cut short while it was open", _RESTORE)
        self._bytes_max = found.st_size
        if self._connections and self._beside() != self._sides:
            raise _refused("has lost its log: -wal or -shm was deleted while it was open", _LOG)

    @contextlib.contextmanager
    def opening(self) -> Iterator[None]:
        """While a connection is made: log and lock table stay those of the first until the last is `closed`."""
        with self._lock:
            yield
            if not self._connections:
                self._sides = self._beside()
            self._connections += 1

    def closed(self) -> None:
        """A connection is about to go."""
        with self._lock:
            self._connections -= 1

    def _beside(self) -> tuple[Identity | None, ...]:
        return tuple(_identity_of(Path(f"{self._path}{end}")) for end in SIDES)

    def note(self, error: BaseException | None) -> None:
        """Remember damage until the next start: pages that can be read say nothing of the others."""
        if isinstance(error, Damaged) and not self._is_damaged:
            self._is_damaged = True
            log.error("store.damaged", what_to_do=error.what_to_do)

    def free_bytes(self) -> int:
        """What is left on its disk. Raise `Damaged` where damage was met, `Busy` where nothing is left."""
        self.check()
        if self._is_damaged:
            raise Damaged
        found = os.statvfs(self._path)
        free = found.f_bavail * found.f_frsize
        if free < FREE_MIN_BYTES:
            raise Busy(*FULL)
        return free

    def _is_cut(self) -> bool:
        """Whether it has less pages than its head says. A database that was vacuumed is shorter, and says so."""
        with self._path.open("rb") as file:
            head = file.read(_HEADER.size)
        if len(head) < _HEADER.size:
            return True
        page_bytes, pages = _HEADER.unpack(head)
        size: int = pages * (65_536 if page_bytes == 1 else page_bytes)
        return self._path.stat().st_size < size


def _identity_of(path: Path) -> Identity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _refused(what: str, what_to_do: str) -> Refusal:
    return Busy(f"the database file {what}; nothing is acknowledged", what_to_do, RETRY_AFTER_S)
