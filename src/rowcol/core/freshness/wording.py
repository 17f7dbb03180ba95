"""Wording: times, ages and purposes as the reasons of decisions say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rowcol.core.clock_back import UNKNOWN_AT
from rowcol.core.evidence import Standing
from rowcol.core.need import Purpose, Question

NOUNS = {
    Purpose.RITUAL: "a ritual",
    Purpose.GUARDRAIL: "a guardrail check",
    Purpose.VERIFY: "a payment check",
    Purpose.DISPLAY: "a display",
    Purpose.FORCED: "a look-up",
}


def moment(at: datetime, now: datetime) -> str:
    """`07:12 UTC`, with the date before it when it is not today's (UTC)."""
    if at == UNKNOWN_AT:
        return "a time that is not known"
    utc = at.astimezone(UTC)
    is_today = utc.date() == now.astimezone(UTC).date()
    return f"{utc:%H:%M} UTC" if is_today else f"{utc:%Y-%m-%d %H:%M} UTC"


def paid_why(question: Question, standing: Standing, now: datetime) -> str | None:
    """Why paying once more for this question is out of the question; None where nothing was paid for it yet."""
    failed_at = standing.paid_failed_at
    if failed_at is None or failed_at < question.asked_at:
        return None
    if not standing.paid_is_unknown:
        return f"the paid call at {moment(failed_at, now)} failed"
    return (
        f"no answer to the paid call at {moment(failed_at, now)} was stored: it may have been billed, and its value is "
        "not known; ask again, and confirm the price where it is asked for, to pay for another"
    )


def span(length: timedelta) -> str:
    """`38 min`, `5 h`, `3 days`: rounded down, so an age is never said to be over a window that it meets."""
    minutes = length // timedelta(minutes=1)
    if minutes < 1:
        return "under a minute"
    if minutes < 120:
        return "1 h" if minutes == 60 else f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def seen(as_of: datetime | None, now: datetime) -> str:
    """`last seen at 07:12 UTC, 38 min ago`."""
    if as_of is None:
        return "never seen"
    if as_of == UNKNOWN_AT:
        return "last seen at a time that is not known, as our clock ran ahead then"
    return f"last seen at {moment(as_of, now)}, {span(max(now - as_of, timedelta(0)))} ago"
