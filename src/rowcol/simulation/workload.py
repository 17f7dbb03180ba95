"""Workload: a firm to simulate: its businesses with the truth on their accounts, and who asks for it when.

`synthetic` makes the firm of `workload.toml`, pure and from a seed; `simulation/transactions` makes one from a file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

import msgspec

from rowcol.core.money import MICROS_PER_USD
from rowcol.sandbox.world import Posting
from rowcol.simulation.bankdays import Calendar, window_of
from rowcol.simulation.chance import Random, stream
from rowcol.simulation.flows import ARCHETYPES, Trade, lognormal_between, postings_of
from rowcol.simulation.reads import Mix, Read, reads_of

FIRST_DAY: Final = date(2026, 5, 4)
"""A Monday; the default four weeks hold one bank holiday."""
WARM_UP: Final = timedelta(weeks=1)
"""Logins are connected this long before the first measured week, so that the banks' rhythm has been seen."""
_WORDS: Final = (
    (
        "Harbor",
        "Maple",
        "Summit",
        "Cedar",
        "Beacon",
        "Granite",
        "Juniper",
        "Prairie",
        "Copper",
        "Willow",
    ),
    (
        "Dental",
        "Bakery",
        "Outfitters",
        "Roofing",
        "Studio",
        "Grocers",
        "Supply",
        "Electric",
        "Design",
    ),
)

Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Firm(msgspec.Struct, frozen=True):
    businesses: Count
    weeks: Count
    history_weeks: Count
    time_zone: str


class _Quantiles(msgspec.Struct, frozen=True):
    median: float
    p05: float
    p95: float


class _Business(msgspec.Struct, frozen=True):
    annual_revenue_usd: tuple[int, int]
    buffer_days: _Quantiles
    postings_per_day: float
    accounts_payable_runs_per_week: tuple[int, int]
    extra_payments_in_ramp_ui_share: Share


class _Bank(msgspec.Struct, frozen=True):
    institutions: Count
    refresh_jitter_min: float
    refresh_failure_share: Share
    outage_hours_median: float
    posting_windows_local: tuple[str, ...]


class _Webhooks(msgspec.Struct, frozen=True):
    delay_min_median: float
    lost_share: Share


class _Books(msgspec.Struct, frozen=True):
    changes_per_company_day: float
    decision_reads_per_company_day: float


class _Prices(msgspec.Struct, frozen=True):
    plaid_balance_usd: Decimal

    @property
    def balance_micros(self) -> int:
        """The price of one live look."""
        return int(self.plaid_balance_usd * MICROS_PER_USD)


class Spec(msgspec.Struct, frozen=True):
    """`workload.toml` as values. What version 1 of the simulation does not read yet is left out."""

    version: int
    firm: _Firm
    business: _Business
    bank: _Bank
    webhooks: _Webhooks
    reads_per_business_week: dict[str, float]
    prices: _Prices
    books: _Books

    @property
    def mix(self) -> Mix:
        """How often is asked for what."""
        return Mix(**self.reads_per_business_week)

    @property
    def calendar(self) -> Calendar:
        """The firm's wall clock."""
        windows = tuple(window_of(text) for text in self.bank.posting_windows_local)
        return Calendar(self.firm.time_zone, windows)


@cache
def spec() -> Spec:
    """The quoted workload, read from the package's own data file."""
    text = files("rowcol.simulation").joinpath("workload.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text, parse_float=Decimal), Spec, strict=False)


@dataclass(frozen=True, slots=True)
class Client:
    """A business with one operating account. `institution`: which of the banks, by number."""

    name: str
    opening_minor: int
    postings: tuple[Posting, ...]
    institution: int


@dataclass(frozen=True, slots=True)
class Workload:
    """A firm and what happens to it: history, a warm-up from `linked_at`, then the measured weeks."""

    seed: int
    calendar: Calendar
    linked_at: datetime
    starts_at: datetime
    weeks: int
    clients: tuple[Client, ...]
    reads: tuple[Read, ...]

    @property
    def ends_at(self) -> datetime:
        """The end of the last measured week, by the firm's wall clock."""
        return self.week_ends_at(self.weeks - 1)

    def week_ends_at(self, week: int) -> datetime:
        """Local midnight after the measured week of this number."""
        first = self.calendar.day_of(self.starts_at)
        return self.calendar.moment(first + timedelta(weeks=week + 1), 0)


def synthetic(
    seed: int, *, businesses: int | None = None, weeks: int = 4, first: date = FIRST_DAY
) -> Workload:
    """The quoted firm, or as many of its businesses as are wanted. Equal seeds give equal firms."""
    values = spec()
    n_clients = values.firm.businesses if businesses is None else businesses
    history_from = first - timedelta(weeks=values.firm.history_weeks)
    end = first + timedelta(weeks=weeks)
    banks = institutions_of(seed, n_clients)
    clients, weekdays = [], []
    for n in range(n_clients):
        dice = stream(seed, "business", n)
        trade = _trade(values.business, n, dice)
        postings = postings_of(trade, values.calendar, history_from, end, dice)
        clients.append(Client(_name(n), trade.buffer_minor, postings, banks[n]))
        weekdays.append(trade.payment_weekdays)
    return assembled(seed, clients, weekdays, first, weeks)


def assembled(
    seed: int,
    clients: Sequence[Client],
    payment_weekdays: Sequence[tuple[int, ...]],
    first: date,
    weeks: int,
) -> Workload:
    """A workload from its businesses: adds the calendar and the reads."""
    values = spec()
    calendar = values.calendar
    starts_at = calendar.moment(first, 0)
    return Workload(
        seed=seed,
        calendar=calendar,
        linked_at=starts_at - WARM_UP,
        starts_at=starts_at,
        weeks=weeks,
        clients=tuple(clients),
        reads=reads_of(values.mix, calendar, payment_weekdays, first, weeks, seed=seed),
    )


def institutions_of(seed: int, n_clients: int) -> list[int]:
    """A bank for each business: every bank in turn, in an order of the seed's."""
    order = list(range(spec().bank.institutions))
    stream(seed, "institutions").shuffle(order)
    return [order[n % len(order)] for n in range(n_clients)]


def payment_weekdays(dice: Random) -> tuple[int, ...]:
    """The weekdays on which a business releases bills."""
    least, most = spec().business.accounts_payable_runs_per_week
    return tuple(sorted(dice.sample(range(4), dice.randint(least, most))))


def _trade(values: _Business, n: int, dice: Random) -> Trade:
    low, high = values.annual_revenue_usd
    buffer = values.buffer_days
    archetypes = tuple(ARCHETYPES)
    return Trade(
        archetype=archetypes[n % len(archetypes)],
        revenue_minor=int(100 * low * (high / low) ** dice.random()),
        buffer_days=lognormal_between(dice, buffer.median, buffer.p05, buffer.p95),
        is_semi_monthly=dice.random() < 0.5,
        payment_weekdays=payment_weekdays(dice),
        extra_payment_share=values.extra_payments_in_ramp_ui_share,
    )


def _name(n: int) -> str:
    first, second = _WORDS
    name = f"{first[n % len(first)]} {second[n % len(second)]}"
    turn = n // (len(first) * len(second))
    return f"{name} {turn + 1}" if turn else name
