"""Executor: what a database's error means to people."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from rowcol.adapters.sql.executor import refusal_of, sqlite_code, sqlstate
from rowcol.core.refusal import Busy, Conflict


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


def test_what_is_there_already_is_a_conflict_and_our_mistakes_stay_ours() -> None:
    assert isinstance(refusal_of(wrapped(PostgresError("23505"), IntegrityError)), Conflict)
    mistake = wrapped(PostgresError("42601"), ProgrammingError)
    assert refusal_of(mistake) is mistake
