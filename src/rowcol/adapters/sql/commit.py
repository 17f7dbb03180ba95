"""Commit: the durable write that ends a step of reconcile, and the token's compare-and-swap.

    | the lease's fence        | guarded part (state, rows, coverages, deliveries, needs, decisions, next_at) | settlements, observations |
    |--------------------------|------------------------------------------------------------------------------|---------------------------|
    | is the subject's         | written                                                                      | written                   |
    | was passed by a later one| left alone, `is_fenced`                                                      | written                   |

    So a call's cost is told by one decision: that of whoever took over, who finds the call in the log.

Within one change what was staged before is discarded first, then new rows are staged, then
everything staged is published.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Select, Update, bindparam, case, func, select, update

from rowcol.adapters.sql import accounts, calls, facts, inbox, mirror, needs
from rowcol.adapters.sql.codec import dumps, us, us_or_none
from rowcol.adapters.sql.prepared import prepared
from rowcol.adapters.sql.tables import Tables
from rowcol.adapters.sql.tx import Tx, own
from rowcol.core import change as c
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId, FirmId


def commit(tx: Tx, firm: FirmId, change: c.Change) -> c.Committed:
    """All or nothing."""
    own(firm, change.lease.firm)
    holds = _hold(tx, firm, change)
    connection = change.lease.subject
    if holds:
        _write_guarded(tx, firm, change)
    if holds or _is_mine(tx, firm, connection):
        facts.observe(tx, firm, connection, change.observations)
    calls.settle_all(tx, [(firm, settlement) for settlement in change.settlements])
    for record in change.decisions:
        own(firm, record.firm)
    return c.Committed(is_fenced=not holds)


def store_token(
    tx: Tx, firm: FirmId, connection: ConnectionId, old: bytes | None, new: bytes
) -> bool:
    """Swap the sealed token if it is still `old` (None: there is none)."""
    values = {"p_firm": firm, "p_id": connection, "p_new": new}
    if old is not None:
        values["p_old"] = old
    return tx.run(_swap_token(tx.t, has_old=old is not None), values) == 1


def _is_mine(tx: Tx, firm: FirmId, connection: str) -> bool:
    return tx.row(_owned(tx.t), firm=firm, id=connection) is not None


def _hold(tx: Tx, firm: FirmId, change: c.Change) -> bool:
    """Whether the fence is still the subject's; then plan it and, if asked, give the lease back."""
    lease = change.lease
    moved = tx.run(
        _keep(tx.t),
        {
            "p_firm": firm,
            "p_kind": lease.kind,
            "p_subject": lease.subject,
            "p_fence": lease.fence,
            "p_next_at_us": us_or_none(change.next_at),
            "p_releases": int(change.releases),
        },
    )
    return moved == 1


def _write_guarded(tx: Tx, firm: FirmId, change: c.Change) -> None:
    connection = change.lease.subject
    if change.state is not None:
        _write_state(tx, firm, connection, change.state)
    if change.discards:
        mirror.discard(tx, firm, connection)
    mirror.write_rows(tx, firm, connection, change.rows)
    accounts.write_looks(tx, firm, connection, change.looks)
    mirror.stage(tx, firm, connection, change.staged)
    if change.publishes is not None:
        mirror.publish(tx, firm, connection)
    facts.cover(tx, firm, connection, change.coverages)
    if change.drained or change.parked:
        inbox.drain(
            tx,
            firm,
            connection,
            change.drained,
            change.parked,
            drained_at_us=_moment_us(tx, change),
        )
    needs.record_decisions(tx, firm, change.decisions)
    needs.answer(tx, firm, connection, change.answered)
    needs.postpone(tx, firm, connection, change.postponed)


def _write_state(tx: Tx, firm: FirmId, connection: str, state: ConnectionState) -> None:
    tx.run(
        _move_state(tx.t),
        {
            "p_firm": firm,
            "p_id": connection,
            "p_state": dumps(state),
            "p_retired": int(state.health is Health.RETIRED),
        },
    )


def _moment_us(tx: Tx, change: c.Change) -> int:
    """About when this commit is made: by the clock, else by the newest time it carries or its lease began at."""
    if tx.clock is not None:
        return us(tx.clock.now())
    carried = [
        *(s.settled_at for s in change.settlements),
        *(a.answered_at for a in change.answered),
        *(d.decided_at for d in change.decisions),
    ]
    if carried:
        return us(max(carried))
    lease = change.lease
    row = tx.row(_leased_at(tx.t), kind=lease.kind, subject=lease.subject)
    return 0 if row is None else int(row.leased_at_us)


@prepared
def _leased_at(t: Tables) -> Select[tuple[int]]:
    s = t.subjects.c
    mine = (s.kind == bindparam("kind"), s.subject == bindparam("subject"))
    return select(s.leased_at_us).where(*mine)


@prepared
def _keep(t: Tables) -> Update:
    """`next_at` None leaves what was planned."""
    s = t.subjects.c
    next_at_us = bindparam("p_next_at_us", type_=BigInteger)
    releases = bindparam("p_releases") == 1
    return (
        update(t.subjects)
        .where(
            s.kind == bindparam("p_kind"),
            s.subject == bindparam("p_subject"),
            s.firm == bindparam("p_firm"),
            s.fence == bindparam("p_fence"),
        )
        .values(
            next_at_us=func.coalesce(next_at_us, s.next_at_us),
            lease_until_us=case((releases, 0), else_=s.lease_until_us),
            owner=case((releases, ""), else_=s.owner),
        )
    )


@prepared
def _move_state(t: Tables) -> Update:
    k = t.connections.c
    return (
        update(t.connections)
        .where(k.firm == bindparam("p_firm"), k.id == bindparam("p_id"))
        .values(state=bindparam("p_state"), retired=bindparam("p_retired"))
    )


@prepared
def _owned(t: Tables) -> Select[tuple[str]]:
    k = t.connections.c
    return select(k.id).where(k.firm == bindparam("firm"), k.id == bindparam("id"))


@prepared
def _swap_token(t: Tables, *, has_old: bool) -> Update:
    k = t.connections.c
    is_old = k.token == bindparam("p_old") if has_old else k.token.is_(None)
    return (
        update(t.connections)
        .where(k.firm == bindparam("p_firm"), k.id == bindparam("p_id"), is_old)
        .values(previous_token=k.token, token=bindparam("p_new"))
    )
