"""Books: rows of the mirror as values, each answer with the time as of which the mirror is complete.

A row that is no value of ours (half a yen, no currency, another shape) keeps the others from nobody: it is named in the
answer's `unreadable` and in its label, and whoever asks for that very row by its id hears why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Generic, TypeVar

from rowcol.core.books import (
    ACCOUNT,
    BILL,
    VENDOR,
    LedgerAccount,
    OpenItem,
    Party,
    Record,
    UnreadableRow,
    said_of,
)
from rowcol.core.change import Action
from rowcol.core.connection import Connection
from rowcol.core.ids import BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.money import NotMoney
from rowcol.core.need import Purpose, Question, question_of
from rowcol.core.refusal import BadInput, Conflict
from rowcol.engine.books import BooksAnswer
from rowcol.services import targeted
from rowcol.services.asking import answered
from rowcol.services.plane import OpenPlane

T = TypeVar("T")
U = TypeVar("U")
R = TypeVar("R", bound=Record)
IDS_MAX = 10_000
ROWS_MAX = 100_000
"""Of one company in one list: more is none that a person reads, and all of it is in memory at once."""
BESIDE = 2_000
"""Rows that are read beside the loop, which others wait for: ten milliseconds for a thousand."""
FOREVER = date.max


class RowUnreadable(Conflict):
    """The very row that was asked for is no value of ours."""

    code = "row_unreadable"

    def __init__(self, row: UnreadableRow) -> None:
        super().__init__(
            f"{row.entity} {row.remote_id!r} cannot be read: {row.why}",
            "correct it in the books; the next look at them brings the correction",
        )
        self.more = {"entity": row.entity, "id": row.remote_id}


@dataclass(slots=True)
class Found(Generic[R]):
    """Rows as values, and those that are none."""

    values: list[R] = field(default_factory=list)
    unreadable: list[UnreadableRow] = field(default_factory=list)

    def add(self, more: Found[R]) -> None:
        """Another company's."""
        self.values.extend(more.values)
        self.unreadable.extend(more.unreadable)


def asked(
    plane: OpenPlane, purpose: Purpose, *, is_confirmed: bool, deadline: datetime | None
) -> Question:
    """The question of somebody who asks now. `is_confirmed`: what changed is read now, whatever is known."""
    purpose = Purpose.FORCED if is_confirmed else purpose
    now = plane.clock.now()
    return question_of(purpose, now, deadline=deadline, is_confirmed=is_confirmed)


def with_value(answer: BooksAnswer[T], value: U) -> BooksAnswer[U]:
    """The same proof for another value."""
    kept = {f.name: getattr(answer, f.name) for f in fields(answer) if f.name != "value"}
    return BooksAnswer(value=value, **kept)


def _beside(answer: BooksAnswer[T], unreadable: Sequence[UnreadableRow]) -> BooksAnswer[T]:
    """The same, saying what is not in its value."""
    said = said_of(unreadable)
    if said is None:
        return answer
    label = f"{answer.label}; {said}" if answer.label else said
    return replace(answer, label=label, unreadable=(*answer.unreadable, *unreadable))


def _held(answer: BooksAnswer[T]) -> BooksAnswer[T]:
    """The same; a decision on bills of which one cannot be read is a decision on less than everything, so it holds."""
    is_decision = answer.question.purpose in (Purpose.RITUAL, Purpose.GUARDRAIL)
    if not (is_decision and answer.unreadable):
        return answer
    return replace(answer, action=Action.HOLD, reason=f"held: {said_of(answer.unreadable)}")


async def bills_by_id(
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    ids: Sequence[str],
    question: Question,
) -> BooksAnswer[Mapping[str, OpenItem]]:
    """Bills by id. Where no mirror vouches yet, those rows alone are asked for."""
    wanted = tuple(dict.fromkeys(RemoteId(i.strip()) for i in ids))
    if len(wanted) > IDS_MAX or not all(wanted):
        raise BadInput(
            f"{len(wanted)} ids, at least one of them empty or more than {IDS_MAX:,}",
            "ask for them in parts, each with the id that the books gave",
        )
    unread = await targeted.unread(plane, firm, business)
    found, names = Found[OpenItem](), set[RemoteId]()
    vouched: Mapping[ConnectionId, Collection[RemoteId]] = {}
    answer: BooksAnswer[None]
    if unread:
        targets = await targeted.fetched(plane, unread, BILL, wanted, question)
        vouched, answer = targets.value, with_value(targets, None)
    else:
        answer = await _asked(plane, firm, business, question)
    for connection in answer.connections:
        asked = tuple(vouched.get(connection.id, wanted))
        rows = await plane.store.read_rows(firm, connection.id, BILL, asked) if asked else {}
        if not names.isdisjoint(rows):
            raise _ambiguous(next(iter(names.intersection(rows))))
        names.update(rows)
        found.add(_records(plane, connection, tuple(rows.values()), OpenItem))
    by_id: Mapping[str, OpenItem] = {bill.remote_id: bill for bill in found.values}
    return _held(_beside(with_value(answer, by_id), found.unreadable))


