"""Database findings: what `rowcol doctor` tells of the embedded file, its pages and the disk below it."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from rowcol.adapters.files import SIDES
from rowcol.adapters.sql.executor import refusal_of
from rowcol.cli.findings import Finding
from rowcol.core.refusal import Refusal

if TYPE_CHECKING:
    from rowcol.ports import FullStore

FREE_LOW_BYTES = 256 << 20
TOLD_MAX = 5
"""Damaged places that are named."""


def about_file(path: Path, *, is_served: bool = False) -> Iterator[Finding]:
    """Who may read it, whether it is open, and every page of it. `is_served`: a service answers, which has it open."""
    names = [path, *(path.with_name(f"{path.name}{end}") for end in SIDES)]
    if names[-1].exists() and not is_served:
        yield Finding("other processes", "note", "one has the database open, or was killed")
    loose = [str(p) for p in names if p.exists() and stat.S_IMODE(p.stat().st_mode) & 0o077]
    if loose:
        yield Finding(
            "database file", "wrong", "others may read it", f"chmod 600 {' '.join(loose)}"
        )
    yield _pages(path)


def _pages(path: Path) -> Finding:
    about = "database pages"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            found = [text for (text,) in file.execute(f"PRAGMA quick_check({TOLD_MAX})")]
    except sqlite3.Error as error:
        wrong = refusal_of(error)
        what_to_do = wrong.what_to_do if isinstance(wrong, Refusal) else ""
        return Finding(about, "wrong", str(wrong), what_to_do)
    if found == ["ok"]:
        return Finding(about, "ok", "every page can be read")
    text = "; ".join(" ".join(line.split()) for line in found)
    return Finding(about, "wrong", f"damaged: {text}", "stop what uses it and restore a backup")


async def about_space(store: FullStore) -> Finding:
    """Whether something can be stored now, and for how long."""
    about = "storing"
    try:
        free_bytes = await store.probe()
    except Refusal as error:
        return Finding(about, "wrong", error.message, error.what_to_do)
    if free_bytes is not None and free_bytes < FREE_LOW_BYTES:
        free = f"{free_bytes >> 20} MiB are left on the disk of the database"
        return Finding(about, "note", free, "free some space on it, or set ROWCOL_RETENTION_DAYS")
    return Finding(about, "ok", "something tiny was written and taken away again")
