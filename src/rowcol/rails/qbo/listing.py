"""Listing: whole entities page by page, ordered by the time of last change, staged and published at the end.

The next page begins at the last row's time: what changes meanwhile moves to the end and is met
again, and what is changed after the first page the next look at changes brings.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from rowcol.core.connection import ConnectionState
from rowcol.core.rail import Look, Reading, Row
from rowcol.core.wire import Response
from rowcol.rails.qbo import facts
from rowcol.rails.qbo.changes import with_name
from rowcol.rails.qbo.errors import remote_request_id
from rowcol.rails.qbo.mirror import rows_of
from rowcol.rails.qbo.progress import Progress, completed, first_of, page_of, progress_of, read_well
from rowcol.rails.qbo.records import (
    Body,
    QueryAnswer,
    RowRecord,
    Unreadable,
    convert,
    decode,
    moment_of,
)
from rowcol.rails.qbo.spec import COMPANY, ENTITIES

OF_ONE_TIME_MAX = 100_000
"""Rows of one entity that changed in one second, an import's at most; more is the same page again and again."""
EVERYTHING = Progress(entities=ENTITIES, listed=ENTITIES)


class CompanyAnswer(msgspec.Struct, frozen=True):
    """`/companyinfo/{realm}`."""

    CompanyInfo: Body
    time: object = None


def page_look(progress: Progress) -> Look:
    """The call for the next page. The company is one object and has an address of its own."""
    entity = progress.entities[0]
    is_full = (
        progress.listed == ENTITIES
    )  # one type that changed too much is part of reading changes
    if entity == COMPANY:
        return Look("companyinfo.get", {}, is_full=is_full, is_page=True)
    arguments: dict[str, str | int | bool | None] = {"entity": entity, "start": progress.start}
    if progress.since:
        arguments["since"] = progress.since
    if progress.rows != EVERYTHING.rows:
        arguments["rows"] = progress.rows
    return Look("query", arguments, is_full=is_full, is_page=True)


def read_listed(look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of one page."""
    progress = progress_of(state) or EVERYTHING
    if look.is_full and progress.cdc:  # changes that were not all read before they were too old
        progress = EVERYTHING
    if not progress.entities:
        raise Unreadable("a page that nobody asked for")
    entity = progress.entities[0]
    if entity == COMPANY:
        body = decode(response.body, CompanyAnswer)
        answer = QueryAnswer({COMPANY: [body.CompanyInfo]}, moment_of(convert(body.time, str)))
    else:
        answer = decode(response.body, QueryAnswer)
    rows = rows_of(answer.QueryResponse)
    if any(row.entity != entity for row in rows):
        raise Unreadable(f"a page of {entity} with something else in it")
    objects = answer.QueryResponse.get(entity, [])
    if not progress.sent:
        first = first_of(state, response, answer.time)
        progress = msgspec.structs.replace(
            progress, cursor=first.cursor, sent=first.sent, time=first.time
        )
        state = facts.begun(state)
    progress = _after_page(progress, objects)
    return _reading(response, with_name(state, rows), rows, progress)


def _reading(
    response: Response, state: ConnectionState, rows: tuple[Row, ...], progress: Progress
) -> Reading:
    request_id = remote_request_id(response)
    at = response.received_at
    if progress.entities:
        state = replace(read_well(state, at), page=page_of(progress))
        return Reading(state, staged=rows, remote_request_id=request_id)
    is_relisting = progress.listed != ENTITIES
    state, coverage = completed(facts.ended(state), progress, at, is_changes=is_relisting)
    return Reading(
        state,
        coverages=(coverage,),
        staged=rows,
        publishes=facts.BOOKS,
        replaces=progress.listed,
        remote_request_id=request_id,
    )


def _after_page(progress: Progress, objects: list[object]) -> Progress:
    """Where the next page begins. A page that is not full is an entity's last."""
    if progress.entities[0] == COMPANY or len(objects) < progress.rows:
        return msgspec.structs.replace(
            progress, entities=progress.entities[1:], since="", start=1, rows=EVERYTHING.rows
        )
    last = _changed(objects[-1])
    at, since_at = moment_of(last), moment_of(progress.since or None)
    if at is None:
        raise Unreadable("a full page whose last object has no time of change")
    if since_at is not None and at < since_at:
        raise Unreadable("a page that is not in order")
    if since_at == at:  # the whole page has one time
        if progress.start > OF_ONE_TIME_MAX:
            raise Unreadable("full pages of one time without end")
        return msgspec.structs.replace(progress, start=progress.start + progress.rows)
    return msgspec.structs.replace(progress, since=last or "", start=1)


def _changed(found: object) -> str | None:
    return convert(found, RowRecord).MetaData.LastUpdatedTime


def after_too_large(look: Look, state: ConnectionState) -> ConnectionState:
    """The same after an answer larger than one may be: smaller pages; and where changes do not fit, pages at all."""
    if look.endpoint == "cdc":
        return replace(state, cursor="", page="")
    progress = progress_of(state) or EVERYTHING
    smaller = msgspec.structs.replace(progress, rows=max(progress.rows // 4, 1))
    return replace(state, page=page_of(smaller)) if look.is_page else state
