"""Clock back: what a clock that ran ahead stamped, taken back in the store. The table of what it means is in `core/clock_back`."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import case, func, or_, select, union, update

from rowcol.adapters.sql.codec import at_or_none, dumps, need_of, priority_us, us
from rowcol.adapters.sql.inbox import RECEIVED
from rowcol.adapters.sql.tx import Tx
from rowcol.core.clock_back import ASKED_WITHIN, LEASE_MAX, UNKNOWN_AT, asked_by
from rowcol.core.evidence import CLOCK_SKEW_MAX
from rowcol.core.records import LinkEnd


def newest_stamp(tx: Tx) -> datetime | None:
    """Of our own clocks: when a call was last settled, or a login last taken."""
    settled = select(func.max(tx.t.calls.c.settled_at_us)).scalar_subquery()
    leased = select(func.max(tx.t.subjects.c.leased_at_us)).scalar_subquery()
    row = tx.row(select(settled.label("settled_us"), leased.label("leased_us")))
    return at_or_none(max(filter(None, row), default=None))


def forget_after(tx: Tx, now: datetime) -> None:
    """Looks after `now` have no known age, what they touched is due, leases and pauses are over."""
    late_us, now_us, unknown_us = us(now + CLOCK_SKEW_MAX), us(now), us(UNKNOWN_AT)
    seen, covered, s = tx.t.latest, tx.t.coverages, tx.t.subjects
    is_seen_late = or_(seen.c.true_at_us > late_us, seen.c.received_at_us > late_us)
    touched = union(
        select(seen.c.connection).where(is_seen_late),
        select(covered.c.connection).where(covered.c.complete_as_of_us > late_us),
        select(s.c.subject).where(s.c.leased_at_us > late_us),
    )
    names = [row[0] for row in tx.conn.execute(touched)]
    for start in range(0, len(names), 500):
        its = s.c.subject.in_(names[start : start + 500])
        tx.run(update(s).where(its).values(next_at_us=now_us))
    is_late = s.c.lease_until_us > tx.lease_now_us(now) + LEASE_MAX // timedelta(microseconds=1)
    tx.run(update(s).where(is_late).values(lease_until_us=0, owner=""))
    tx.run(update(s).where(s.c.leased_at_us > late_us).values(leased_at_us=now_us))
    tx.run(
        update(seen)
        .where(is_seen_late)
        .values(
            true_at_us=case((seen.c.true_at_us > late_us, unknown_us), else_=seen.c.true_at_us),
            received_at_us=case(
                (seen.c.received_at_us > now_us, now_us), else_=seen.c.received_at_us
            ),
        )
    )
    is_covered_late = covered.c.complete_as_of_us > late_us
    tx.run(update(covered).where(is_covered_late).values(complete_as_of_us=unknown_us))
    k, r = tx.t.connections, tx.t.routes
    tx.run(update(k).where(k.c.created_at_us > late_us).values(created_at_us=now_us))
    waits = (r.c.state == RECEIVED, r.c.received_at_us > late_us)
    tx.run(update(r).where(*waits).values(received_at_us=now_us))
    _calls(tx, now)
    _needs(tx, now)
    _sessions(tx, now)


def _calls(tx: Tx, now: datetime) -> None:
    """Those on their way: whoever takes the login next has to see that they were made before."""
    k = tx.t.calls.c
    late = (k.settled_at_us.is_(None), k.opened_at_us > us(now + CLOCK_SKEW_MAX))
    tx.run(update(tx.t.calls).where(*late).values(opened_at_us=us(now)))


def _needs(tx: Tx, now: datetime) -> None:
    """Open needs as if they were asked now."""
    n = tx.t.needs
    late = select(n).where(n.c.answered_at_us.is_(None), n.c.check_at_us > us(now))
    for need in map(need_of, tx.rows(late)):
        moved = asked_by(need, now)
        if moved is not need:
            values = {
                "question": dumps(moved.question),
                "priority": priority_us(moved.question),
                "check_at_us": us(moved.check_at),
            }
            tx.run(update(n).where(n.c.id == need.id).values(values))


def _sessions(tx: Tx, now: datetime) -> None:
    """Open ones are asked about now; one that ran out though its time is still to come is open again."""
    k, now_us, late_us = tx.t.links, us(now), us(now + CLOCK_SKEW_MAX)
    lasts_us = k.c.expires_at_us - k.c.created_at_us
    begun = {"expires_at_us": now_us + lasts_us, "created_at_us": now_us}
    tx.run(update(k).where(k.c.created_at_us > late_us).values(begun))
    is_late = k.c.lease_until_us > tx.lease_now_us(now) + LEASE_MAX // timedelta(microseconds=1)
    tx.run(update(k).where(is_late).values(lease_until_us=0, owner=None))
    is_idle = k.c.next_at_us > us(now + ASKED_WITHIN)
    tx.run(update(k).where(is_idle).values(next_at_us=now_us))
    is_early = (k.c.ended == LinkEnd.EXPIRED, k.c.expires_at_us > now_us, k.c.sealed.is_not(None))
    tx.run(update(k).where(*is_early).values(ended=None, failure="", next_at_us=now_us))
