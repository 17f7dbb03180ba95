"""Codec: values to columns and back. Times are microseconds UTC, structured values JSON with sorted keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Row as SqlRow

from rowcol.core import change as c
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.delivery import Listed, RouteState
from rowcol.core.evidence import Balance, Observation, Source
from rowcol.core.mirror import MirrorRow
from rowcol.core.money import Cost
from rowcol.core.need import Need, Purpose, Question, Trigger, priority_of
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.rail import Row
from rowcol.core.records import Call

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_encoder = msgspec.json.Encoder(order="deterministic")
_states = msgspec.json.Decoder(ConnectionState)
_balances = msgspec.json.Decoder(Balance | None)
_decisions = msgspec.json.Decoder(c.Decision)
_questions = msgspec.json.Decoder(Question)
_lists = msgspec.json.Decoder(tuple[str, ...])
_numbers = msgspec.json.Decoder(tuple[int, ...])
_objects = msgspec.json.Decoder(dict[str, Any])
_body_encoder = msgspec.json.Encoder(order="deterministic", decimal_format="number")
_bodies = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)

Columns = dict[str, Any]
MIRROR_COLUMNS = (
    "entity",
    "remote_id",
    "remote_version",
    "remote_at_us",
    "due_on",
    "deleted",
    "body",
)


def us(when: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (when - EPOCH) // _MICROSECOND


def us_or_none(when: datetime | None) -> int | None:
    """The same, where there may be no time."""
    return None if when is None else (when - EPOCH) // _MICROSECOND


def at(when_us: int) -> datetime:
    """The moment in aware UTC."""
    return EPOCH + timedelta(microseconds=when_us)


def at_or_none(when_us: int | None) -> datetime | None:
    """The same, where there may be no time."""
    return None if when_us is None else EPOCH + timedelta(microseconds=when_us)


def priority_us(question: Question) -> int:
    """`priority_of` as one number: the class of the purpose above 58 bits of microseconds, which last to the year 9999."""
    first, deadline = priority_of(question)
    return (first << 58) + us(deadline)


def storable(text: str) -> str:
    """Foreign text that every database takes: without NUL and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def dumps(value: object) -> str:
    """JSON text, the same for equal values."""
    return _encoder.encode(value).decode()


def loads(text: str) -> dict[str, Any]:
    """A JSON object."""
    return _objects.decode(text)


def numbers_of(text: str) -> tuple[int, ...]:
    """A JSON list of whole numbers."""
    return _numbers.decode(text)


def body_text(body: Mapping[str, object]) -> str:
    """A rail's row as JSON text, the same for equal ones; a Decimal is the number with its digits as they are."""
    return _body_encoder.encode(body).decode()


def state_of(text: str) -> ConnectionState:
    """A connection's state."""
    return _states.decode(text)


def connection_of(row: SqlRow[Any]) -> Connection:
    """A connection from its row (every column of `connections` but the tokens)."""
    return Connection(
        row.id,
        row.firm,
        row.business,
        row.rail,
        row.app,
        row.environment,
        row.remote_id,
        row.institution,
        row.name,
        at(row.created_at_us),
        _states.decode(row.state),
        bool(row.is_paused),
    )


def observation_of(
    remote_account: str, true_at_us: int, received_at_us: int, source: str, balance: str, call: Any
) -> Observation:
    """An observation from its columns."""
    return Observation(
        remote_account,  # type: ignore[arg-type] # ids are NewTypes of what the column holds
        at(true_at_us),
        at(received_at_us),
        Source(source),
        _balances.decode(balance),
        call,
    )


def need_of(row: SqlRow[Any]) -> Need:
    """A need from its row."""
    question = _questions.decode(row.question)
    return Need(row.id, row.firm, row.business, row.connection, question, at(row.check_at_us))


