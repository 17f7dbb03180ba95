"""Seldom: which of many equal log lines are written, so that a flood of requests is no flood of lines."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

PER_MINUTE = 5
KINDS_MAX = 256


class Seldom:
    """The first few lines of a minute for each kind. The first of a later minute says for how many more it speaks."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        self._per_minute = per_minute
        self._kinds: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def times(self, kind: Hashable, now_s: float) -> int:
        """For how many a line would speak now; 0: write none."""
        began_s, n = self._kinds.pop(kind, (now_s, 0))
        unwritten = 0
        if not 0 <= now_s - began_s < 60:  # also where the clock was set back
            began_s, n, unwritten = now_s, 0, max(0, n - self._per_minute)
        self._kinds[kind] = (began_s, n + 1)
        if len(self._kinds) > KINDS_MAX:
            self._kinds.popitem(last=False)
        return 1 + unwritten if n < self._per_minute else 0
