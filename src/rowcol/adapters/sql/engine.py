"""Engine executor: the same functions on any SQLAlchemy async engine: PostgreSQL, or a host's own.

On PostgreSQL a transaction that lost against others (serialization failure, deadlock) is run again
up to three times. On SQLite writers of this process go one after another, each by `BEGIN IMMEDIATE`.
"""

from __future__ import annotations

import asyncio
import contextlib

from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from rowcol.adapters.sql.executor import RETRIED, Job, T, refusal_of, sqlstate
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx
from rowcol.core.refusal import Misconfigured
from rowcol.ports import Clock

RETRIES_MAX = 3
STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 5_000
POSTGRES_OPTIONS = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
_TIMEOUTS = text(
    f"SELECT set_config('statement_timeout', '{STATEMENT_TIMEOUT_MS}', true), "
    f"set_config('lock_timeout', '{LOCK_TIMEOUT_MS}', true)"
)


_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}


class EngineExecutor:
    """`is_ours`: we made the engine, so it has our timeouts already and is disposed with us."""

    def __init__(
        self, engine: AsyncEngine, t: Tables, *, clock: Clock | None = None, is_ours: bool = False
    ) -> None:
        self._engine = engine
        self._t = t
        self._clock = clock
        self._is_ours = is_ours
        self._writer = asyncio.Lock()

    async def write(self, job: Job[T]) -> T:
        """Return once it is committed."""
        if self._t.is_postgres:
            return await self._retried(job)
        async with self._writer:
            return await self._once(job, "BEGIN IMMEDIATE")

    async def read(self, job: Job[T]) -> T:
        """Return what the job read."""
        return await self._once(job, "BEGIN")

    def check(self) -> int | None:
        """Unknown."""
        return None

    async def close(self) -> None:
        """A host's engine stays open."""
        if self._is_ours:
            await self._engine.dispose()

    async def _retried(self, job: Job[T]) -> T:
        for _ in range(RETRIES_MAX):
            with contextlib.suppress(_Lost):
                return await self._once(job, "", is_last=False)
        return await self._once(job, "")

    async def _once(self, job: Job[T], begin: str, *, is_last: bool = True) -> T:
        def inside(conn: Connection) -> T:
            if self._t.is_postgres:
                if not self._is_ours:
                    conn.execute(_TIMEOUTS)
            elif not conn.connection.driver_connection.in_transaction:  # type: ignore[union-attr] # aiosqlite.Connection
                conn.exec_driver_sql(begin)
            return job(Tx(conn, self._t, self._clock))

        try:
            async with self._engine.begin() as conn:
                return await conn.run_sync(inside)
        except DBAPIError as error:
            if not is_last and sqlstate(error) in RETRIED:
                raise _Lost from None
            raise refusal_of(error) from None


class _Lost(Exception):
    """The transaction lost against others; run it again."""


def engine_of(url: str) -> AsyncEngine:
    """An engine of ours. Raise `Misconfigured` for a URL that is none, or of a database that we do not know."""
    place = async_url(url)
    if place.get_backend_name() == "postgresql":
        return create_async_engine(
            place,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"options": POSTGRES_OPTIONS},
        )
    return create_async_engine(place, hide_parameters=True)


def async_url(url: str) -> URL:
    """The URL with the driver that we use."""
    try:
        place = make_url(url)
    except (ArgumentError, ValueError):
        raise Misconfigured(
            "the database URL cannot be read",
            "it looks like postgresql://user:password@host/database",
        ) from None
    driver = _DRIVERS.get(place.drivername)
    if driver is None:
        raise Misconfigured(
            f"no such database: {place.drivername}", "use postgresql://... or sqlite:///..."
        )
    return place.set(drivername=driver)