def _ambiguous(bill_id: str) -> Conflict:
    """Each company counts its bills from 1: picking one of two would be a guess about money."""
    return Conflict(
        f"bill {bill_id!r} is in more than one of this business's companies",
        "keep each company as a business of its own, or list the bills instead",
    )


async def open_bills(
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    due_until: date | None,
    question: Question,
) -> BooksAnswer[tuple[OpenItem, ...]]:
    """Bills that are not paid whole, by due date. Of each company by one read: over two, a bill that moves meanwhile
    would be missed, or told twice. Raise `BadInput` past `ROWS_MAX`."""
    answer = await _asked(plane, firm, business, question)
    until, found = due_until or FOREVER, Found[OpenItem]()
    for connection in answer.connections:
        rows = await plane.store.list_due(firm, connection.id, BILL, until, limit=ROWS_MAX + 1)
        _need_few(rows, BILL, "ask for those due until an earlier day")
        found.add(await _values(plane, connection, rows, OpenItem))
    found.values.sort(key=lambda bill: (bill.due_on or date.min, bill.remote_id))
    return _held(_beside(with_value(answer, tuple(found.values)), found.unreadable))


async def vendors(
    plane: OpenPlane, firm: FirmId, business: BusinessId, question: Question
) -> BooksAnswer[tuple[Party, ...]]:
    """By name."""
    answer = await _asked(plane, firm, business, question)
    found = await _listed(plane, firm, answer, VENDOR, Party)
    by_name = sorted(found.values, key=lambda v: (v.name.casefold(), v.remote_id))
    return _beside(with_value(answer, tuple(by_name)), found.unreadable)


async def bank_accounts(
    plane: OpenPlane, firm: FirmId, business: BusinessId, question: Question
) -> BooksAnswer[tuple[LedgerAccount, ...]]:
    """By name. An account that cannot be read is named whatever it is: whether a bank's, is not known either."""
    answer = await _asked(plane, firm, business, question)
    found = await _listed(plane, firm, answer, ACCOUNT, LedgerAccount)
    banks = [account for account in found.values if account.is_bank]
    by_name = sorted(banks, key=lambda a: (a.name.casefold(), a.remote_id))
    return _beside(with_value(answer, tuple(by_name)), found.unreadable)


async def _asked(
    plane: OpenPlane, firm: FirmId, business: BusinessId, question: Question
) -> BooksAnswer[None]:
    return await answered(plane, plane.bookkeeper, firm, business, question)


async def _listed(
    plane: OpenPlane,
    firm: FirmId,
    answer: BooksAnswer[None],
    entity: str,
    kind: type[R],
) -> Found[R]:
    """Every row of an entity that was not deleted; of each company by one read."""
    found = Found[R]()
    for connection in answer.connections:
        rows = await plane.store.list_rows(firm, connection.id, entity, limit=ROWS_MAX + 1)
        _need_few(rows, entity, "ask the books themselves with `rowcol call`")
        found.add(await _values(plane, connection, rows, kind))
    return found


def _need_few(rows: Sequence[MirrorRow], entity: str, instead: str) -> None:
    if len(rows) > ROWS_MAX:
        raise BadInput(f"there are more than {ROWS_MAX:,} rows of {entity} to list", instead)


async def _values(
    plane: OpenPlane, connection: Connection, rows: Sequence[MirrorRow], kind: type[R]
) -> Found[R]:
    if len(rows) <= BESIDE:
        return _records(plane, connection, rows, kind)
    return await asyncio.to_thread(_records, plane, connection, rows, kind)


def _records(
    plane: OpenPlane, connection: Connection, rows: Sequence[MirrorRow], kind: type[R]
) -> Found[R]:
    """Rows as values, each by itself."""
    record, state = plane.rails[connection.rail].record, connection.state
    found = Found[R]()
    for row in rows:
        try:
            value = record(row, state)
        except ValueError as error:  # only of an amount it says nothing but our own words
            why = str(error) if isinstance(error, NotMoney) else "its shape is not the one known"
            found.unreadable.append(UnreadableRow(row.entity, row.remote_id, why))
            continue
        if isinstance(value, kind):
            found.values.append(value)
    return found
