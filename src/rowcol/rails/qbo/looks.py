"""Looks: which call would bring evidence that a state lacks. There is one kind for changes and one for everything.

A delivery proposes nothing: it only marks, and the next question reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import RemoteId
from rowcol.core.rail import CannotHelp, Deed, Look, Want
from rowcol.rails.qbo import facts
from rowcol.rails.qbo.changes import changes_look, is_too_old
from rowcol.rails.qbo.home import currency_look
from rowcol.rails.qbo.listing import EVERYTHING, page_look
from rowcol.rails.qbo.progress import progress_of
from rowcol.rails.qbo.requests import statement_of_ids
from rowcol.rails.qbo.spec import COMPANY, ENTITIES

IDS_MAX = 500
_ID = re.compile(r"[0-9A-Za-z_-]{1,40}")
_PARKED = frozenset({Health.NEEDS_RECONNECT, Health.RETIRED, Health.UNSUPPORTED})
"""Healths that no call ends; keys that were wrong may be right by now."""


def free_look(state: ConnectionState, want: Want) -> Look | None:
    """The next call; None when none would tell more."""
    if state.health in _PARKED:
        return None
    progress = progress_of(state)
    cursor_at = facts.moment(state.cursor)
    if progress is not None and progress.cdc:
        is_old = cursor_at is not None and is_too_old(cursor_at, want.now)
        return page_look(EVERYTHING) if is_old else changes_look(progress.cdc, state)
    if progress is not None and progress.entities:
        return page_look(progress)
    is_looked = want.since is None or (
        state.looked_at is not None and state.looked_at >= want.since
    )
    if cursor_at is not None and is_looked:
        return None
    if (look := currency_look(state)) is not None:
        return look
    is_old = cursor_at is None or is_too_old(cursor_at, want.now)
    return page_look(EVERYTHING) if is_old else changes_look(ENTITIES, state, want.omits)


def rows_looks(entity: str, ids: Sequence[RemoteId]) -> tuple[Look, ...]:
    """One call for 500 of them: the length that Intuit allows is unpublished."""
    wanted = tuple(dict.fromkeys(ids))
    if entity not in ENTITIES or entity == COMPANY or not all(map(_ID.fullmatch, wanted)):
        return ()
    return tuple(
        Look("query", {"statement": statement_of_ids(entity, wanted[start : start + IDS_MAX])})
        for start in range(0, len(wanted), IDS_MAX)
    )


def paid_look(_state: ConnectionState) -> Look | CannotHelp:
    """Nothing here has a price of its own."""
    return CannotHelp("reads of the books are not sold singly")


def deed_look(deed: Deed, state: ConnectionState) -> Look | CannotHelp:
    """Only the grant can be ended."""
    if deed is not Deed.REMOVE:
        return CannotHelp(
            "QuickBooks delivers to the address in Intuit's portal"
            if deed is Deed.POINT_WEBHOOK
            else "the books are read whenever they are asked for"
        )
    if state.health is Health.RETIRED:
        return CannotHelp("the connection was ended already")
    return Look("token.revoke")
