"""Paging: lists with a cursor. `next` is what to give as `after`; null at the end."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import msgspec
from fastapi import Depends, Query

from rowcol.core.refusal import BadInput

LIMIT_MAX, CURSOR_MAX = 1000, 2000
T = TypeVar("T")

After = Annotated[str, Query(description="The `next` of the page before.", max_length=CURSOR_MAX)]
Limit = Annotated[int, Query(description="Items on a page.", ge=1, le=LIMIT_MAX)]


class BadCursor(BadInput):
    """Like all that is wrong in an address."""

    status = 400


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None


def page_of(items: Sequence[T], ids: Sequence[str], limit: int) -> Page[T]:
    """A full page has a next one, which may turn out empty."""
    return Page(list(items), ids[-1] if ids and len(ids) == limit else None)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page of a list that comes whole from the store."""

    after: After = ""
    limit: Limit = LIMIT_MAX


Turn = Annotated[Asked, Depends()]
Key = tuple[str, str]
_decoder = msgspec.json.Decoder(Key)


def cut(
    rows: Sequence[T], key: Callable[[T], Key], asked: Asked
) -> tuple[tuple[T, ...], str | None]:
    """The page of a list in the order of `key` that comes after a cursor, and the cursor of its last row, None where
    it is the end. A cursor is a place in the order: what came or went since moves nothing, and rows of one place (two
    companies may count alike) stay on one page. `BadInput`: it is none."""
    place = _opened(asked.after) if asked.after else None
    left = [row for row in rows if place is None or key(row) > place]
    page = left[: asked.limit]
    page += [row for row in left[asked.limit :] if key(row) == key(page[-1])]
    is_end = len(page) == len(left)
    cursor = "" if is_end else urlsafe_b64encode(msgspec.json.encode(key(page[-1]))).decode()
    return tuple(page), cursor or None


def _opened(after: str) -> Key:
    try:
        key: Key = _decoder.decode(urlsafe_b64decode(after.encode()))
    except ValueError:
        raise BadCursor("`after` is no cursor", "give the `next` of the page before") from None
    return key
