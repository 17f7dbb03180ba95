"""Opening: a store for a file, a URL or a host's engine. Only the embedded file is upgraded; anything else is checked."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from rowcol.adapters.sql import schema as versions
from rowcol.adapters.sql.engine import EngineExecutor, engine_of
from rowcol.adapters.sql.executor import refusal_of
from rowcol.adapters.sql.sqlite import Options, SqliteExecutor
from rowcol.adapters.sql.store import SqlStore
from rowcol.adapters.sql.tables import PREFIX, tables
from rowcol.ports import Clock


async def open_sqlite(
    path: Path | str, *, clock: Clock | None = None, options: Options | None = None
) -> SqlStore:
    """The embedded file, made or upgraded when it needs to be. Raise `Misconfigured` for a newer one, `Busy` for a locked one."""
    versions.upgrade_file(Path(path))
    return SqlStore(SqliteExecutor(Path(path), tables(), clock=clock, options=options))


async def open_url(
    url: str, *, schema: str | None = None, prefix: str = PREFIX, clock: Clock | None = None
) -> SqlStore:
    """A database by its URL. Raise `Misconfigured` unless its schema is current (`rowcol db upgrade`)."""
    engine = engine_of(url)
    try:
        return await _open(engine, schema=schema, prefix=prefix, clock=clock, is_ours=True)
    except BaseException:
        await engine.dispose()
        raise


async def open_engine(
    engine: AsyncEngine,
    *,
    schema: str | None = None,
    prefix: str = PREFIX,
    clock: Clock | None = None,
) -> SqlStore:
    """A host's own engine, which stays the host's. Raise `Misconfigured` unless the schema is current."""
    return await _open(engine, schema=schema, prefix=prefix, clock=clock, is_ours=False)


async def _open(
    engine: AsyncEngine, *, schema: str | None, prefix: str, clock: Clock | None, is_ours: bool
) -> SqlStore:
    t = tables(schema, prefix, is_postgres=engine.dialect.name == "postgresql")
    try:
        async with engine.connect() as conn:
            state = await conn.run_sync(versions.state_of, t)
    except DBAPIError as error:
        raise refusal_of(error) from None
    versions.insist(state)
    return SqlStore(EngineExecutor(engine, t, clock=clock, is_ours=is_ours))
