"""Books: rows of the mirror as values, each answer with the time as of which the mirror is complete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import TypeVar

from rowcol.core.books import ACCOUNT, BILL, VENDOR, LedgerAccount, OpenItem, Party, Record
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
    """A row of the books that is no value of ours. It is named rather than left out of a list that looks whole."""

    code = "row_unreadable"

    def __init__(self, row: MirrorRow, why: str) -> None:
        super().__init__(
            f"{row.entity} {row.remote_id!r} cannot be read: {why}",
            "correct it in the books; the next look at them brings the correction",
        )
        self.more = {"entity": row.entity, "id": row.remote_id}


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
    found: dict[str, OpenItem] = {}
    vouched: Mapping[ConnectionId, Collection[RemoteId]] = {}
    answer: BooksAnswer[Mapping[str, OpenItem]]
    if unread:
        targets = await targeted.fetched(plane, unread, BILL, wanted, question)
        vouched, answer = targets.value, with_value(targets, found)
    else:
        answer = with_value(await _asked(plane, firm, business, question), found)
    for connection in answer.connections:
        asked = tuple(vouched.get(connection.id, wanted))
        rows = await plane.store.read_rows(firm, connection.id, BILL, asked) if asked else {}
        for record in _records(plane, connection, tuple(rows.values()), OpenItem):
            if record.remote_id in found:
                raise _ambiguous(record.remote_id)
            found[record.remote_id] = record
    return answer


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
    until, found = due_until or FOREVER, list[OpenItem]()
    for connection in answer.connections:
        rows = await plane.store.list_due(firm, connection.id, BILL, until, limit=ROWS_MAX + 1)
        _need_few(rows, BILL, "ask for those due until an earlier day")
        found += await _values(plane, connection, rows, OpenItem)
    found.sort(key=lambda bill: (bill.due_on or date.min, bill.remote_id))
    return with_value(answer, tuple(found))


async def vendors(
    plane: OpenPlane, firm: FirmId, business: BusinessId, question: Question
) -> BooksAnswer[tuple[Party, ...]]:
    """By name."""
    answer = await _asked(plane, firm, business, question)
    found = await _listed(plane, firm, answer, VENDOR, Party)
    return with_value(answer, tuple(sorted(found, key=lambda v: (v.name.casefold(), v.remote_id))))


async def bank_accounts(
    plane: OpenPlane, firm: FirmId, business: BusinessId, question: Question
) -> BooksAnswer[tuple[LedgerAccount, ...]]:
    """By name."""
    answer = await _asked(plane, firm, business, question)
    found = [a for a in await _listed(plane, firm, answer, ACCOUNT, LedgerAccount) if a.is_bank]
    return with_value(answer, tuple(sorted(found, key=lambda a: (a.name.casefold(), a.remote_id))))


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
) -> list[R]:
    """Every row of an entity that was not deleted; of each company by one read."""
    found: list[R] = []
    for connection in answer.connections:
        rows = await plane.store.list_rows(firm, connection.id, entity, limit=ROWS_MAX + 1)
        _need_few(rows, entity, "ask the books themselves with `rowcol call`")
        found += await _values(plane, connection, rows, kind)
    return found


def _need_few(rows: Sequence[MirrorRow], entity: str, instead: str) -> None:
    if len(rows) > ROWS_MAX:
        raise BadInput(f"there are more than {ROWS_MAX:,} rows of {entity} to list", instead)


async def _values(
    plane: OpenPlane, connection: Connection, rows: Sequence[MirrorRow], kind: type[R]
) -> list[R]:
    if len(rows) <= BESIDE:
        return _records(plane, connection, rows, kind)
    return await asyncio.to_thread(_records, plane, connection, rows, kind)


def _records(
    plane: OpenPlane, connection: Connection, rows: Sequence[MirrorRow], kind: type[R]
) -> list[R]:
    """Rows as values. Raise `RowUnreadable` for the first that is none."""
    record: Callable[[MirrorRow], Record | None] = plane.rails[connection.rail].record
    found: list[R] = []
    for row in rows:
        try:
            value = record(row)
        except ValueError as error:  # only of an amount it says nothing but our own words
            why = str(error) if isinstance(error, NotMoney) else "its shape is not the one known"
            raise RowUnreadable(row, why) from error
        if isinstance(value, kind):
            found.append(value)
    return found
