"""Paging: lists with a cursor. `next` is the id to give as `after`; null at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query

LIMIT_MAX = 1000
T = TypeVar("T")

After = Annotated[str, Query(description="The `next` of the page before.", max_length=200)]
Limit = Annotated[int, Query(description="Items on a page.", ge=1, le=LIMIT_MAX)]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None


def page_of(items: Sequence[T], ids: Sequence[str], limit: int) -> Page[T]:
    """A full page has a next one, which may turn out empty."""
    return Page(list(items), ids[-1] if ids and len(ids) == limit else None)
