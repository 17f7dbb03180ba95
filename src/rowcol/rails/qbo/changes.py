"""Changes: what happened in a company since the cursor, in one call; and what to do when one answer cannot hold it.

An answer holds at most 1,000 objects of all types together, without pages. A full one may be cut
anywhere: its rows are true and kept, the cursor stays, the type with the most objects is listed whole,
and the others are asked for again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from rowcol.core.connection import ConnectionState
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Look, Reading, Row
from rowcol.core.wire import Response
from rowcol.rails.qbo import facts, merged
from rowcol.rails.qbo.errors import fault_of, refused, remote_request_id
from rowcol.rails.qbo.mirror import rows_of
from rowcol.rails.qbo.progress import (
    Progress,
    completed,
    first_of,
    page_of,
    progress_of,
    read_well,
    server_time,
)
from rowcol.rails.qbo.records import Body, ChangesAnswer, Unreadable, decode, text
from rowcol.rails.qbo.spec import ANNOUNCED, COMPANY, ENTITIES

FULL = 1000
CURSOR_AGE_MAX = timedelta(days=29)
"""Intuit answers for 30 days; a day is left for clocks and for the reading itself."""
DELIVERY_TAKES = timedelta(minutes=30)
"""A change younger than this may still be announced: deliveries are tried again after up to 20 minutes."""


def changes_look(
    types: tuple[str, ...], state: ConnectionState, omits: tuple[str, ...] = ()
) -> Look:
    """The call for what changed in these types since the cursor; `omits` are then listed whole beside it."""
    arguments = {"entities": ",".join(types), "changed_since": state.cursor}
    return Look("cdc", {**arguments, "omits": ",".join(omits)} if omits else arguments)


def read_changes(look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
    """The reading of `/cdc`. One that asked from too long ago proves nothing, whatever it brought: nobody has said
    that Intuit refuses it rather than tell the last 30 days."""
    if _asks_too_far(state, response):
        return _started_anew(response, state)
    answer = decode(response.body, ChangesAnswer)
    groups = [group for part in answer.CDCResponse for group in part.QueryResponse]
    if not groups:  # where nothing changed there is an empty one
        raise Unreadable("an answer without a part")
    rows = tuple(row for group in groups for row in rows_of(group))
    time = server_time(response, answer.time)
    begun = progress_of(state)
    progress = begun or first_of(state, response, answer.time)
    has_gap = progress.gap or (_is_quiet(state) and _is_unannounced(rows, state, time))
    progress = msgspec.structs.replace(progress, gap=has_gap)
    state = with_name(state, rows)
    asked = _words(look, "entities")
    counts = _counts(groups)
    if sum(counts.values()) >= FULL:
        progress = _without_largest(progress, asked, counts)
    else:
        progress = msgspec.structs.replace(progress, cdc=())
    gone = merged.gone_of(rows)
    progress = _listing(progress, merged.touched(gone, state, is_first=begun is None))
    state = merged.noted(state, gone, is_first=begun is None)
    if begun is None:
        progress = _listing(progress, _words(look, "omits"))
    request_id = remote_request_id(response)
    if progress.cdc or progress.entities:
        state = facts.begun(state) if not state.page else state
        state = replace(read_well(state, response.received_at), page=page_of(progress))
        return Reading(state, rows=rows, remote_request_id=request_id)
    state = replace(state, dirty={}) if not state.page else facts.ended(state)
    state, coverage = completed(state, progress, response.received_at, is_changes=True)
    return Reading(state, coverages=(coverage,), rows=rows, remote_request_id=request_id)


def refused_changes(look: Look, response: Response, state: ConnectionState) -> Failure:
    """The same where it was refused; a cursor that is too old starts the listing of everything, and so does one that
    is refused again and again, at most once a day.

    How that refusal looks is not documented, so the cursor's own age tells.
    """
    is_refused = response.status <= 400 and fault_of(response.body).is_validation
    failure = refused(look, response, state)
    if not is_refused:
        return failure
    if not _asks_too_far(state, response):
        counted = failure.state.refused(failure.detail, response.received_at)
        if counted.cursor:
            return replace(failure, state=counted)
        state = counted
    return _started_anew(response, state)


def _asks_too_far(state: ConnectionState, response: Response) -> bool:
    cursor_at = facts.moment(state.cursor)
    return cursor_at is not None and is_too_old(cursor_at, response.sent_at)


def _started_anew(response: Response, state: ConnectionState) -> Failure:
    why = "changes this old are not told any more; everything is listed anew"
    state = replace(state.after(Outcome.RESTART, "", response.received_at), cursor="", page="")
    request_id = remote_request_id(response)
    return Failure(Outcome.RESTART, why, state, discards=True, remote_request_id=request_id)


def is_too_old(cursor_at: datetime, at: datetime) -> bool:
    """Whether changes since then may not be told any more."""
    return at - cursor_at > CURSOR_AGE_MAX


def with_name(state: ConnectionState, rows: tuple[Row, ...]) -> ConnectionState:
    """The same with the company's name and country, where a row tells them."""
    for row in rows:
        if row.entity == COMPANY and row.body is not None:
            name, country = text(row.body.get("CompanyName")), text(row.body.get("Country"))
            told = {facts.INSTITUTION_NAME: name, facts.COUNTRY: country.strip().upper()}
            state = facts.learnt(state, {n: v for n, v in told.items() if v})
    return state


def _counts(groups: list[Body]) -> dict[str, int]:
    """Objects by type, tombstones and unknown types too: all of them fill the answer."""
    counts: dict[str, int] = {}
    for group in groups:
        for name, objects in group.items():
            if isinstance(objects, list):
                counts[name] = counts.get(name, 0) + len(objects)
    return counts


def _without_largest(
    progress: Progress, asked: tuple[str, ...], counts: dict[str, int]
) -> Progress:
    """One type fewer each time, so it ends."""
    largest = max(asked or ENTITIES, key=lambda name: counts.get(name, 0))
    rest = tuple(name for name in asked if name != largest)
    return _listing(msgspec.structs.replace(progress, cdc=rest), (largest,))


def _listing(progress: Progress, types: tuple[str, ...]) -> Progress:
    """The same with these types to be listed whole before it ends."""
    new = tuple(name for name in types if name not in progress.listed)
    return msgspec.structs.replace(
        progress, entities=(*progress.entities, *new), listed=(*progress.listed, *new)
    )


def _words(look: Look, name: str) -> tuple[str, ...]:
    return tuple(filter(None, str(look.arguments.get(name) or "").split(",")))


def _is_quiet(state: ConnectionState) -> bool:
    """Whether nothing announced changes since the last reading of them; the first reading has none before it."""
    is_expected = state.delivered_at is not None and not state.dirty
    return is_expected and facts.word(state, facts.CHANGES_AT) != ""


def _is_unannounced(rows: tuple[Row, ...], state: ConnectionState, time: datetime) -> bool:
    """Whether something changed long enough ago to have been announced, all on QuickBooks' clock."""
    last = facts.moment(facts.word(state, facts.CHANGES_AT))
    return last is not None and any(
        row.entity in ANNOUNCED
        and row.remote_at is not None
        and last < row.remote_at <= time - DELIVERY_TAKES
        for row in rows
    )
