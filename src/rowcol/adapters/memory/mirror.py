"""Mirror in memory: rows as the rails gave them, an unfinished stream staged beside it. The semantics are in `adapters/sql/mirror`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import msgspec

from rowcol.adapters.memory.state import Kept, Login, State
from rowcol.core.ids import ConnectionId, FirmId, RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.rail import Row

ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")
Rows = dict[tuple[str, str], Kept]


def put(rows: Rows, given: Iterable[Row]) -> None:
    """The last of the same id wins; of a tombstone nothing is due."""
    for row in given:
        _put(rows, row, row.body)


def publish(login: Login) -> None:
    """Move everything staged into the mirror."""
    for kept in login.staged.values():
        _put(login.mirror, kept.row, kept.body)
    login.staged.clear()


def of_entity(s: State, firm: FirmId, connection: ConnectionId, entity: str) -> list[Kept]:
    """By remote id, tombstones included; nothing of another firm's."""
    login = s.login(firm, connection)
    rows = {} if login is None else login.mirror
    return [rows[place] for place in sorted(place for place in rows if place[0] == entity)]


def read_rows(
    s: State, firm: FirmId, connection: ConnectionId, entity: str, ids: Sequence[RemoteId]
) -> dict[RemoteId, MirrorRow]:
    """Those that are there."""
    login = s.login(firm, connection)
    rows = {} if login is None else login.mirror
    return {name: _mirror_row(rows[entity, name]) for name in ids if (entity, name) in rows}


def unlisted(login: Login, entity: str) -> tuple[RemoteId, ...]:
    """Of the rows that are there those that are not staged."""
    here = (place for place, kept in login.mirror.items() if kept.row.body is not None)
    return tuple(sorted(RemoteId(i) for e, i in here if e == entity and (e, i) not in login.staged))


def due(
    kept: Iterable[Kept], until: date, after: tuple[date, RemoteId] | None
) -> tuple[MirrorRow, ...]:
    """By due date, then remote id."""
    found = [
        (each.row.due_on, each.row.remote_id, each)
        for each in kept
        if each.row.due_on is not None and each.row.due_on <= until
    ]
    later = [each for each in found if after is None or each[:2] > after]
    return tuple(_mirror_row(each[2]) for each in sorted(later, key=lambda each: each[:2]))


def alive(kept: Iterable[Kept], after: str) -> tuple[MirrorRow, ...]:
    """Without tombstones."""
    found = (each for each in kept if each.row.body is not None and each.row.remote_id > after)
    return tuple(_mirror_row(each) for each in found)


def _put(rows: Rows, row: Row, body: Mapping[str, object] | None) -> None:
    place = (row.entity, row.remote_id)
    if body is None and place in rows:
        body = rows[place].body
    rows[place] = Kept(row if row.body is not None else replace(row, due_on=None), body)


def _mirror_row(kept: Kept) -> MirrorRow:
    row = kept.row
    return MirrorRow(
        row.entity,
        row.remote_id,
        row.remote_version,
        row.remote_at,
        row.due_on,
        row.body is None,
        None if kept.body is None else ENCODER.encode(kept.body),
    )
