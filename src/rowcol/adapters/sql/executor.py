"""Executor: who runs the synchronous functions of this package in a transaction. Here: the contract, and errors as refusals.

`sqlite.py` runs them in threads of our own with group commit, `engine.py` on any async engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from rowcol.adapters.sql.tx import Tx
from rowcol.core.refusal import Busy, Conflict

T = TypeVar("T")
Job = Callable[[Tx], T]


class Executor(Protocol):
    """Runs a job whole or not at all. Raises what the job raised, or `Busy` when the database did not take it."""

    async def write(self, job: Job[T]) -> T:
        """Run in a transaction that is on disk when this returns."""

    async def read(self, job: Job[T]) -> T:
        """Run on one consistent state of everything written before."""

    async def close(self) -> None:
        """Finish what was begun, then let go of the database."""


_SQLITE = {
    "SQLITE_FULL": (
        "the disk of the database is full; nothing was stored",
        "free some space on it; it goes on by itself",
        30,
    ),
    "SQLITE_BUSY": (
        "another process holds the database",
        "try again; if it lasts, look who holds the file",
        2,
    ),
    "SQLITE_LOCKED": ("the database is locked", "try again", 2),
    "SQLITE_READONLY": (
        "the database file may not be written",
        "check owner and mode of the file and its folder",
        30,
    ),
    "SQLITE_IOERR": (
        "the disk of the database does not work",
        "check the disk; nothing was stored",
        30,
    ),
    "SQLITE_CANTOPEN": (
        "the database file cannot be opened",
        "check owner and mode of the file and its folder",
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


def sqlite_code(error: DBAPIError) -> str:
    """SQLite's primary error name, such as `SQLITE_FULL`; empty for another database."""
    name = str(getattr(error.orig, "sqlite_errorname", "") or "")
    return "_".join(name.split("_")[:2])


def sqlstate(error: DBAPIError) -> str:
    """PostgreSQL's code; empty for another database."""
    return str(getattr(error.orig, "sqlstate", "") or "")


def refusal_of(error: DBAPIError) -> Exception:
    """The refusal that a database error means, or the error itself when it is a mistake of ours."""
    known = _SQLITE.get(sqlite_code(error)) or _POSTGRES.get(sqlstate(error))
    if known is not None:
        return Busy(*known)
    if isinstance(error, IntegrityError):
        return Conflict("it is there already, or moved meanwhile", "look again")
    if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
        return Busy("the database does not answer", "check that it runs; nothing was stored", 5)
    return error