def answered_of(row: SqlRow[Any]) -> c.Answered:
    """The answer of a need that has one, from its row."""
    return c.Answered(
        row.id,
        _decisions.decode(row.decision),
        Cost(row.cost_micros),
        _lists.decode(row.calls),  # type: ignore[arg-type] # ids are NewTypes of what the column holds
        at(row.answered_at_us),
    )


def decision_columns(record: c.DecisionRecord) -> Columns:
    """A line of the decision log as columns."""
    return {
        "id": record.id,
        "firm": record.firm,
        "business": record.business,
        "connection": record.connection,
        "need": record.need,
        "policy": record.policy,
        "question": dumps(record.question),
        "decision": dumps(record.decision),
        "cost_micros": record.cost.micros,
        "calls": dumps(record.calls),
        "decided_at_us": us(record.decided_at),
        "inputs": dumps(record.inputs),
    }


def decision_of(row: SqlRow[Any]) -> c.DecisionRecord:
    """A line of the decision log from its row."""
    return c.DecisionRecord(
        row.id,
        row.firm,
        row.business,
        row.connection,
        row.need,
        row.policy,
        _questions.decode(row.question),
        _decisions.decode(row.decision),
        Cost(row.cost_micros),
        _lists.decode(row.calls),  # type: ignore[arg-type] # ids are NewTypes of what the column holds
        at(row.decided_at_us),
        loads(row.inputs),
    )


def call_of(row: SqlRow[Any]) -> Call:
    """A line of the call log from its row."""
    return Call(
        id=row.id,
        firm=row.firm,
        business=row.business,
        connection=row.connection,
        rail=row.rail,
        app=row.app,
        environment=row.environment,
        endpoint=row.endpoint,
        trigger=Trigger(row.cause),
        purpose=None if row.purpose is None else Purpose(row.purpose),
        reason=row.reason,
        price=Cost(row.price_micros),
        cost=Cost(row.cost_micros),
        billed=None if row.billed is None else Billed(row.billed),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        detail=row.detail,
        status=row.status,
        opened_at=at(row.opened_at_us),
        settled_at=at_or_none(row.settled_at_us),
        remote_request_id=row.remote_request_id,
        units=row.units,
    )


def listed_of(row: SqlRow[Any]) -> Listed:
    """A delivery as people list it, from its row joined with its route."""
    return Listed(
        row.delivery,
        row.rail,
        row.app,
        row.kind,
        RouteState(row.state),
        row.firm or None,
        row.connection or None,
        row.remote_id,
        at_or_none(row.signed_at_us),
        at(row.received_at_us),
        at_or_none(row.drained_at_us),
        row.note,
    )


def row_columns(firm: str, connection: str, row: Row) -> Columns:
    """A mirror row as columns."""
    is_due = row.body is not None and row.due_on is not None
    return {
        "firm": firm,
        "connection": connection,
        "entity": row.entity,
        "remote_id": row.remote_id,
        "remote_version": row.remote_version,
        "remote_at_us": us_or_none(row.remote_at),
        "body": None if row.body is None else body_text(row.body),
        "deleted": int(row.body is None),
        "due_on": str(row.due_on) if is_due else None,
    }


def row_of(row: SqlRow[Any]) -> Row:
    """A mirror row from its columns; a number with a point is a Decimal."""
    body: Mapping[str, Any] | None = None if row.deleted else _bodies.decode(row.body)
    when = at_or_none(row.remote_at_us)
    return Row(row.entity, row.remote_id, row.remote_version, when, body, _date(row.due_on))


def mirror_row_of(row: SqlRow[Any]) -> MirrorRow:
    """A mirror row with its body as it is kept, from `MIRROR_COLUMNS` in their order: a thousand are read at once."""
    entity, remote_id, version, at_us, due_on, deleted, body = tuple(row)
    when = None if at_us is None else EPOCH + timedelta(0, 0, at_us)
    kept = None if body is None else body.encode()
    return MirrorRow(entity, remote_id, version, when, _date(due_on), deleted == 1, kept)


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
