"""Picture: what a plan is made from, and what of it a freshness policy may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rowcol.core.cash import counted
from rowcol.core.change import Account
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Coverage, Health, Observation, Standing
from rowcol.core.need import Need
from rowcol.core.rail import CannotHelp, Look, Rail, Role

WEEKS_PROVING_CLOSED = timedelta(weeks=26)
POSTINGS_PROVING_CLOSED = 100


@dataclass(frozen=True, slots=True)
class Picture:
    """What the plan is made from. `spread` in [0, 1) is the connection's own, so that sweeps do not march in step.

    `paid_refusal`: why the gateway refused to pay a moment ago; `paid_not_before`: when its quota
    opens, where that was all. `is_parked`: nothing may be called now. `has_looked`: a free call was
    tried in this run.
    """

    state: ConnectionState
    accounts: tuple[Account, ...]
    needs: tuple[Need, ...]
    created_at: datetime
    spread: float
    price_micros: int
    paid_refusal: str | None = None
    paid_not_before: datetime | None = None
    is_parked: bool = False
    has_looked: bool = False
    role: Role = Role.CASH
    coverages: tuple[Coverage, ...] = ()
    has_pending: bool = False
    omits: tuple[str, ...] = ()


def standing_of(picture: Picture, rail: Rail, now: datetime) -> Standing:
    """What the policy may know. An account that counts and was never seen leaves the whole without an as-of.

    Where accounts are known and none counts there is nothing to be stale: it is as of now.
    """
    if picture.role is Role.BOOKS:
        return _standing_of_books(picture)
    state = picture.state
    counting = [a for a in picture.accounts if counted(a)]
    seen = _whole([a.latest for a in counting])
    live = _whole([a.latest_live for a in counting])
    nothing_counts = now if picture.accounts and not counting else None
    paid = rail.paid_look(state)
    cannot_pay = paid.reason if isinstance(paid, CannotHelp) else picture.paid_refusal
    if isinstance(paid, Look) and paid.accounts:
        unreached = [a.name for a in counting if a.remote_id not in paid.accounts]
        if unreached:
            cannot_pay = f"a paid call would bring nothing newer of {', '.join(sorted(unreached))}"
    first_posted = state.first_posted_on
    is_proven = (
        state.posted_count >= POSTINGS_PROVING_CLOSED
        and state.posted_closed_days == 0
        and first_posted is not None
        and first_posted <= (now - WEEKS_PROVING_CLOSED).date()
    )
    return Standing(
        as_of=min((o.true_at for o in seen), default=nothing_counts),
        live_as_of=min((o.true_at for o in live), default=nothing_counts),
        looked_at=state.looked_at,
        health=state.health,
        pulls=state.pulls,
        cannot_pay=cannot_pay,
        paid_failed_at=state.paid_failed_at,
        paid_is_unknown=state.paid_is_unknown,
        closed_days_proven=is_proven,
        price_micros=picture.price_micros,
    )


def _standing_of_books(picture: Picture) -> Standing:
    """Books are as old as their oldest coverage."""
    state = picture.state
    as_of = min((c.complete_as_of for c in picture.coverages), default=None)
    return Standing(
        as_of=as_of,
        live_as_of=as_of,
        looked_at=state.looked_at,
        health=state.health,
        cannot_pay=picture.paid_refusal,
        read_at=state.looked_at,
        health_reason="" if state.health is Health.OK else state.health_reason,
        is_hinted=bool(state.dirty) or picture.has_pending,
    )


def _whole(looks: Sequence[Observation | None]) -> tuple[Observation, ...]:
    """The looks at all accounts, none where one is missing."""
    seen = tuple(look for look in looks if look is not None)
    return seen if len(seen) == len(looks) else ()
