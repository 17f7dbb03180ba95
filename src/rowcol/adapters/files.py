"""Files: made whole or not at all, for their owner only."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rowcol.core.refusal import Misconfigured

SIDES = ("-wal", "-shm")
"""What SQLite keeps beside a database, by what its name ends with."""


def size_of(path: Path) -> int:
    """Bytes of a file, 0 where there is none. Raise `Misconfigured` where nobody can tell."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be looked at: {error.strerror}",
            "check owner and mode of the folders above it, and that its disk is mounted",
        ) from error


def write_new(path: Path, text: str) -> bool:
    """A file with this text, on disk when it returns. False, and nothing is changed, where there is one that is not empty."""
    if size_of(path):
        return False
    with made_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return True


@contextlib.contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """An empty file beside `path` to be filled. It becomes `path` when it is on disk; where that failed, nothing is left of it.

    Where another process was quicker, its file stays. Raise `Misconfigured` where the system does not let us.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        os.close(handle)
        temporary = Path(name)
        yield temporary
        _flush(temporary)
        _name(temporary, path)
        _flush(path.parent)
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise Misconfigured(
            f"cannot write {path}: {error.strerror}",
            "free some space on its disk, then run it again"
            if is_full
            else "name a folder that this user may write",
        ) from error
    finally:
        for end in ("", *SIDES) if temporary is not None else ():
            Path(f"{temporary}{end}").unlink(missing_ok=True)


def _name(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        if not size_of(path):  # what an earlier release left of a full disk
            temporary.replace(path)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
