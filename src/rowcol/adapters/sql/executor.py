"""Executor: who runs the synchronous functions of this package in a transaction. Here: the contract, and errors as refusals.

A database's error names values of the statement (SQLAlchemy its parameters, PostgreSQL the row in
its way), so that no refusal is chained to one: of it only its class and code are kept, as a note (and SQLite's text, which
names tables and columns only).

`sqlite.py` runs them in threads of our own with group commit, `engine.py` on any async engine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from rowcol.adapters.sql.tx import Tx
from rowcol.core.refusal import BadInput, Busy, Conflict, Misconfigured, Refusal

T = TypeVar("T")
Job = Callable[[Tx], T]
DatabaseError = DBAPIError | sqlite3.Error
DATABASE_ERRORS = (DBAPIError, sqlite3.Error)
"""From SQLAlchemy, or from the driver itself where it runs what is prepared."""


class Executor(Protocol):
    """Runs a job whole or not at all. Raises what the job raised, or `Busy` when the database did not take it."""

    async def write(self, job: Job[T]) -> T:
        """Run in a transaction that is on disk when this returns."""

    async def read(self, job: Job[T]) -> T:
        """Run on one consistent state of everything written before."""

    def check(self) -> int | None:
        """Bytes left on the disk of the database, None where nobody knows. Raise what is wrong with its file."""

    async def close(self) -> None:
        """Finish what was begun, then let go of the database."""


_OWNER = (
    "let this user write the file and its folder (owner, mode, a disk that is mounted read-only)"
)
FULL = (
    "the disk of the database is full; nothing was stored",
    "free some space on it; it goes on by itself",
    30,
)
_SQLITE = {
    "SQLITE_FULL": FULL,
    "SQLITE_BUSY": (
        "another process holds the database",
        "try again; if it lasts, look who holds the file",
        2,
    ),
    "SQLITE_LOCKED": ("the database is locked", "try again", 2),
    "SQLITE_PROTOCOL": ("the database is locked", "try again", 2),
    "SQLITE_READONLY": (
        "the database file may not be written",
        _OWNER,
        30,
    ),
    "SQLITE_IOERR": (
        "the disk of the database does not work",
        "check the disk; nothing was stored",
        30,
    ),
    "SQLITE_IOERR_WRITE": (
        "the disk of the database takes no more, or does not work; nothing was stored",
        "free some space on it, look at quotas and at the limit of a file's size (`ulimit -f`), check the disk",
        30,
    ),
    "SQLITE_CANTOPEN": (
        "the database file cannot be opened",
        _OWNER,
        30,
    ),
}
_POSTGRES = {
    "40001": ("too many writers moved the same rows", "try again", 1),
    "40P01": ("too many writers moved the same rows", "try again", 1),
    "55P03": ("another process holds rows of the database", "try again", 2),
    "57014": ("the database took too long", "try again; look at its load", 5),
    "53100": ("the disk of the database is full; nothing was stored", "free some space on it", 30),
    "53300": ("the database takes no more connections", "try again; raise max_connections", 5),
}
RETRIED = frozenset({"40001", "40P01"})
_CHECK = "run `rowcol db check`; then `rowcol db upgrade`, or restore a backup"
_WRONG_TABLES = ("the tables of the database are not those of this release", _CHECK)
_NOT_ALLOWED = (
    "the database does not let its user do this",
    "give the user of the URL the rights on our tables; then run `rowcol db check`",
)
_MISCONFIGURED = {
    "3F000": _WRONG_TABLES,
    "42P01": _WRONG_TABLES,
    "42703": _WRONG_TABLES,
    "42501": _NOT_ALLOWED,
}
DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_LACKS = ("no such table", "no such column", "has no column named")
"""SQLite has one code for these and for mistakes of ours; only its text tells them apart."""


class Damaged(Misconfigured):
    """Pages of the file are not what SQLite wrote, or it is no database."""

    def __init__(self) -> None:
        super().__init__(
            "the database file is damaged, or is none",
            "stop what uses it and restore a backup; `rowcol doctor` reads every page",
        )


class Mistaken(Exception):
    """The database refused a statement of ours: a mistake in this package, not of its user."""


def sqlite_code(error: DatabaseError) -> str:
    """SQLite's primary error name, such as `SQLITE_FULL`; empty for another database."""
    name = str(getattr(_origin(error), "sqlite_errorname", "") or "")
    return "_".join(name.split("_")[:2])


def sqlstate(error: DatabaseError) -> str:
    """PostgreSQL's code; empty for another database."""
    return str(getattr(_origin(error), "sqlstate", "") or "")


def refusal_of(error: DatabaseError) -> Refusal | Mistaken:
    """What to raise for a database's error, `from None`: a refusal, or `Mistaken` when it is a mistake of ours."""
    origin, code = _origin(error), sqlite_code(error) or sqlstate(error)
    found = _refusal_of(error, origin, code)
    said = str(origin) if isinstance(origin, sqlite3.Error) else ""
    found.add_note(f"the database's error: {type(origin).__name__} {code} {said}".rstrip())
    return found


def _refusal_of(error: DatabaseError, origin: BaseException, code: str) -> Refusal | Mistaken:
    whole = str(
        getattr(origin, "sqlite_errorname", "")
    )  # of a write: SQLite says no more of EFBIG and EDQUOT
    busy = _SQLITE.get(whole) or _SQLITE.get(code) or _POSTGRES.get(code)
    if busy is not None or code in DAMAGE:
        return Damaged() if busy is None else Busy(*busy)
    wrong = _MISCONFIGURED.get(code)
    is_sqlite = isinstance(origin, sqlite3.Error)
    if wrong is None and is_sqlite and any(each in str(origin) for each in _LACKS):
        wrong = _WRONG_TABLES
    if wrong is not None:
        return Misconfigured(*wrong)
    if isinstance(error, IntegrityError | sqlite3.IntegrityError):
        return Conflict("it is there already, or moved meanwhile", "look again")
    if isinstance(error, DataError):  # PostgreSQL takes no NUL, where SQLite does
        return BadInput(
            "the database cannot hold a character of it", "leave out control characters"
        )
    is_cut = isinstance(error, DBAPIError) and error.connection_invalidated
    if is_cut or (not is_sqlite and isinstance(error, OperationalError | InterfaceError)):
        return Busy("the database does not answer", "check that it runs; nothing was stored", 5)
    return Mistaken("the database refused a statement of rowcol; please report it")


def _origin(error: DatabaseError) -> BaseException:
    """The driver's own."""
    return (error.orig or error) if isinstance(error, DBAPIError) else error
