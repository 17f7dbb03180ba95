"""Findings: what `rowcol doctor` tells, and those about logins and what is delivered for them."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from rowcol.core.delivery import SESSION, Notice, NoticeKind
from rowcol.core.evidence import Health
from rowcol.core.pause import NO_REASON, resume_of, switch_of_login
from rowcol.core.rail import CONSENT, CannotHelp
from rowcol.core.tariff import Per
from rowcol.engine.inbox import UNREADABLE
from rowcol.rails.registry import RAILS

if TYPE_CHECKING:
    from rowcol.core.connection import Connection
    from rowcol.core.ids import ConnectionId
    from rowcol.core.records import Firm
    from rowcol.ports import FullStore

SHOWN_MAX = 20
"""Logins of a kind that are named one by one."""
UNMATCHED_MAX = 1000
IDLE = timedelta(days=80)
"""A consent that nothing renewed for so long: QuickBooks ends it after 100 days. Ours, twenty days before that."""
EMPTY = ".empty"
"""Ends the kind of a delivery that names nobody: it can belong to no login."""
BROKEN, UNUSED, SHORT = "need a person", "were not used for long", "have something announced"
PAUSED = "are paused"
REFUSED, OFF, UNASKED = "are refused something", "have live looks off", "cannot be asked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    about: str
    verdict: Literal["ok", "note", "wrong"]
    text: str
    what_to_do: str = ""


def repair_of(login: str) -> str:
    """The command that gives a login new access. It stays the one it is: a second one would count and cost beside it."""
    return f"`rowcol connection repair {login}`"


def reset_of(login: str) -> str:
    """The command that has what its rail refused tried again."""
    return f"`rowcol connection reset {login}`"


def answer_to(notice: Notice, login: str) -> str:
    """The command that answers a notice."""
    if notice.kind is NoticeKind.NEW_ACCOUNTS:
        return f"`rowcol connection add-accounts {login}`"
    return repair_of(login)


async def about_logins(
    store: FullStore, firm: Firm, now: datetime, locked: Collection[ConnectionId] = ()
) -> AsyncIterator[Finding]:
    """Those of a firm that do not go on by themselves, or will not for long. `locked`: no key opens them, and nothing but
    the key helps."""
    shown: dict[str, int] = {}
    switches = await store.read_switches()
    for row in await store.list_connections(firm.id):
        kind = _kind_of(row, now)
        if not kind or (kind != PAUSED and row.id in locked):
            continue
        shown[kind] = shown.get(kind, 0) + 1
        if shown[kind] <= SHOWN_MAX:
            name = await _business(store, row)
            about = f"login {row.label} of {name}"
            switch = switch_of_login(row.id)
            paused = f"paused: {switches.get(switch, NO_REASON)}", f"`{resume_of(switch)}`"
            told = paused if kind == PAUSED else _told(kind, row, name, now)
            yield Finding(about, "note", *told)
    for kind, count in shown.items():
        if count > SHOWN_MAX:
            more = f"{count - SHOWN_MAX} more {kind}"
            yield Finding(
                f"logins of {firm.name}", "note", more, "`rowcol connection list BUSINESS`"
            )


def _kind_of(row: Connection, now: datetime) -> str:
    """What is the matter with it, "" for nothing."""
    health = row.state.health
    kinds = (
        (health is Health.RETIRED, ""),
        (row.is_paused, PAUSED),
        (health is Health.NEEDS_RECONNECT, BROKEN),
        (health in (Health.MISCONFIGURED, Health.UNSUPPORTED), UNASKED),
        (row.refusal(now) != "", REFUSED),
        (is_idle(row, now), UNUSED),
        (live_off(row) != "", OFF),
        (bool(row.notices(now)), SHORT),
    )
    return next((kind for is_so, kind in kinds if is_so), "")


def _told(kind: str, row: Connection, name: str, now: datetime) -> tuple[str, str]:
    """What is said of it, and what to do."""
    if kind == BROKEN:
        why = f": {row.state.health_reason}" if row.state.health_reason else ""
        return f"needs a person{why}", repair_of(row.id)
    if kind == UNASKED:
        why = f"cannot be asked: {row.state.health_reason or row.state.health.value}"
        return why, "see the keys of its app, or connect its bank another way"
    if kind == REFUSED:
        why, command = row.refusal(now), reset_of(row.id)
        if why == row.state.stream_stuck:
            command = f"a newer release may read them, or {command}"
        return why, command if row.health is Health.DEGRADED else ""
    if kind == OFF:
        return live_off(row), reset_of(row.id)
    if kind == SHORT:
        told = row.notices(now)
        commands = dict.fromkeys(answer_to(notice, row.id) for notice in told)
        return "; ".join(notice.text for notice in told), ", ".join(commands)
    days = (now - used_at(row)).days
    use = f"`rowcol books bills {shlex.quote(name)} --force` uses it"
    return f"its consent was not used for {days} days, and ends after 100", use


def live_off(row: Connection) -> str:
    """Why no live look is paid for until a time, "" where that is not so."""
    found = RAILS.get(row.rail)
    look = None if found is None else found.paid_look(row.state)
    return look.reason if isinstance(look, CannotHelp) and look.until is not None else ""


async def _business(store: FullStore, row: Connection) -> str:
    found = await store.read_business(row.firm, row.business)
    return row.business if found is None else found.name


def is_idle(row: Connection, now: datetime) -> bool:
    """Whether the consent of a rail that ends it for want of use nears that end."""
    found = RAILS.get(row.rail)
    return found is not None and CONSENT in found.spec.hosts and now - used_at(row) >= IDLE


def _moment(row: Connection, fact: str) -> datetime | None:
    said = row.state.facts.get(fact)
    return datetime.fromisoformat(said) if isinstance(said, str) and said else None


def used_at(row: Connection) -> datetime:
    """When the consent was surely in use, by what is known without its tokens: a look needs an access token, which
    lasts an hour."""
    state = row.state
    mended_at = state.health_since if state.health is Health.OK else None
    known = (_moment(row, "renewed_at"), state.looked_at, mended_at)
    return max([row.created_at, *(at for at in known if at is not None)])


async def about_unmatched(store: FullStore) -> AsyncIterator[Finding]:
    """Deliveries for logins that nobody knows, by rail."""
    counts: dict[str, int] = {}
    unread = 0
    for row in await store.list_unmatched(limit=UNMATCHED_MAX):
        if row.kind == UNREADABLE:
            unread += 1
        elif not (row.kind.endswith(EMPTY) or row.remote_id.startswith(SESSION)):
            counts[row.rail] = counts.get(row.rail, 0) + 1
    if unread:
        yield Finding(
            "unreadable webhooks",
            "note",
            f"{unread} were signed by their rail and could not be read: a newer release may",
            "`rowcol inbox unmatched`",
        )
    for rail, count in sorted(counts.items()):
        yield Finding(
            f"unmatched webhooks of {rail}",
            "note",
            f"{count} for logins that nobody knows{_meaning(rail)}",
            "`rowcol inbox unmatched`",
        )


def _meaning(rail: str) -> str:
    found = RAILS.get(rail)
    has_fee = found is not None and any(p.per is Per.CONNECTION_MONTH for p in found.spec.prices)
    return (
        ": they may be billed"
        if has_fee
        else ": connected elsewhere with the same keys, or not any more"
    )
