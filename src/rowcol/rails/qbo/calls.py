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
from rowcol.rails.qbo.errors import Fault, fault_of, is_refused, refused, remote_request_id
from rowcol.rails.qbo.mirror import DELETED, is_sparse, row_of, rows_of
from rowcol.rails.qbo.progress import read_well
from rowcol.rails.qbo.records import Body, QueryAnswer, Unreadable, decode
from rowcol.rails.qbo.spec import COMPANY, ENDPOINTS, ENTITIES

_GONE = ("", "invalid_token", "invalid_grant")
_BY_PATH = {entity.lower(): entity for entity in ENTITIES}


def read_object(look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of one object, read or written: `{"Bill": {..}, "time": ".."}`."""
    answer = decode(response.body, Body)
    asked = str(look.arguments.get("entity") or COMPANY)
    came = next((part for name, part in answer.items() if name.lower() == asked.lower()), None)
    if not isinstance(came, dict) or _is_another(look, came):
        # A success without what was asked for is none: nothing is known of it.
        raise Unreadable(f"the answer has no such {asked}")
    # One told in part was done all the same; whole it comes with the next look.
    rows = tuple(row_of(e, answer[e]) for e in ENTITIES if e in answer and not is_sparse(answer[e]))
    if ENDPOINTS[look.endpoint].is_write:
        state = facts.without(state, facts.READ_ONLY)
    return _reading(response, state, rows)


def _is_another(look: Look, came: Body) -> bool:
    """Whether an answer speaks of another object than was asked for, or says of a deleted one that it is there."""
    if look.endpoint == "entity.delete" and came.get("status") != DELETED:
        return True
    asked = (look.body or {}).get("Id") or look.arguments.get("id")
    is_named = bool(asked) and "Id" in came and _BY_PATH.get(_entity(look)) != COMPANY
    return is_named and str(came["Id"]) != str(asked)


def _entity(look: Look) -> str:
    """What it asks for, as a part of an address."""
    return str(look.arguments.get("entity") or "").lower()


def read_page(_look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of a statement: whole objects, since Intuit's language knows no projection."""
    answer = decode(response.body, QueryAnswer)
    return _reading(response, state, rows_of(answer.QueryResponse))


def read_report(_look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of a report: for whoever asked, nothing to keep."""
    answer = decode(response.body, dict[str, Any])
    if not all(isinstance(answer.get(part), dict) for part in ("Header", "Columns", "Rows")):
        raise Unreadable("the answer lacks a part of the report")
    return _reading(response, state, ())


def read_revocation(look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
    """The reading of a revocation: 200 that says nothing; 400 where the token was none any more."""
    fault = fault_of(response.body)
    is_gone = response.status == 400 and not fault.is_page and fault.code in _GONE
    if not is_gone and (is_refused(response) or fault != Fault()):
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
    entity = _BY_PATH.get(_entity(look), "")
    remote_id = str(look.arguments.get("id") or "")
    is_gone = failure.outcome is Outcome.NOT_FOUND and response.status >= 400
    if not (is_gone and entity and remote_id):
        return failure
    return replace(failure, gone=(Row(entity, RemoteId(remote_id), "", None, None),))


def _reading(response: Response, state: ConnectionState, rows: tuple[Row, ...]) -> Reading:
    state = with_name(read_well(state, response.received_at), rows)
    return Reading(state, rows=rows, remote_request_id=remote_request_id(response))
