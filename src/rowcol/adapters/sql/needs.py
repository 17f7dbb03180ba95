"""Needs and decisions: questions put to connections until they are answered, and the log of what was decided.

| need     | event                         | to                                   |
|----------|-------------------------------|--------------------------------------|
| (none)   | add_needs                     | open, due at its `check_at`          |
| open     | a commit postpones it         | open, due at the new `check_at`      |
| open     | a commit answers it           | answered (SERVE or HOLD)             |
| answered | answered or postponed again   | unchanged                            |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Insert, Select, Update, bindparam, select, update

from rowcol.adapters.sql import codec
from rowcol.adapters.sql.codec import Columns, dumps, us
from rowcol.adapters.sql.prepared import filled, listed, prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, insert_new, own
from rowcol.core import change as c
from rowcol.core.ids import BusinessId, FirmId, NeedId
from rowcol.core.need import Need
from rowcol.core.refusal import NotFound


def add_needs(tx: Tx, firm: FirmId, needs: Sequence[Need]) -> None:
    """Raise `NotFound` where a connection is not the firm's. A need that is there already stays as it is."""
    if not needs:
        return
    for need in needs:
        own(firm, need.firm)
    ids = sorted({need.connection for need in needs})
    places = filled(ids)
    known = {row.id for row in tx.rows(_connections(tx.t, len(places)), firm=firm, **places)}
    if len(known) < len(ids):
        raise NotFound("no such connection in this firm", "list them with `rowcol connect list`")
    tx.run(
        _add(tx.t),
        [
            {
                "id": need.id,
                "firm": firm,
                "business": need.business,
                "connection": need.connection,
                "question": dumps(need.question),
                "priority": codec.priority_us(need.question),
                "check_at_us": us(need.check_at),
                "decision": None,
                "cost_micros": 0,
                "calls": "[]",
                "answered_at_us": None,
            }
            for need in needs
        ],
    )


def answer(tx: Tx, firm: FirmId, connection: str, answered: Sequence[c.Answered]) -> None:
    """Answer open needs of one connection."""
    if answered:
        tx.run(
            _answer(tx.t),
            [
                {
                    "p_firm": firm,
                    "p_connection": connection,
                    "p_id": each.need,
                    "decision": dumps(each.decision),
                    "cost_micros": each.cost.micros,
                    "calls": dumps(each.calls),
                    "answered_at_us": us(each.answered_at),
                }
                for each in answered
            ],
        )


def postpone(tx: Tx, firm: FirmId, connection: str, postponed: Sequence[c.Postponed]) -> None:
    """Look at open needs of one connection again later."""
    if postponed:
        tx.run(
            _postpone(tx.t),
            [
                {
                    "p_firm": firm,
                    "p_connection": connection,
                    "p_id": each.need,
                    "decision": dumps(each.decision),
                    "check_at_us": us(each.check_at),
                }
                for each in postponed
            ],
        )


def read_answers(tx: Tx, firm: FirmId, ids: Sequence[NeedId]) -> dict[NeedId, c.Answered]:
    """In the order asked."""
    if not ids:
        return {}
    places = filled(ids)
    rows = {row.id: row for row in tx.rows(_answers(tx.t, len(places)), firm=firm, **places)}
    return {need: codec.answered_of(rows[need]) for need in ids if need in rows}


def record_decisions(tx: Tx, firm: FirmId, records: Sequence[c.DecisionRecord]) -> None:
    """Append to the log; a record that is there already stays as it is."""
    if not records:
        return
    for record in records:
        own(firm, record.firm)
    tx.run(_record(tx.t), [codec.decision_columns(record) for record in records])


def list_decisions(
    tx: Tx, firm: FirmId, business: BusinessId | None, after: str, limit: int
) -> tuple[c.DecisionRecord, ...]:
    """Newest first."""
    t = tx.t.decisions
    statement = select(t).where(t.c.firm == firm).order_by(t.c.id.desc()).limit(limit)
    if business is not None:
        statement = statement.where(t.c.business == business)
    if after:
        statement = statement.where(t.c.id < after)
    return tuple(codec.decision_of(row) for row in tx.rows(statement))


@prepared
def _connections(t: Tables, count: int) -> Select[tuple[str]]:
    k = t.connections.c
    return select(k.id).where(k.firm == bindparam("firm"), k.id.in_(listed(count)))


@prepared
def _add(t: Tables) -> Insert:
    return insert_new(t, t.needs)


def _open_update(t: Tables, names: Sequence[str]) -> Update:
    n = t.needs.c
    values: Columns = {name: bindparam(name) for name in names}
    return (
        update(t.needs)
        .where(
            n.firm == bindparam("p_firm"),
            n.connection == bindparam("p_connection"),
            n.id == bindparam("p_id"),
            n.answered_at_us.is_(None),
        )
        .values(values)
    )


@prepared
def _answer(t: Tables) -> Update:
    return _open_update(t, ("decision", "cost_micros", "calls", "answered_at_us"))


@prepared
def _postpone(t: Tables) -> Update:
    return _open_update(t, ("decision", "check_at_us"))


@prepared
def _answers(t: Tables, count: int) -> Select[Any]:
    n = t.needs.c
    mine = (n.firm == bindparam("firm"), n.id.in_(listed(count)))
    return select(n.id, n.decision, n.cost_micros, n.calls, n.answered_at_us).where(
        *mine, n.answered_at_us.is_not(None)
    )


@prepared
def _record(t: Tables) -> Insert:
    return insert_new(t, t.decisions)
