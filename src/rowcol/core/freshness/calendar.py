"""Calendar: when US banks post. Bank days are the Federal Reserve's; the windows are New York times.

A holiday on a Sunday is kept on the Monday after it; one on a Saturday is not moved: the Reserve
Banks settle on the Friday before it (only the Board of Governors is closed then).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

BANK_ZONE = ZoneInfo("America/New_York")
POSTING_WINDOWS = (
    (time(2, 0), time(10, 30)),
    (time(10, 30), time(15, 30)),
    (time(15, 30), time(20, 0)),
)
"""Local times at which postings appear on a bank day: overnight and noon ACH, and the afternoon's (docs/decisions/0010)."""

_DAY = timedelta(days=1)


@cache
def _holidays(year: int) -> frozenset[date]:
    from holidays import financial_holidays  # noqa: PLC0415  # a tenth of a second to import

    return frozenset(financial_holidays("XFED", years=year))


def is_bank_day(day: date) -> bool:
    """Whether the Federal Reserve settles on `day` (a New York date)."""
    return day.weekday() < 5 and day not in _holidays(day.year)


def add_bank_days(day: date, count: int) -> date:
    """The `count`-th bank day after `day`; `day` itself for 0. Raise `ValueError` below 0."""
    if count < 0:
        raise ValueError("bank days are counted forwards")
    while count:
        day += _DAY
        count -= is_bank_day(day)
    return day


def windows_touched(start: datetime, end: datetime) -> int:
    """How many posting windows were open at any moment of (start, end]."""
    return sum(1 for _ in _touched(start, end))


def closed_since(as_of: datetime, now: datetime) -> bool:
    """Whether no posting window was open in (as_of, now]."""
    return next(_touched(as_of, now), None) is None


def _touched(start: datetime, end: datetime) -> Iterator[datetime]:
    """The openings of the windows that (start, end] touches. A window is open from its start until before its end."""
    if end <= start:
        return
    day, last = start.astimezone(BANK_ZONE).date(), end.astimezone(BANK_ZONE).date()
    while day <= last:
        if is_bank_day(day):
            for opens, closes in POSTING_WINDOWS:
                opens_at = _instant(day, opens)
                if opens_at <= end and start < _instant(day, closes):
                    yield opens_at
        day += _DAY


def _instant(day: date, local: time) -> datetime:
    return datetime.combine(day, local, BANK_ZONE).astimezone(UTC)
