"""The table of one entity type: its rows by id, and an index by LastUpdatedTime that makes a delta cost its answer.

A row is replaced, never changed in place: who holds one holds a snapshot. The index is a sorted list; an entry whose
row moved on is stale, skipped when it is met, and swept out when most are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rowcol.sandbox.qbo.values import Json

_SWEPT_FROM: Final = 64


@dataclass(slots=True)
class Row:
    """A row and its times in epoch seconds of the company's clock."""

    value: Json
    stamp: int
    """LastUpdatedTime."""
    edited: int
    """The last change that was not just a derived balance."""
    serial: int


class Table:
    """Live rows and tombstones."""

    def __init__(self) -> None:
        self.live: dict[str, Row] = {}
        self.dead: dict[str, int] = {}
        self._index: list[tuple[int, int, str]] = []
        self._graves: list[tuple[int, int, str]] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self.live)

    def put(self, row_id: str, value: Json, stamp: int, *, is_edit: bool = True) -> None:
        """Add or replace a row."""
        self._serial += 1
        before = self.live.get(row_id)
        edited = stamp if is_edit or before is None else before.edited
        self.live[row_id] = Row(value, stamp, edited, self._serial)
        insort(self._index, (stamp, self._serial, row_id))
        if len(self._index) > 2 * len(self.live) + _SWEPT_FROM:
            self._index = [entry for entry in self._index if self._is_current(entry)]

    def bury(self, row_id: str, stamp: int, *, is_told: bool = True) -> None:
        """Turn a row into a tombstone; one that is not told of is in `dead` only."""
        del self.live[row_id]
        self._serial += 1
        self.dead[row_id] = stamp
        if is_told:
            insort(self._graves, (stamp, self._serial, row_id))

    def changed(self, since: float, *, is_inclusive: bool) -> Iterator[Row]:
        """Live rows whose LastUpdatedTime is since then, the earliest first."""
        index = self._index
        for position in range(_start(index, since, is_inclusive=is_inclusive), len(index)):
            entry = index[position]
            if self._is_current(entry):
                yield self.live[entry[2]]

    def buried(self, since: float, *, is_inclusive: bool) -> list[tuple[str, int]]:
        """Ids and times of what was deleted since then, as far as it is told."""
        start = _start(self._graves, since, is_inclusive=is_inclusive)
        return [(row_id, stamp) for stamp, _, row_id in self._graves[start:]]

    def _is_current(self, entry: tuple[int, int, str]) -> bool:
        row = self.live.get(entry[2])
        return row is not None and row.serial == entry[1]


def _start(index: list[tuple[int, int, str]], since: float, *, is_inclusive: bool) -> int:
    find = bisect_left if is_inclusive else bisect_right
    return find(index, since, key=lambda entry: entry[0])
