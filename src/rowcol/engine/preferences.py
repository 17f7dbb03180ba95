"""Preferences: what a firm chose (policy, budget, price book), read from its row and kept for a few seconds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from rowcol.core.clock_back import is_kept
from rowcol.core.freshness.policy import Policy, policy_of
from rowcol.core.ids import FirmId
from rowcol.core.money import Cost
from rowcol.core.records import Firm
from rowcol.core.tariff import Per, Price
from rowcol.ports import Clock, Store

KEPT = timedelta(seconds=5)
DEFAULT_BUDGET = Cost(300_000_000)
"""Dollars a month that a firm's priced calls may cost until it says otherwise: $3 each for 100 businesses."""


class PriceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of a firm's price book, as stored."""

    rail: str
    item: str
    micros: int
    since: date
    source: str
    per: Per = Per.CALL
    is_assumed: bool = False


class Chosen(msgspec.Struct, frozen=True):
    """A firm's settings, as stored. Unknown keys of a newer release are kept out of the way."""

    policy: str = ""
    budget_micros_month: int | None = None
    prices: tuple[PriceRow, ...] = ()


class Preferences:
    """Answers from a small cache, so that the hot path reads no row."""

    def __init__(
        self, store: Store, clock: Clock, default_policy: str, default_budget: Cost = DEFAULT_BUDGET
    ) -> None:
        self._store = store
        self._clock = clock
        self._default_policy = default_policy
        self._default_budget = default_budget
        self._kept: dict[FirmId, tuple[datetime, Chosen]] = {}

    async def policy(self, firm: FirmId) -> Policy:
        """The freshness policy in force for a firm."""
        chosen = await self._chosen(firm)
        return policy_of(chosen.policy or self._default_policy)

    async def budget(self, firm: FirmId) -> Cost:
        """The month's limit for priced calls."""
        micros = (await self._chosen(firm)).budget_micros_month
        return self._default_budget if micros is None else Cost(micros)

    async def price_book(self, firm: FirmId) -> tuple[Price, ...]:
        """The firm's own prices."""
        rows = (await self._chosen(firm)).prices
        return tuple(
            Price(r.rail, r.item, r.per, Cost(r.micros), r.since, r.source, r.since, r.is_assumed)
            for r in rows
        )

    def forget(self, firm: FirmId) -> None:
        """Read the firm's row again next time."""
        self._kept.pop(firm, None)

    async def _chosen(self, firm: FirmId) -> Chosen:
        now = self._clock.now()
        kept = self._kept.get(firm)
        if kept is not None and is_kept(kept[0] + KEPT, now, KEPT):
            return kept[1]
        row = await self._store.read_firm(firm)
        chosen = chosen_of(row)
        self._kept[firm] = (now, chosen)
        return chosen


def chosen_of(firm: Firm | None) -> Chosen:
    """A firm's settings as a value; the defaults for a firm that chose nothing."""
    settings: dict[str, Any] = {} if firm is None else dict(firm.settings)
    return msgspec.convert(settings, Chosen)
