"""Executor: what a database's error means to people."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from rowcol.adapters.sql.executor import Mistaken, refusal_of, sqlite_code, sqlstate
from rowcol.core.refusal import Busy, Conflict, Misconfigured, Refusal


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
        ("SELECT nothing FROM kept", Misconfigured),
        ("INSERT INTO kept (nothing) VALUES (1)", Misconfigured),
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
    with contextlib.closing(sqlite3.connect(path)) as conn:
        with pytest.raises(sqlite3.DatabaseError) as caught:
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
