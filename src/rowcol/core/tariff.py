"""Tariff: what a rail charges, as dated rows with their source; a firm's price book overrides them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rowcol.core.money import Cost


class Per(StrEnum):
    """What one price is for."""

    CALL = "CALL"
    CONNECTION_MONTH = "CONNECTION_MONTH"
    """A calendar month (UTC), begun months whole."""


@dataclass(frozen=True, slots=True)
class Price:
    """One row of a price book. `is_assumed`: nobody has an invoice for it yet."""

    rail: str
    item: str
    per: Per
    cost: Cost
    since: date
    source: str
    checked_on: date
    is_assumed: bool = True


def price_on(prices: Iterable[Price], rail: str, item: str, day: date) -> Price | None:
    """The newest row in force on `day`; among rows of the same day the last wins, so a price book goes after."""
    best: Price | None = None
    for price in prices:
        fits = price.rail == rail and price.item == item and price.since <= day
        if fits and (best is None or price.since >= best.since):
            best = price
    return best
