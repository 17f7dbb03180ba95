"""Schema: which version of our tables a database has, and upgrading it. Forward only; Alembic is imported when it is needed.

| state   | means                                  | the embedded file | anything else           |
|---------|----------------------------------------|-------------------|-------------------------|
| MISSING | no tables of ours                      | made              | refused: `db upgrade`   |
| OLDER   | an earlier release of ours wrote it    | upgraded          | refused: `db upgrade`   |
| CURRENT | fits                                   | opened            | opened                  |
| NEWER   | a later release wrote it               | refused           | refused: update rowcol  |
"""

from __future__ import annotations

import contextlib
import io
import sqlite3
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, Engine, column, create_engine, inspect, select, table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from rowcol.adapters.files import made_whole, size_of
from rowcol.adapters.sql.engine import async_url
from rowcol.adapters.sql.executor import DAMAGE, refusal_of, sqlite_code
from rowcol.adapters.sql.sqlite import Options, in_transaction, sqlite_engine
from rowcol.adapters.sql.tables import PREFIX, Tables, tables
from rowcol.core.refusal import Misconfigured

if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")
KNOWN = ("0001", "0002", "0003", "0004")
"""Every migration, oldest first. A test holds it to the folder `migrations/versions`."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaState(StrEnum):
    """How a database's tables compare with this release's."""

    MISSING = "MISSING"
    OLDER = "OLDER"
    CURRENT = "CURRENT"
    NEWER = "NEWER"


def judge(version: str | None, known: Sequence[str] = KNOWN) -> SchemaState:
    """What a version row says; none at all is MISSING, one that we never made is NEWER."""
    if version is None:
        return SchemaState.MISSING
    if version == known[-1]:
        return SchemaState.CURRENT
    return SchemaState.OLDER if version in known else SchemaState.NEWER


def insist(state: SchemaState) -> None:
    """Raise `Misconfigured` unless it is CURRENT."""
    if state is SchemaState.CURRENT:
        return
    if state is SchemaState.NEWER:
        raise Misconfigured(
            "the database was written by a newer release of rowcol",
            "update rowcol, or restore a backup that was made before the newer release",
        )
    what = (
        "has no tables of rowcol yet" if state is SchemaState.MISSING else "is of an older release"
    )
    raise Misconfigured(f"the database {what}", "make a backup, then run `rowcol db upgrade`")


def state_of(conn: Connection, t: Tables) -> SchemaState:
    """How the tables behind a connection compare."""
    if not inspect(conn).has_table(t.version_table, schema=t.schema):
        return SchemaState.MISSING
    place = table(t.version_table, column("version_num"), schema=t.schema)
    return judge(conn.execute(select(place.c.version_num)).scalar())


def upgrade_file(path: Path) -> None:
    """Make or upgrade the embedded file. An up-to-date one costs one small read."""
    state = judge(_file_version(path))
    if state is SchemaState.NEWER:
        insist(state)
    if state is SchemaState.CURRENT:
        return
    _upgrade_sqlite(path, None, PREFIX)


def check(
    url_or_engine: str | Engine, *, schema: str | None = None, prefix: str = PREFIX
) -> SchemaState:
    """How a database's tables compare."""
    return _with_engine(url_or_engine, schema, prefix, _check)


def upgrade(
    url_or_engine: str | Engine, *, schema: str | None = None, prefix: str = PREFIX
) -> None:
    """Bring a database to this release. Raise `Misconfigured` for a newer one. Concurrent upgrades wait for each other."""
    file = None if isinstance(url_or_engine, Engine) else _sqlite_file(url_or_engine)
    if file is not None:
        _upgrade_sqlite(file, schema, prefix)
    else:
        _with_engine(url_or_engine, schema, prefix, upgrade_engine)


def _upgrade_sqlite(path: Path, schema: str | None, prefix: str) -> None:
    """A file that is not there yet appears whole, and only its owner may read it."""
    with contextlib.nullcontext(path) if path.exists() else made_whole(path) as place:
        _with_engine(sqlite_engine(place, Options()), schema, prefix, upgrade_engine)


def upgrade_engine(engine: Engine, t: Tables) -> None:
    """The same, on an engine. All or nothing."""
    from alembic import command  # noqa: PLC0415 - takes 0.2 s to import and is rarely needed

    with engine.connect() as conn:
        conn.exec_driver_sql(
            "SELECT pg_advisory_xact_lock(7263052)" if t.is_postgres else "BEGIN IMMEDIATE"
        )
        state = state_of(conn, t)
        if state is SchemaState.NEWER:
            insist(state)
        if state is not SchemaState.CURRENT:
            if t.schema is not None and not inspect(conn).has_schema(t.schema):
                conn.execute(CreateSchema(t.schema))
            command.upgrade(_config(t, conn), "head")
        conn.commit()
        if not t.is_postgres and in_transaction(conn):
            conn.exec_driver_sql("COMMIT")


def sql(*, schema: str | None = None, prefix: str = PREFIX, is_postgres: bool = True) -> str:
    """The DDL from nothing to this release, for those who apply it themselves."""
    from alembic import command  # noqa: PLC0415 - takes 0.2 s to import and is rarely needed

    out = io.StringIO()
    config = _config(tables(schema, prefix, is_postgres=is_postgres), None)
    config.output_buffer = out
    command.upgrade(config, "head", sql=True)
    return out.getvalue()


def _check(engine: Engine, t: Tables) -> SchemaState:
    with engine.connect() as conn:
        return state_of(conn, t)


def _with_engine(
    url_or_engine: str | Engine, schema: str | None, prefix: str, do: Callable[[Engine, Tables], T]
) -> T:
    engine = url_or_engine if isinstance(url_or_engine, Engine) else _sync_engine(url_or_engine)
    try:
        t = tables(schema, prefix, is_postgres=engine.dialect.name == "postgresql")
        return do(engine, t)
    except DBAPIError as error:
        raise refusal_of(error) from None
    finally:
        if engine is not url_or_engine:
            engine.dispose()


def _sync_engine(url: str) -> Engine:
    file = _sqlite_file(url)
    if file is not None:
        return sqlite_engine(file, Options())
    return create_engine(async_url(url), hide_parameters=True)


def _sqlite_file(url: str) -> Path | None:
    place = async_url(url)
    return Path(place.database or "") if place.get_backend_name() == "sqlite" else None


def _config(t: Tables, conn: Connection | None) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - takes 0.2 s to import and is rarely needed

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["tables"] = t
    config.attributes["connection"] = conn
    return config


def _file_version(path: Path) -> str | None:
    """Read without SQLAlchemy: this is what every start does."""
    if not size_of(path):
        return None
    try:
        conn = sqlite3.connect(path, timeout=5)
        try:
            row = conn.execute(f"SELECT version_num FROM {PREFIX}version").fetchone()  # noqa: S608 - a constant
        finally:
            conn.close()
    except sqlite3.DatabaseError as error:
        if "no such table" in str(error):
            return None
        if sqlite_code(error) not in DAMAGE:
            raise refusal_of(error) from None
        raise Misconfigured(
            f"{path} cannot be read as a database of rowcol ({error})",
            "restore a backup (docs/operations.md, Back up)",
        ) from error
    return None if row is None else str(row[0])
