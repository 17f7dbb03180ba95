"""Progress: how far a reading of several calls came, as the text in `ConnectionState.page`, and how every reading ends.

Two readings take several calls: the listing of everything, and of what one answer of changes could not
hold. Cursor and coverage are those of the first call, published after the last.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Coverage, Health, Source
from rowcol.core.outcome import Outcome
from rowcol.core.wire import Response
from rowcol.rails.qbo import facts
from rowcol.rails.qbo.records import Unreadable, utc

OVERLAP = timedelta(minutes=5)
"""Read again by the next look: times at QuickBooks are rounded to seconds, and commits take a while."""
CLOCK_OFF_MAX = timedelta(days=1)
"""A server time further from ours is none."""


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`entities`: still to list, the first from position `start` of those changed `since`; `cdc`: types whose
    changes are still to be asked for. `listed`: entities that the end replaces whole. `cursor`, `sent`,
    `time`: of the first call (`time` is QuickBooks' own). `gap`: something came unannounced.
    `rows`: of a page."""

    entities: tuple[str, ...] = ()
    cdc: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    since: str = ""
    start: int = 1
    rows: int = 1000
    cursor: str = msgspec.field(default="", name="from")
    sent: str = ""
    time: str = ""
    gap: bool = False


_decoder = msgspec.json.Decoder(Progress)


def progress_of(state: ConnectionState) -> Progress | None:
    """The unfinished reading, if there is one."""
    try:
        return _decoder.decode(state.page) if state.page else None
    except ValueError:
        return None


def page_of(progress: Progress) -> str:
    """As text."""
    return msgspec.json.encode(progress).decode()


def first_of(state: ConnectionState, response: Response, time: datetime | None) -> Progress:
    """What the first call of a reading fixes for its end."""
    at = server_time(response, time)
    cursor = cursor_after(state, at, response.sent_at)
    return Progress(cursor=cursor, sent=response.sent_at.isoformat(), time=at.isoformat())


def server_time(response: Response, time: datetime | None) -> datetime:
    """When QuickBooks says that it answered."""
    if time is None:
        raise Unreadable("no time in the answer")
    at = utc(time)
    if abs(at - response.sent_at) > CLOCK_OFF_MAX:
        raise Unreadable("a time in the answer that cannot be")
    return at


def cursor_after(state: ConnectionState, time: datetime, sent_at: datetime) -> str:
    """From when to ask the next time: on QuickBooks' clock, never ahead of ours, never from a row's own time.

    It goes back only where their clock is behind ours: what happens then is dated before the old cursor.
    """
    cursor = min(time, sent_at) - OVERLAP
    known = facts.moment(state.cursor)
    if known is not None and cursor < known and time >= sent_at:
        cursor = known
    return cursor.replace(microsecond=0).isoformat()


def read_well(state: ConnectionState, at: datetime) -> ConnectionState:
    """The state after any answer that was one: the token works, and nobody has to connect anything."""
    state = facts.without(state.after(Outcome.OK, "", at), facts.TOKEN)
    is_lifted = state.health is Health.NEEDS_RECONNECT
    return state.with_health(Health.OK, "", at) if is_lifted else state


def completed(
    state: ConnectionState, progress: Progress, at: datetime, *, is_changes: bool
) -> tuple[ConnectionState, Coverage]:
    """The state once everything since the first call's time is in, and what that covers."""
    sent_at = datetime.fromisoformat(progress.sent)
    has_gap = progress.gap and is_changes
    state = replace(
        read_well(state, at),
        cursor=progress.cursor,
        page="",
        looked_at=sent_at,
        webhook_gaps=state.webhook_gaps + has_gap,
        webhook_gap_at=at if has_gap else state.webhook_gap_at,
    )
    state = facts.learnt(state, {facts.CHANGES_AT: progress.time if is_changes else ""})
    state = state.with_health(Health.OK, "", at).followed(at)
    return state, Coverage(facts.BOOKS, sent_at - OVERLAP, Source.CACHED)
