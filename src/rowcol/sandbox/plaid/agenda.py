"""The agenda: what Plaid will do by itself to which Item, and when."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from rowcol.sandbox.plaid.items import Item


class EventKind(StrEnum):
    """What is due."""

    INITIAL = "initial"
    HISTORICAL = "historical"
    PULL = "pull"
    REFRESH = "refresh"
    NOTICE = "notice"
    """The consent ends soon."""


class Agenda:
    """Events by time, then by the order of planning."""

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = items
        self._events: list[tuple[datetime, int, EventKind, str]] = []
        self._n_planned = 0
        self.is_frozen = False
        """No background pull happens any more, and no notice is sent by itself."""

    def plan(self, at: datetime, kind: EventKind, item: Item) -> None:
        """An Item has one valid background pull: the one at its `next_pull_at`."""
        self._n_planned += 1
        heapq.heappush(self._events, (at, self._n_planned, kind, item.item_id))

    def next_at(self) -> datetime | None:
        """When the next valid event is due."""
        while self._events:
            at, _, kind, item_id = self._events[0]
            if self._is_valid(kind, self._items[item_id], at):
                return at
            heapq.heappop(self._events)
        return None

    def take_due(self, now: datetime) -> tuple[datetime, EventKind, Item] | None:
        """Remove and return the next event that is due."""
        at = self.next_at()
        if at is None or at > now:
            return None
        _, _, kind, item_id = heapq.heappop(self._events)
        return at, kind, self._items[item_id]

    def _is_valid(self, kind: EventKind, item: Item, at: datetime) -> bool:
        if item.removed_at is not None or item.is_revoked:
            return False
        if kind is EventKind.NOTICE:
            return item.notice_at == at and item.error is None and not self.is_frozen
        if kind is not EventKind.PULL:
            return True
        return item.next_pull_at == at and item.is_pulled and not self.is_frozen
