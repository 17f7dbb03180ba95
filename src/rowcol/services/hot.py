"""Hot answers: display values kept in memory for a second. Never trusted for a decision; their as-of stays honest."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from rowcol.core.clock_back import is_kept
from rowcol.core.ids import BusinessId, FirmId
from rowcol.engine.answer import Answer

KEPT = timedelta(seconds=1)
KEPT_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer, and until when it may be given again without a look at the store."""

    answer: Answer
    good_until: datetime


class HotAnswers:
    """The least recently kept goes first. What a commit changed is seen within a second."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept: OrderedDict[tuple[FirmId, BusinessId], Kept] = OrderedDict()
        self._kept_max = kept_max

    def get(self, firm: FirmId, business: BusinessId, now: datetime) -> Kept | None:
        """The kept answer, if it is still good."""
        kept = self._kept.get((firm, business))
        return kept if kept is not None and is_kept(kept.good_until, now, KEPT) else None

    def put(self, firm: FirmId, business: BusinessId, kept: Kept) -> None:
        """Keep an answer."""
        self._kept[firm, business] = kept
        self._kept.move_to_end((firm, business))
        if len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)

    def forget(self, firm: FirmId, business: BusinessId) -> None:
        """Something of the business moved."""
        self._kept.pop((firm, business), None)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
