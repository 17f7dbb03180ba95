"""Stream: what becomes of a stream of changes whose rail refuses where it is read on from.

| the stream is | cursor | page | refusal | what then |
|---|---|---|---|---|
| following | c | "" or p | None, or `over_at` | read on from c |
| refused | c | "" | `count` from 1 | the same again, after a pause; the third time, at most once a day, from the start |
| restarting | "" | "" or p | `restarted_at` | asked without a cursor; pages are staged, and published in one commit with tombstones of what they did not show, once that was confirmed: by a second whole reading, or by id |
| off | any | "" | `off_until` | not asked before a week, a repair, a change of products or a reset |

The moves are methods of `ConnectionState`; cursor, page and refusal are stored in one commit, so a kill between any two
of them goes on or begins again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

CURSOR_TRIES = 3
"""A cursor that was refused so often in a row is dropped."""
RESTART_EVERY = timedelta(days=1)
"""No stream is read from the start more often by itself: at some rails that costs calls."""
OFF_FOR = timedelta(days=7)
"""What is refused for good is tried again after so long."""
SAID_FOR = timedelta(days=7)
"""How long it is said that a stream was read anew."""


@dataclass(frozen=True, slots=True)
class StreamRefusal:
    """`count`: refusals in a row since the last answer or restart. `code`: the rail's, "" where a person had it read anew."""

    code: str
    count: int
    since: datetime
    restarted_at: datetime | None = None
    over_at: datetime | None = None
    off_until: datetime | None = None

    def told(self, now: datetime, *, has_cursor: bool = False) -> str:
        """A sentence for people; "" once there is nothing to say any more. `has_cursor`: it can be read from the start."""
        why = f"the rail refused where they were read on from ({self.code})"
        why = why if self.code else "a person asked for it"
        if self.over_at is not None:
            if self.restarted_at is None or now - self.restarted_at > SAID_FOR:
                return ""
            return (
                f"changes were read anew from the start at {self.restarted_at:%Y-%m-%d %H:%M} UTC, as {why};"
                " what is no more became a deletion"
            )
        if self.off_until is not None:
            return (
                f"changes are not asked for before {self.off_until:%Y-%m-%d %H:%M} UTC: {self.code}"
            )
        if self.count:
            told = f"the rail refuses where changes are read on from ({self.code}), {self.count} of {CURSOR_TRIES} tries"
            left = CURSOR_TRIES - self.count
            if has_cursor and left > 0 and self.restarted_at is None:
                told += f"; read from the start by itself about {left} h from now, or now: `rowcol connection reset`"
            return told
        return f"changes are read anew from the start: {why}"
