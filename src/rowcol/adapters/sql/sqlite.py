"""SQLite executor: one writer thread with group commit, two reader threads, on one file that processes may share.

    jobs --> queue (bounded) --> writer: BEGIN IMMEDIATE; SAVEPOINT job; ...; COMMIT --> every future at once

Jobs that wait together share one transaction and one flush to disk. A job that raises is rolled
back to its savepoint alone. When the database refuses the whole (full disk, locked file), every
job of the batch hears `Busy`, nothing of it is stored, and the next batch begins anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from rowcol.adapters.sql.executor import DATABASE_ERRORS, Job, T, refusal_of, sqlite_code
from rowcol.adapters.sql.file import DatabaseFile
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx
from rowcol.core.refusal import Busy
from rowcol.ports import Clock

QUEUE_MAX = 4096
BATCH_MAX = 256
READERS = 2
BUSY_TIMEOUT_MS = 5000
_KEEPS_CONNECTION = frozenset({"SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CONSTRAINT"})


@dataclass(frozen=True, slots=True)
class Options:
    """How the file is used.

    `is_durable` False: what was acknowledged survives a crash of the process, not of the machine
    (for demos). `max_page_count` bounds the file's size (tests fill the disk with it).
    """

    queue_max: int = QUEUE_MAX
    batch_max: int = BATCH_MAX
    readers: int = READERS
    busy_timeout_ms: int = BUSY_TIMEOUT_MS
    is_durable: bool = True
    max_page_count: int | None = None


@dataclass(slots=True, eq=False)
class _Waiting:
    """One job and who waits for it."""

    job: Job[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = field(default=None)


def sqlite_engine(path: Path, options: Options, *, mode: str = "rwc") -> Engine:
    """An engine whose connections leave transactions to us (`BEGIN IMMEDIATE`, `SAVEPOINT`). `mode` rw: it makes no file."""
    query = {"mode": mode, "uri": "true"}
    engine = create_engine(
        URL.create("sqlite", database=path.absolute().as_uri(), query=query),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            "check_same_thread": False,
            "timeout": options.busy_timeout_ms / 1000,
            "cached_statements": 512,
        },
    )

    @event.listens_for(engine, "connect")
    def _configure(dbapi: Any, _record: object) -> None:
        cursor = dbapi.cursor()
        with contextlib.suppress(sqlite3.OperationalError):
            # Two processes that make the file at once: one of them switches it for both.
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {'FULL' if options.is_durable else 'OFF'}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA cache_size = -16000")
        if options.max_page_count is not None:
            cursor.execute(f"PRAGMA max_page_count = {options.max_page_count:d}")
        cursor.close()

    return engine


class SqliteExecutor:
    """Threads start with the first job and end with `close`; they never keep a process alive."""

    def __init__(
        self, path: Path, t: Tables, *, clock: Clock | None = None, options: Options | None = None
    ) -> None:
        self._options = options or Options()
        self._engine = sqlite_engine(path, self._options, mode="rw")
        self._file = DatabaseFile(path)
        self._t = t
        self._clock = clock
        self._writes: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._reads: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    async def write(self, job: Job[T]) -> T:
        """Return once the transaction that carries the job is on disk."""
        return await self._submit(self._writes, job)

    async def read(self, job: Job[T]) -> T:
        """Return what the job read; never queued behind writes."""
        return await self._submit(self._reads, job)

    def check(self) -> int | None:
        """As the file is now."""
        return self._file.free_bytes()

    async def close(self) -> None:
        """Write what is queued, then end the threads."""
        if self._is_closed:
            return
        self._is_closed = True
        self._writes.put(None)
        for _ in range(self._options.readers):
            self._reads.put(None)
        for thread in self._threads:
            await asyncio.get_running_loop().run_in_executor(None, thread.join)
        self._engine.dispose()
        self._file.end()

    async def _submit(self, queue: SimpleQueue[_Waiting | None], job: Job[T]) -> T:
        if self._is_closed or queue.qsize() >= self._options.queue_max:
            what = "the store is closed" if self._is_closed else "the store's queue is full"
            raise Busy(what, "try again", retry_after_s=2)
        if not self._threads:
            self._start()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(job, loop, loop.create_future())
        queue.put(waiting)
        result: T = await waiting.future
        return result

    def _start(self) -> None:
        bodies = [("writer", self._write_loop)]
        bodies += [(f"reader-{n}", self._read_loop) for n in range(self._options.readers)]
        for name, body in bodies:
            thread = threading.Thread(target=body, name=f"rowcol-sqlite-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _write_loop(self) -> None:
        place = _Place(self._engine, self._file)
        while (batch := self._take()) is not None:
            try:
                _write_batch(place, self._t, self._clock, batch)
            except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
                _fail(batch, error)
            self._resolve(batch)
        place.close()

    def _take(self) -> list[_Waiting] | None:
        """What waits now, at least one; None at the end."""
        first = self._writes.get()
        if first is None:
            return None
        batch = [first]
        with contextlib.suppress(Empty):
            while len(batch) < self._options.batch_max:
                item = self._writes.get_nowait()
                if item is None:
                    self._writes.put(None)
                    break
                batch.append(item)
        return batch

    def _read_loop(self) -> None:
        place = _Place(self._engine, self._file)
        while (waiting := self._reads.get()) is not None:
            try:
                _read_one(place, self._t, self._clock, waiting)
            except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
                _fail([waiting], error)
            self._resolve([waiting])
        place.close()

    def _resolve(self, batch: Sequence[_Waiting]) -> None:
        """Wake everybody, with one call into each event loop."""
        for waiting in batch:
            self._file.note(waiting.error)
        for loop in {waiting.loop for waiting in batch}:
            mine = [waiting for waiting in batch if waiting.loop is loop]
            with contextlib.suppress(RuntimeError):  # that loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, mine)


class _Place:
    """A thread's connection, opened when needed and anew after the database failed."""

    def __init__(self, engine: Engine, file: DatabaseFile) -> None:
        self._engine = engine
        self.file = file
        self._conn: Connection | None = None

    def tx(self, t: Tables, clock: Clock | None) -> tuple[Tx, sqlite3.Connection]:
        """For the next transaction, and the driver that begins and ends it."""
        self.file.check()
        if self._conn is None:
            with self.file.opening():
                conn = self._engine.connect()
                try:  # a first read opens the log: until then another process that ends may take it away
                    conn.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar()
                except DATABASE_ERRORS:
                    conn.close()
                    raise
                with contextlib.suppress(
                    *DATABASE_ERRORS
                ):  # for `DatabaseFile`: none is half done now
                    conn.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").close()
                self._conn = conn
        driver = driver_of(self._conn)
        return Tx(self._conn, t, clock, driver), driver

    def recover(self, error: BaseException) -> None:
        """End whatever transaction is left; a connection that failed oddly is not used again."""
        if (conn := self._conn) is None:
            return
        try:
            if in_transaction(conn):
                conn.exec_driver_sql("ROLLBACK")
        except DATABASE_ERRORS:
            self.close()
        if isinstance(error, DATABASE_ERRORS) and sqlite_code(error) not in _KEEPS_CONNECTION:
            self.close()

    def close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None and not self.file.may_close():
            # Open until the process ends: SQLite would write the log into a file that it does not fit, and delete it.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(conn))
        elif conn is not None:
            self.file.closed()
            with contextlib.suppress(*DATABASE_ERRORS):
                conn.close()


