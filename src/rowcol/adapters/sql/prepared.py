"""Prepared: statements built once per installation. On a file of our own the driver itself runs their text.

SQLAlchemy's handling of one execution costs five to ten times what SQLite needs for it, and each
step of a reconcile is some twenty executions. On PostgreSQL and on a host's engine SQLAlchemy runs
the same statement.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, Concatenate, ParamSpec

from sqlalchemy import BindParameter, Executable, Text, bindparam
from sqlalchemy.dialects import sqlite

from rowcol.adapters.sql.tables import Tables

P = ParamSpec("P")
_DIALECT = sqlite.dialect(paramstyle="qmark")


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A statement and, for SQLite, its text with the names of its `?` in order.

    `constants` are values that the statement brings along. Values must be of types that the driver
    takes as they are; rows come as named tuples of what it gave (a boolean as 0 or 1).
    """

    statement: Executable
    text: str = ""
    names: tuple[str, ...] = ()
    constants: Mapping[str, Any] | None = None
    make_row: Callable[[Any], Any] = tuple

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """In the order of the text. Raise `KeyError` for a value that is missing."""
        if self.constants:
            values = {**self.constants, **values}
        return [values[name] for name in self.names]


def filled(values: Sequence[str]) -> dict[str, str]:
    """Values as `k0`, `k1`, ... of a `listed`: as many as the next power of two, so that few statements are ever built."""
    count = 1 << (len(values) - 1).bit_length()
    return {f"k{n}": values[min(n, len(values) - 1)] for n in range(count)}


def listed(count: int) -> list[BindParameter[str]]:
    """So many places for `IN`."""
    return [bindparam(f"k{n}", type_=Text) for n in range(count)]


def prepared(
    build: Callable[Concatenate[Tables, P], Executable],
) -> Callable[Concatenate[Tables, P], Prepared]:
    """Make a builder of a statement give the same `Prepared` for the same arguments."""
    kept: Any = cache(lambda t, *args, **kwargs: _prepare(t, build(t, *args, **kwargs)))
    return wraps(build)(kept)


def _prepare(t: Tables, statement: Executable) -> Prepared:
    if t.is_postgres:
        return Prepared(statement)
    compiled: Any = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined] # all that we build have it
    text, names = str(compiled), tuple(compiled.positiontup)
    assert "POSTCOMPILE" not in text, "an IN of a prepared statement wants `listed`"
    constants = {
        name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required
    }
    columns = [column.name for column in getattr(statement, "exported_columns", ())]
    row: Any = namedtuple("row", columns)  # type: ignore[misc] # noqa: PYI024 - known here only
    return Prepared(statement, text, names, constants, row._make)
