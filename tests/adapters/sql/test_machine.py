"""The SQLite store against the naive model of `tests/contracts/store_machine`."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from rowcol.adapters.sql import SqlStore, open_sqlite, schema
from tests.contracts.store_machine import machine_of


@cache
def template() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="rowcol-machine-")
    _kept.append(folder)
    path = Path(folder.name) / "template.db"
    schema.upgrade_file(path)
    return path


_kept: list[tempfile.TemporaryDirectory[str]] = []
_made: list[None] = []


async def open_copy() -> SqlStore:
    _made.append(None)
    path = template().with_name(f"{len(_made)}.db")
    shutil.copy(template(), path)
    return await open_sqlite(path)


TestSqliteMachine = machine_of(open_copy, 15)
