"""Calls: what the answers to single calls say: an object, a page by somebody's statement, a report, a write.

A write answers with the whole object, so nothing has to be read again afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Look, Reading, Row
from rowcol.core.wire import Response
from rowcol.rails.qbo import facts
from rowcol.rails.qbo.changes import with_name
from rowcol.rails.qbo.errors import fault_of, refused, remote_request_id
from rowcol.rails.qbo.mirror import row_of, rows_of
from rowcol.rails.qbo.progress import read_well
from rowcol.rails.qbo.records import Body, QueryAnswer, Unreadable, decode
from rowcol.rails.qbo.spec import ENDPOINTS, ENTITIES

_GONE = ("", "invalid_token", "invalid_grant")
_BY_PATH = {entity.lower(): entity for entity in ENTITIES}


def read_object(look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of one object, read or written: `{"Bill": {..}, "time": ".."}`."""
    answer = decode(response.body, Body)
    asked = str(look.arguments.get("entity") or "CompanyInfo")
    if asked.lower() not in map(
        str.lower, answer
    ):  # a success without what was asked for is none: nothing is known of it
        raise Unreadable(f"the answer has no {asked}")
    rows = tuple(row_of(entity, answer[entity]) for entity in ENTITIES if entity in answer)
    if ENDPOINTS[look.endpoint].is_write:
        state = facts.without(state, facts.READ_ONLY)
    return _reading(response, state, rows)


def read_page(_look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of a statement: whole objects, since Intuit's language knows no projection."""
    answer = decode(response.body, QueryAnswer)
    return _reading(response, state, rows_of(answer.QueryResponse))


def read_report(_look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of a report: for whoever asked, nothing to keep."""
    if "Header" not in decode(response.body, dict[str, Any]):
        raise Unreadable("the answer has no Header")
    return _reading(response, state, ())


def read_revocation(look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
    """The reading of a revocation: 200 without a body; 400 where the token was none any more."""
    fault = fault_of(response.body)
    is_gone = response.status == 400 and not fault.is_page and fault.code in _GONE
    if not (200 <= response.status < 300 or is_gone):
        return refused(look, response, state)
    at = response.received_at
    state = state.after(Outcome.OK, "", at).with_health(
        Health.RETIRED, "disconnected from QuickBooks", at
    )
    return Reading(state, remote_request_id=remote_request_id(response))


def refused_object(look: Look, response: Response, state: ConnectionState) -> Failure:
    """The failure to read one object; with its tombstone where there is none.

    A write that is refused with the same code may as well have named something inactive.
    """
    failure = refused(look, response, state)
    entity = _BY_PATH.get(str(look.arguments.get("entity") or "").lower(), "")
    remote_id = str(look.arguments.get("id") or "")
    if failure.outcome is not Outcome.NOT_FOUND or not entity or not remote_id:
        return failure
    return replace(failure, gone=(Row(entity, RemoteId(remote_id), "", None, None),))


def _reading(response: Response, state: ConnectionState, rows: tuple[Row, ...]) -> Reading:
    state = with_name(read_well(state, response.received_at), rows)
    return Reading(state, rows=rows, remote_request_id=remote_request_id(response))
