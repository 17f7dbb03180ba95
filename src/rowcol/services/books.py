"""Books: rows of the mirror as values, each answer with the time as of which the mirror is complete."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import TypeVar

from rowcol.core.books import ACCOUNT, BILL, VENDOR, LedgerAccount, OpenItem, Party, Record
from rowcol.core.connection import Connection
from rowcol.core.ids import BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.need import Purpose, question_of
from rowcol.core.refusal import BadInput, Conflict
from rowcol.engine.books import BooksAnswer
from rowcol.services import targeted
from rowcol.services.asking import answered
from rowcol.services.plane import OpenPlane

T = TypeVar("T")
U = TypeVar("U")
R = TypeVar("R", bound=Record)
IDS_MAX = 10_000
PAGE = 1_000
PAGES_MAX = 1_000
"""A million rows of one company: more is no list that a person reads."""
FOREVER = date.max


def with_value(answer: BooksAnswer[T], value: U) -> BooksAnswer[U]:
    """The same proof for another value."""
    kept = {f.name: getattr(answer, f.name) for f in fields(answer) if f.name != "value"}
    return BooksAnswer(value=value, **kept)


async def bills_by_id(
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    ids: Sequence[str],
    purpose: Purpose,
    *,
    is_confirmed: bool = False,
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
        targets = await targeted.fetched(plane, unread, BILL, wanted, purpose)
        vouched, answer = targets.value, with_value(targets, found)
    else:
        whole = await _asked(plane, firm, business, purpose, is_confirmed=is_confirmed)
        answer = with_value(whole, found)
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
    purpose: Purpose,
    *,
    is_confirmed: bool = False,
) -> BooksAnswer[tuple[OpenItem, ...]]:
    """Bills that are not paid whole, by due date."""
    answer = await _asked(plane, firm, business, purpose, is_confirmed=is_confirmed)
    found: list[OpenItem] = []
    for connection in answer.connections:
        after: tuple[date, RemoteId] | None = None
        for _ in range(PAGES_MAX):
            rows = await plane.store.list_due(
                firm, connection.id, BILL, due_until or FOREVER, after=after, limit=PAGE
            )
            found += _records(plane, connection, rows, OpenItem)
            if len(rows) < PAGE or rows[-1].due_on is None:
                break
            after = rows[-1].due_on, rows[-1].remote_id
    found.sort(key=lambda bill: (bill.due_on or date.min, bill.remote_id))
    return with_value(answer, tuple(found))


async def vendors(
    plane: OpenPlane, firm: FirmId, business: BusinessId, purpose: Purpose
) -> BooksAnswer[tuple[Party, ...]]:
    """By name."""
    answer = await _asked(plane, firm, business, purpose)
    found = await _listed(plane, firm, answer, VENDOR, Party)
    return with_value(answer, tuple(sorted(found, key=lambda v: (v.name.casefold(), v.remote_id))))


async def bank_accounts(
    plane: OpenPlane, firm: FirmId, business: BusinessId, purpose: Purpose
) -> BooksAnswer[tuple[LedgerAccount, ...]]:
    """By name."""
    answer = await _asked(plane, firm, business, purpose)
    found = [a for a in await _listed(plane, firm, answer, ACCOUNT, LedgerAccount) if a.is_bank]
    return with_value(answer, tuple(sorted(found, key=lambda a: (a.name.casefold(), a.remote_id))))


async def _asked(
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    purpose: Purpose,
    *,
    is_confirmed: bool = False,
) -> BooksAnswer[None]:
    purpose = Purpose.FORCED if is_confirmed else purpose
    question = question_of(purpose, plane.clock.now(), is_confirmed=is_confirmed)
    return await answered(plane, plane.bookkeeper, firm, business, question)


async def _listed(
    plane: OpenPlane,
    firm: FirmId,
    answer: BooksAnswer[None],
    entity: str,
    kind: type[R],
) -> list[R]:
    """Every row of an entity that was not deleted."""
    found: list[R] = []
    for connection in answer.connections:
        after = ""
        for _ in range(PAGES_MAX):
            rows = await plane.store.list_rows(firm, connection.id, entity, after=after, limit=PAGE)
            found += _records(plane, connection, rows, kind)
            if len(rows) < PAGE:
                break
            after = rows[-1].remote_id
    return found


def _records(
    plane: OpenPlane, connection: Connection, rows: Sequence[MirrorRow], kind: type[R]
) -> list[R]:
    """Rows as values; one that cannot be read is an error of ours, said aloud rather than left out."""
    record: Callable[[MirrorRow], Record | None] = plane.rails[connection.rail].record
    return [value for row in rows if isinstance(value := record(row), kind)]
