"""Clock back: what to make of stamps that lie after now, because a clock ran ahead before it was set right.

| a stamp                                        | after now (`CLOCK_SKEW_MAX` allowed) it means              |
|------------------------------------------------|------------------------------------------------------------|
| of a look (`true_at`, `complete_as_of`)        | age unknown: as old as can be, any other is newer          |
| of the state (`looked_at`, `delivered_at`, ..) | never                                                      |
| of a pause (`retry_at`, ..)                    | the longest pause from now                                 |
| of a limit (`core/quota`)                      | a full one from now                                        |
| of a lease, of what is planned or kept         | over, due, not good any more                               |

Whatever decides gets its view through `believed`. `PlaneStore.forget_after` writes the same, so that such a stamp does
not come true once the time it names has come; but for a login's state, which the run writes that it makes due.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rowcol.core.change import Account, ConnectionView
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import CLOCK_SKEW_MAX, Coverage, Observation
from rowcol.core.need import Need
from rowcol.core.outcome import PAUSE_MAX

UNKNOWN_AT = datetime(1970, 1, 1, tzinfo=UTC)
"""When a look was true whose own time cannot be."""
LOOKED = (
    "health_since",
    "seen_until",
    "balances_as_of",
    "looked_at",
    "synced_until",
    "delivered_at",
    "paid_failed_at",
    "webhook_gap_at",
)
PAUSED = ("retry_at", "stream_retry_at")
LEASE_MAX = timedelta(minutes=1)
"""Longer than any lease is taken for."""
ASKED_WITHIN = timedelta(minutes=2)
"""Longer than an open session is left alone."""


def is_after(at: datetime | None, now: datetime) -> bool:
    """Whether it cannot have been stamped by a clock that is right."""
    return at is not None and at > now + CLOCK_SKEW_MAX


def is_kept(until: datetime, now: datetime, at_most: timedelta) -> bool:
    """Whether what is kept until then is good: never for longer than `at_most`."""
    return now < until <= now + at_most


def believed(view: ConnectionView, now: datetime) -> ConnectionView:
    """The view without what lies after `now`; itself where nothing does."""
    state = _state(view.connection.state, now)
    accounts = tuple(_account(each, now) for each in view.accounts)
    kept = [a.latest for a in accounts if a.latest is not None and not a.is_closed]
    if any(seen.true_at == UNKNOWN_AT for seen in kept):
        state = replace(state, balances_as_of=None)  # what the rail has kept is of a known time
    coverages = tuple(_coverage(each, now) for each in view.coverages)
    if (state, accounts, coverages) == (view.connection.state, view.accounts, view.coverages):
        return view
    connection = replace(view.connection, state=state)
    return replace(view, connection=connection, accounts=accounts, coverages=coverages)


def asked_by(need: Need, now: datetime) -> Need:
    """The same by our clock: what was asked in the future no look would satisfy. As long is waited for it."""
    question, ahead = need.question, need.question.asked_at - now
    if ahead <= timedelta(0):
        return need
    question = replace(question, asked_at=now, deadline=question.deadline - ahead)
    return replace(need, question=question, check_at=need.check_at - ahead)


def _state(state: ConnectionState, now: datetime) -> ConnectionState:
    moved: dict[str, object] = dict.fromkeys(
        name for name in LOOKED if is_after(getattr(state, name), now)
    )
    latest = now + PAUSE_MAX
    for name in PAUSED:
        at = getattr(state, name)
        if at is not None and at > latest:
            moved[name] = latest
    if state.pulls and is_after(state.pulls[-1], now):
        moved["pulls"] = tuple(at for at in state.pulls if not is_after(at, now))
    facts = {
        name: said for name, said in state.facts.items() if not _is_said_after(name, said, now)
    }
    if len(facts) < len(state.facts):
        moved["facts"] = facts
    return replace(state, **moved) if moved else state  # type: ignore[arg-type] # by their names


def _is_said_after(name: str, said: object, now: datetime) -> bool:
    """A rail's own fact that says when something was done."""
    if not name.endswith("_at") or not isinstance(said, str) or not said:
        return False
    return is_after(datetime.fromisoformat(said), now)


def _account(account: Account, now: datetime) -> Account:
    latest, live = _look(account.latest, now), _look(account.latest_live, now)
    if latest is account.latest and live is account.latest_live:
        return account
    return replace(account, latest=latest, latest_live=live)


def _look(seen: Observation | None, now: datetime) -> Observation | None:
    if seen is None or not is_after(seen.true_at, now):
        return seen
    return replace(seen, true_at=UNKNOWN_AT, received_at=min(seen.received_at, now))


def _coverage(known: Coverage, now: datetime) -> Coverage:
    return (
        replace(known, complete_as_of=UNKNOWN_AT) if is_after(known.complete_as_of, now) else known
    )
