"""Executor: what a database's error means to people."""

from __future__ import annotations

import contextlib
import sqlite3
import traceback
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from rowcol.adapters.sql import SqlStore
from rowcol.adapters.sql.engine import engine_of
from rowcol.adapters.sql.executor import Job, Mistaken, refusal_of, sqlite_code, sqlstate
from rowcol.adapters.sql.sqlite import Options, sqlite_engine
from rowcol.adapters.sql.tx import Tx
from rowcol.core.records import Firm
from rowcol.core.refusal import Busy, Conflict, Misconfigured, Refusal
from tests.adapters.sql.stores import OnHostsSqlite, OnPostgres, OnSqlite
from tests.contracts.values import A, after, furnish, intent


class SqliteError(sqlite3.OperationalError):
    def __init__(self, name: str) -> None:
        super().__init__("database or disk is full")
        self.sqlite_errorname = name


class PostgresError(Exception):
    def __init__(self, code: str) -> None:
        super().__init__("could not serialize access")
        self.sqlstate = code


def wrapped(error: Exception, kind: type[DBAPIError] = OperationalError) -> DBAPIError:
    return kind("SELECT secret", {}, error)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_FULL", "SQLITE_FULL"),
        ("SQLITE_BUSY_SNAPSHOT", "SQLITE_BUSY"),
        ("SQLITE_IOERR_FSYNC", "SQLITE_IOERR"),
    ],
)
def test_sqlite_failures_are_busy_with_what_to_do(name: str, code: str) -> None:
    error = wrapped(SqliteError(name))
    refusal = refusal_of(error)
    assert sqlite_code(error) == code
    assert isinstance(refusal, Busy)
    assert refusal.what_to_do
    assert "secret" not in refusal.message


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03", "57014", "53100", "08006"])
def test_postgres_failures_are_busy(code: str) -> None:
    error = wrapped(PostgresError(code))
    assert sqlstate(error) == code
    assert isinstance(refusal_of(error), Busy)


@pytest.mark.parametrize("code", ["42P01", "42703", "3F000", "42501"])
def test_other_tables_than_ours_want_a_check(code: str) -> None:
    refusal = refusal_of(wrapped(PostgresError(code), ProgrammingError))
    assert isinstance(refusal, Misconfigured)
    assert "rowcol db check" in refusal.what_to_do


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT 1 FROM nowhere", Misconfigured),
        ("SELECT colour FROM kept", Misconfigured),
        ("INSERT INTO kept (colour) VALUES (1)", Misconfigured),
        ("SELEC 1", Mistaken),
        ("INSERT INTO kept (id) VALUES (1)", Conflict),
    ],
)
def test_what_sqlite_itself_says(statement: str, kind: type[Exception]) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as conn:
        conn.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY)")
        conn.execute("INSERT INTO kept (id) VALUES (1)")
        with pytest.raises(sqlite3.Error) as caught:
            conn.execute(statement)
    name = IntegrityError if kind is Conflict else OperationalError
    for error in (caught.value, wrapped(caught.value, name)):
        assert type(refusal_of(error)) is kind


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"no database" * 1000)
    conn = sqlite3.connect(path)
    with contextlib.closing(conn), pytest.raises(sqlite3.DatabaseError) as caught:
        conn.execute("SELECT 1 FROM kept")
    refusal = refusal_of(caught.value)
    assert isinstance(refusal, Misconfigured)
    assert "backup" in refusal.what_to_do


def test_what_is_there_already_is_a_conflict_and_our_mistakes_stay_ours() -> None:
    assert isinstance(refusal_of(wrapped(PostgresError("23505"), IntegrityError)), Conflict)
    mistake = refusal_of(wrapped(PostgresError("42601"), ProgrammingError))
    assert isinstance(mistake, Mistaken)
    assert mistake.__notes__ == ["the database's error: PostgresError 42601"]
    assert not isinstance(mistake, Refusal)


VALUE = "a-value-that-nobody-may-log"


def write_null(tx: Tx) -> None:
    columns = {"id": VALUE, "name": None, "created_at_us": 1, "settings": VALUE}
    tx.run(tx.t.firms.insert(), columns)


def write_twice(tx: Tx) -> None:
    for _ in range(2):
        tx.run(tx.t.switches.insert(), {"name": VALUE, "reason": VALUE})


def say_nonsense(tx: Tx) -> None:
    tx.run(text("SELEC :value"), {"value": VALUE})


def drop_calls(tx: Tx) -> None:
    tx.run(text(f"DROP TABLE {tx.t.calls.fullname}"))


class SilenceContract:
    @pytest.mark.parametrize(
        ("job", "kind"), [(write_null, Conflict), (write_twice, Conflict), (say_nonsense, Mistaken)]
    )
    async def test_no_value_is_in_a_traceback(
        self, store: SqlStore, job: Job[None], kind: type[Exception]
    ) -> None:
        for run in (store.executor.write, store.executor.read):
            with pytest.raises(kind) as caught:
                await run(job)
            assert_silent(caught.value)
            assert "the database's error" in caught.value.__notes__[0]

    async def test_nor_of_what_is_prepared_or_there_already(self, store: SqlStore) -> None:
        await furnish(store, A, "c1")
        firm = Firm(A, VALUE, after(0))
        with pytest.raises(Conflict) as conflict:
            await store.add_firm(firm)
        assert_silent(conflict.value)
        await store.executor.write(drop_calls)
        with pytest.raises(Misconfigured, match="tables") as wrong:
            await store.open_call(A, intent("1", "c1", reason=VALUE))
        assert_silent(wrong.value)
        assert "rowcol db check" in wrong.value.what_to_do


def assert_silent(error: BaseException) -> None:
    said = "".join(traceback.format_exception(error))
    assert VALUE not in said
    assert "DBAPIError" not in said
    assert "parameters" not in said


class TestSilenceOnSqlite(OnSqlite, SilenceContract):
    pass


class TestSilenceOnHostsSqlite(OnHostsSqlite, SilenceContract):
    pass


class TestSilenceOnPostgres(OnPostgres, SilenceContract):
    pass


async def test_our_own_engines_hide_parameters(tmp_path: Path) -> None:
    ours = sqlite_engine(tmp_path / "x.db", Options())
    both = [engine_of(f"sqlite:///{tmp_path}/x.db"), engine_of("postgresql://x@127.0.0.1:1/x")]
    assert all(engine.hide_parameters for engine in (ours, *(each.sync_engine for each in both)))
    ours.dispose()
    for each in both:
        await each.dispose()
