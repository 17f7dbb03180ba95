"""File: whether the database that this process has open is still the one under its name, whole, with its log, and with space.

SQLite goes on with a file that was deleted, overwritten or lost its log, and would acknowledge what nobody ever finds again.
Who else wrote into the file or cut the log is told by the head of SQLite's lock table (`-shm`, https://sqlite.org/walformat.html):

| seen                                            | while the table says                 | means            |
|-------------------------------------------------|--------------------------------------|------------------|
| the log is shorter                              | the log has frames beyond that       | the log was cut  |
| the file has another time of its last write     | no checkpoint since the last look    | overwritten      |
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections import Counter
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
_TABLE = struct.Struct("=14x H I 12x 8s 56x I 28x I")
"""Of the lock table: page size, frames in the log, its salts; frames that are in the file, and that a checkpoint began to write."""
_LOG_HEAD_BYTES, _FRAME_HEAD_BYTES = 32, 24
_USERS = Counter[Path]()
"""Who of this process has a file open. Closing a lock table would drop the locks that SQLite has on it for all of them."""

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
        self._spoilt = ""
        self._table: int | None = None
        self._head: int | None = None
        self._last: tuple[bytes, int] | None = None

    def check_written(self) -> None:
        """The same, before what was written is kept: once damage was met nothing is."""
        if self._is_damaged:
            raise Damaged
        self.check()

    def check(self) -> None:
        """Raise `Busy` unless the file of the first check is still there, not cut short or overwritten, and has its whole log.

        Nothing is done any more with a file that was overwritten or its log cut.
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
        if spoilt := self._spoiling():
            raise _refused(f"{spoilt} while it was open", _RESTORE)

    def may_close(self) -> bool:
        """Whether a connection may be closed: the last one writes the log into the file."""
        try:
            self.check()
        except Refusal as refused:
            return refused.what_to_do == _LOG
        return True

    @contextlib.contextmanager
    def opening(self) -> Iterator[None]:
        """While a connection is made: log and lock table stay those of the first until the last is `closed`."""
        with self._lock:
            yield
            if not self._connections:
                self._sides, self._last = self._beside(), None
                self._open_table()
            self._connections += 1

    def closed(self) -> None:
        """A connection is about to go."""
        with self._lock:
            self._connections -= 1

    def _open_table(self) -> None:
        if self._table is not None:
            found = os.fstat(self._table)
            if (found.st_dev, found.st_ino) == self._sides[1]:
                return
        self.end()
        with contextlib.suppress(OSError):
            self._table = os.open(f"{self._path}-shm", os.O_RDONLY)
            _USERS[self._path] += 1

    def end(self) -> None:
        """Every connection of this file is closed."""
        table, self._table = self._table, None
        if table is not None:
            _USERS[self._path] -= 1
            if not _USERS[self._path]:
                os.close(table)

    def _spoiling(self) -> str:
        """The same until the next start: SQLite goes on from what it has in memory."""
        with self._lock:
            if self._connections and not self._spoilt:
                with contextlib.suppress(FileNotFoundError):  # just now: the next look says so
                    self._spoilt = self._foreign()
            return self._spoilt

    def _foreign(self) -> str:
        """What another than SQLite did to the file or its log; empty if nothing."""
        last, table = self._last, self._read_table()
        written_ns, log_bytes = self._path.stat().st_mtime_ns, self._log_bytes()
        self._last = (
            table,
            written_ns,
        )  # the table before the time: a checkpoint between shows in the next table
        if len(table) < _TABLE.size:
            return ""  # cut, so that SQLite ends with it
        page_bytes, frames, _, done, begun = _TABLE.unpack(table)
        page_bytes = 65_536 if page_bytes == 1 else page_bytes
        is_cut = log_bytes < _LOG_HEAD_BYTES + frames * (_FRAME_HEAD_BYTES + page_bytes)
        is_other = last is not None and last[1] != written_ns and done == begun
        is_other = is_other and last is not None and _checkpoints(last[0]) == _checkpoints(table)
        if not (frames and is_cut) and not is_other:
            return ""
        if _checkpoints(self._read_table()) != _checkpoints(table):
            return ""  # meanwhile
        return "was overwritten" if is_other else "has lost its log: -wal was cut short"

    def _read_table(self) -> bytes:
        return b"" if self._table is None else os.pread(self._table, _TABLE.size, 0)

    def _log_bytes(self) -> int:
        return Path(f"{self._path}-wal").stat().st_size

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
        if self._head is None:  # stays open: closing it would drop SQLite's locks on the file
            self._head = os.open(self._path, os.O_RDONLY)
        head = os.pread(self._head, _HEADER.size, 0)
        if len(head) < _HEADER.size:
            return True
        page_bytes, pages = _HEADER.unpack(head)
        size: int = pages * (65_536 if page_bytes == 1 else page_bytes)
        return self._path.stat().st_size < size


def _checkpoints(table: bytes) -> tuple[object, ...]:
    """Differs once one has begun, ended, or been followed by a new log."""
    return _TABLE.unpack(table)[2:] if len(table) == _TABLE.size else ()


def _identity_of(path: Path) -> Identity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _refused(what: str, what_to_do: str) -> Refusal:
    return Busy(f"the database file {what}; nothing is acknowledged", what_to_do, RETRY_AFTER_S)