def driver_of(conn: Connection) -> sqlite3.Connection:
    """Python's own connection, below SQLAlchemy's."""
    return conn.connection.driver_connection  # type: ignore[return-value] # what this dialect has


def in_transaction(conn: Connection) -> bool:
    """Whether SQLite itself has a transaction open: some errors end it unasked."""
    return driver_of(conn).in_transaction


def _write_batch(place: _Place, t: Tables, clock: Clock | None, batch: Sequence[_Waiting]) -> None:
    try:
        tx, driver = place.tx(t, clock)
        driver.execute("BEGIN IMMEDIATE")
        for waiting in batch:
            _run_job(tx, driver, waiting, place.file, is_alone=len(batch) == 1)
        place.file.check_written()  # what is cut now, COMMIT would make long again
        if driver.in_transaction:
            driver.execute("COMMIT")
        place.file.check()  # once more: nobody hears that it is stored where the file went meanwhile
    except DATABASE_ERRORS as error:
        place.recover(error)
        _fail(batch, refusal_of(error))
    except BaseException as error:
        place.recover(error)
        raise


def _run_job(
    tx: Tx, driver: sqlite3.Connection, waiting: _Waiting, file: DatabaseFile, *, is_alone: bool
) -> None:
    """One job under its savepoint. Raise when the whole transaction is lost."""
    if not is_alone:
        driver.execute("SAVEPOINT job")
    try:
        waiting.result = waiting.job(tx)
    except Exception as error:
        if not driver.in_transaction:  # SQLite rolled everything back by itself
            raise
        if is_alone:
            driver.execute("ROLLBACK")
        else:
            driver.execute("ROLLBACK TO job")
            driver.execute("RELEASE job")
        waiting.error = refusal_of(error) if isinstance(error, DATABASE_ERRORS) else error
        file.note(waiting.error)
    else:
        if not is_alone:
            driver.execute("RELEASE job")


def _read_one(place: _Place, t: Tables, clock: Clock | None, waiting: _Waiting) -> None:
    try:
        tx, driver = place.tx(t, clock)
        driver.execute("BEGIN")
        try:
            waiting.result = waiting.job(tx)
        finally:
            if driver.in_transaction:
                driver.execute("COMMIT")
    except DATABASE_ERRORS as error:
        place.recover(error)
        _fail([waiting], refusal_of(error))


def _fail(batch: Sequence[_Waiting], error: BaseException) -> None:
    """A job that failed by itself keeps its own error."""
    for waiting in batch:
        waiting.error = waiting.error or error


def _settle(batch: Sequence[_Waiting]) -> None:
    for waiting in batch:
        if waiting.future.done():
            continue
        if waiting.error is None:
            waiting.future.set_result(waiting.result)
        else:
            waiting.future.set_exception(waiting.error)
