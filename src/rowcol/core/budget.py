"""Budget: dollars a month may cost, with a reserve that only people may spend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from rowcol.core.money import Cost

PEOPLE_SHARE_PCT = 15
"""Part of a month's pool that the machine never spends."""

MONTH = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
"""A UTC month as people write it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A month's pool under one key. `spent` counts settled and possibly billed calls, `reserved` open intents."""

    key: str
    limit: Cost
    spent: Cost = Cost(0)
    reserved: Cost = Cost(0)

    def refusal(self, price: Cost, *, is_person: bool) -> str | None:
        """Why `price` may not be spent now, or None. Free calls are never refused."""
        if price.micros == 0:
            return None
        after = self.spent.micros + self.reserved.micros + price.micros
        if after > self.limit.micros:
            return f"the month's budget of {self.limit} is used up"
        if not is_person and after * 100 > self.limit.micros * (100 - PEOPLE_SHARE_PCT):
            return f"the last {PEOPLE_SHARE_PCT} % of the month's {self.limit} are kept for people"
        return None


def month_of(when: datetime) -> str:
    """`2026-11`: the UTC calendar month that a cost falls into."""
    return when.astimezone(UTC).strftime("%Y-%m")


def month_end(when: datetime) -> datetime:
    """The first moment of the next UTC month: when a used-up budget opens again."""
    utc = when.astimezone(UTC)
    years, month0 = divmod(utc.month, 12)
    return datetime(utc.year + years, month0 + 1, 1, tzinfo=UTC)
