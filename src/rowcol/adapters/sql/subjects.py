"""Subjects: what is due, and who holds it. Due is derived from rows, never stored.

    due = the least of  next_at,  receipt of its oldest RECEIVED delivery,  check_at of its open needs

A paused subject is due only for its open needs (somebody waits for the answer, which says that it
is paused); deliveries and plans wait until it is resumed.

Order: a lane for what is asked for (an open need is due), the most pressing need first, and a lane
for what has been due for a minute, the longest due first. They go in turn, one of each, so that a
person is never behind a backlog and nobody starves behind people. Then the rest, the longest due
first, but firm by firm and within a firm business by business, one each in turn.

    | lease                  | event                  | to                                    |
    |------------------------|------------------------|---------------------------------------|
    | free, or expired       | claim, claim_one       | held until now + lease_s, fence + 1   |
    | held, fence still its  | renew                  | held until now + lease_s              |
    | held, fence still its  | release, commit gives  | free                                  |
    | taken by a later claim | renew, release, commit | unchanged: a smaller fence is refused |
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rowcol.adapters.sql import subjects_statements as statements
from rowcol.adapters.sql.codec import at, at_or_none, us, us_or_none
from rowcol.adapters.sql.tx import Tx
from rowcol.core import change as c
from rowcol.core.ids import FirmId
from rowcol.core.records import Business

_S_US = 1_000_000
AGED_US = 60 * _S_US
"""Due for so long, a subject waits behind nobody's round-robin any more."""
_SPARE = 4
"""On PostgreSQL others may lock what we found: look at so many times more candidates than wanted."""


def claim(
    tx: Tx, owner: str, now: datetime, lease_s: int, limit: int, only: Business | None
) -> tuple[c.Lease, ...]:
    """Up to `limit` of what is due, in the order above.

    Due by the caller's `now`, which its plan goes by too: by another clock it could be due and have
    nothing to do yet, over and over. Who holds it is told by the one clock of all.
    """
    lease_now_us, now_us = tx.lease_now_us(now), us(now)
    found = tx.rows(
        statements.candidates(tx.t, is_of_one=only is not None),
        **_names(only),
        now_us=now_us,
        aged_us=now_us - AGED_US,
        lease_now_us=lease_now_us,
        limit=limit * _SPARE if tx.t.is_postgres else limit,
    )
    if found and tx.t.is_postgres:
        names = [row.subject for row in found]
        locked = tx.rows(statements.lock(tx.t), names=names, now_us=lease_now_us)
        free = {row.subject: row for row in locked}
        found = [free[name] for name in names if name in free][:limit]
    if not found:
        return ()
    until_us = lease_now_us + lease_s * _S_US
    tx.run(
        statements.take(tx.t),
        [
            {
                "p_kind": row.kind,
                "p_subject": row.subject,
                "p_owner": owner,
                "p_now_us": lease_now_us,
                "p_until_us": until_us,
            }
            for row in found
        ],
    )
    return tuple(
        c.Lease(row.firm, c.SubjectKind(row.kind), row.subject, owner, at(until_us), row.fence + 1)
        for row in found
    )


def claim_one(
    tx: Tx, firm: str, connection: str, owner: str, now: datetime, lease_s: int
) -> c.Lease | None:
    """Take a connection that nobody holds, whether it is due or not."""
    kind, lease_now_us = c.SubjectKind.CONNECTION, tx.lease_now_us(now)
    until_us = lease_now_us + lease_s * _S_US
    row = tx.row(
        statements.take_free(tx.t),
        p_kind=kind.value,
        p_subject=connection,
        p_firm=firm,
        p_owner=owner,
        p_now_us=lease_now_us,
        p_until_us=until_us,
    )
    if row is None:
        return None
    return c.Lease(FirmId(firm), kind, connection, owner, at(until_us), row.fence)


def next_due_at(tx: Tx, only: Business | None) -> datetime | None:
    """A leased subject counts from the end of its lease, by the clock of leases: then its holder is thought dead."""
    dues = tx.row(statements.next_dues(tx.t, is_of_one=only is not None), **_names(only))
    return at_or_none(min((due for due in dues if due is not None), default=None))


def _names(only: Business | None) -> dict[str, str]:
    return {} if only is None else {"its_firm": only.firm, "its_business": only.id}


def renew(tx: Tx, leases: Sequence[c.Lease], now: datetime, lease_s: int) -> None:
    """Extend those that are still held by their fence."""
    if leases:
        until_us = tx.lease_now_us(now) + lease_s * _S_US
        tx.run(
            statements.renew(tx.t), [{**_held(lease), "p_until_us": until_us} for lease in leases]
        )


def release(tx: Tx, lease: c.Lease, next_at: datetime | None) -> None:
    """Give it back; `next_at` None leaves what was planned."""
    tx.run(statements.release(tx.t), {**_held(lease), "p_next_at_us": us_or_none(next_at)})


def _held(lease: c.Lease) -> dict[str, object]:
    return {
        "p_firm": lease.firm,
        "p_kind": lease.kind,
        "p_subject": lease.subject,
        "p_fence": lease.fence,
    }
