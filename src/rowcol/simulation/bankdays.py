"""Bank days: the firm's wall clock, and when banks post. Its own, so that a judge shares no code with the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

SATURDAY: Final = 5
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of a local day."""

    opens: time
    closes: time

    @property
    def seconds(self) -> int:
        """Its length."""
        return _second_of(self.closes) - _second_of(self.opens)


def window_of(text: str) -> Window:
    """`02:00-10:30`."""
    opens, _, closes = text.partition("-")
    return Window(time.fromisoformat(opens), time.fromisoformat(closes))


@dataclass(frozen=True, slots=True)
class Calendar:
    """A time zone and the posting windows of its banks."""

    zone_name: str
    windows: tuple[Window, ...]
    zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", ZoneInfo(self.zone_name))

    def moment(self, day: date, at: time | int) -> datetime:
        """Local wall time (or seconds after midnight) as aware UTC."""
        at_s = at if isinstance(at, int) else _second_of(at)
        local = datetime.combine(day, time(tzinfo=self.zone)) + timedelta(seconds=at_s)
        return local.astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The local date of a moment."""
        return moment.astimezone(self.zone).date()

    def within(self, window: Window, share: float) -> int:
        """Seconds after midnight at a share of a window."""
        return _second_of(window.opens) + int(share * window.seconds)


def is_bank_day(day: date) -> bool:
    """Whether the Federal Reserve's services run."""
    return day.weekday() < SATURDAY and day not in _bank_holidays(day.year)


def bank_days(first: date, end: date) -> Sequence[date]:
    """Bank days in [`first`, `end`)."""
    return [day for day in days(first, end) if is_bank_day(day)]


def days(first: date, end: date) -> Sequence[date]:
    """All days in [`first`, `end`)."""
    return [first + timedelta(days=n) for n in range((end - first).days)]


def bank_day_from(day: date) -> date:
    """The day itself, or the next one on which banks post."""
    while not is_bank_day(day):
        day += ONE_DAY
    return day


def bank_day_until(day: date) -> date:
    """The day itself, or the last one before it on which banks post."""
    while not is_bank_day(day):
        day -= ONE_DAY
    return day


@lru_cache(maxsize=64)
def _bank_holidays(year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - slow to import

    return frozenset(holidays.financial_holidays("XFED", years=year))


def _second_of(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second
