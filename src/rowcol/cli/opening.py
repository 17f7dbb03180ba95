"""Opening: the plane as commands need it, and the firm and business that they name."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rowcol.core.ids import FirmId
from rowcol.core.refusal import Misconfigured, NotFound

if TYPE_CHECKING:
    from rowcol.services.plane import OpenPlane


@dataclass(frozen=True, slots=True)
class Desk:
    """An open plane and the firm that a command works for."""

    plane: OpenPlane
    firm: FirmId


def use_file(path: Path) -> None:
    """Read settings from this file, here and in what we start."""
    os.environ["ROWCOL_CONFIG"] = str(path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `Misconfigured` where the system does not let us."""
    try:
        yield
    except OSError as error:
        raise Misconfigured(
            f"cannot write {path}: {error.strerror}", "name a folder that this user may write"
        ) from error


@asynccontextmanager
async def opened(*, level: str = "error") -> AsyncIterator[OpenPlane]:
    """The plane that settings name. Nothing is worked on: a command that waits for an answer starts the runner for its
    own business (`runner.start(only=...)`), beside any service on the same database."""
    from rowcol.bootstrap import Plane
    from rowcol.cli.logs import to_stderr
    from rowcol.settings import load

    to_stderr(level)
    async with Plane.open(load(), run=False) as plane:
        yield plane


@asynccontextmanager
async def desk(firm: str) -> AsyncIterator[Desk]:
    """The plane and one of its firms."""
    async with opened() as plane:
        yield Desk(plane, await firm_of(plane, firm))


async def firm_of(plane: OpenPlane, word: str) -> FirmId:
    """By id or name; the only one where nothing is said."""
    firms = await plane.store.list_firms()
    if not word:
        if len(firms) == 1:
            return firms[0].id
        if not firms:
            raise Misconfigured("there is no firm yet", "run `rowcol init`, or `rowcol firm add`")
        names = ", ".join(f.name for f in firms[:10])
        raise Misconfigured(f"there are {len(firms)} firms: {names}", "say which with --firm")
    found = [f for f in firms if word in (f.id, f.name)]
    if len(found) != 1:
        raise NotFound(f"no firm {word!r}", "list them with `rowcol firm list`")
    return found[0].id
