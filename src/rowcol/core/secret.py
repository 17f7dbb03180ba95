"""Secret: a text that shows itself only where it is asked to. Tracebacks with locals and error trackers print `repr`.

`unseen` is for the places where the plain text has to be handed to code that takes a `str`.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, final

from typing_extensions import override

from rowcol.core.refusal import Refusal

T = TypeVar("T")


@final
class Secret:
    """A plain secret in memory. No subclass of `str`: whoever cuts one to length gets the plain text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; pass it on at once, never keep it in a local."""
        return self._text

    @override
    def __repr__(self) -> str:
        return "Secret(...)"


def hash_of(secret: str) -> str:
    """What is stored of a secret that somebody brings back: its SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://[^\s\"'<>]+")
_USER = re.compile(r"(?<=://).*@")
_LEFT = re.compile(r"(?<=//)(?!\*\*\*@)(?=[^\n/]{0,200}:)[^\n]{0,500}@")
"""Where a password has what ends an address, or the scheme is missing: up to the last @ of the line, rather too much."""
_NAMED = re.compile(r"(?i)\b(password|passwd|pwd)(\s*=\s*)('[^'\n]*'|\"[^\"\n]*\"|[^\s&;,]+)")
_VALUE = re.compile(r"([?&#;][^=&#;]*=)[^&#;]*")


def origin_of(error: BaseException) -> str:
    """Where an error came of, for a log: classes, files, lines and functions; no local variable and, unless it is a refusal
    of ours, no text of it, which may name what was handled."""
    parts, seen = [], set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))
        said = f": {error}" if isinstance(error, Refusal) else ""
        if type(error).__module__.startswith("rowcol."):
            said += "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        parts.append(f"{type(error).__name__}{said} at {where or 'nowhere'}")
        error = error.__cause__ or error.__context__  # type: ignore[assignment] # None ends it
    return "; of ".join(parts)


def redacted(text: str) -> str:
    """The text with the credentials of each address in it hidden: user and password, and every value of a query; and what is
    named a password."""
    text = _ADDRESS.sub(lambda found: _VALUE.sub(r"\1***", _USER.sub("***@", found[0])), text)
    return _NAMED.sub(r"\1\2***", _LEFT.sub("***@", text))


@contextmanager
def unseen() -> Iterator[None]:
    """An error from inside keeps its lines, but not what the functions called there had in their locals."""
    try:
        yield
    except Exception as error:
        _clear(error, set())
        raise


def hiding(service: type[T]) -> type[T]:
    """What the coroutine methods of a class raise keeps no locals of ours, nor those of whom we called: it is for faces whose
    errors land in a host's log."""
    for name, method in vars(service).copy().items():
        if inspect.iscoroutinefunction(method):
            setattr(service, name, _hiding(method))
    return service


def _hiding(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def hidden(*args: Any, **kwargs: Any) -> Any:
        work = method(*args, **kwargs)
        del args, kwargs  # a running frame keeps its own
        with unseen():
            return await work

    return hidden


def _clear(error: BaseException | None, seen: set[int]) -> None:
    """Of the error and of every error that it came of. Frames that still run are left alone."""
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        if isinstance(error, UnicodeDecodeError):  # it carries all that was to be decoded
            error.args = (error.encoding, b"", error.start, error.end, error.reason)
            error.object = b""
        _clear(error.__cause__, seen)
        error = error.__context__
