"""Account findings: what `rowcol doctor` tells of accounts that two logins show, and of those that may be one."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from rowcol.cli.findings import SHOWN_MAX, Finding
from rowcol.core.evidence import Health
from rowcol.core.rail import Role
from rowcol.engine.accounts import AccountReader
from rowcol.rails.registry import RAILS

if TYPE_CHECKING:
    from rowcol.core.change import ConnectionView
    from rowcol.core.connection import Connection
    from rowcol.core.identity import BankAccount, Identified
    from rowcol.core.ids import BusinessId
    from rowcol.core.records import Firm
    from rowcol.ports import FullStore


async def about_accounts(store: FullStore, firm: Firm) -> AsyncIterator[Finding]:
    """Of every business whose bank logins could show one account twice, removed logins included."""
    logins: defaultdict[BusinessId, list[Connection]] = defaultdict(list)
    for row in await store.list_connections(firm.id):
        if _is_bank(row):
            logins[row.business].append(row)
    told = 0
    reader = AccountReader(store)
    for business in logins:
        views = [v for v in await store.read_business_views(firm.id, business) if _shows(v)]
        if len(views) < 2 and not any(a.is_closed for v in views for a in v.accounts):
            continue
        known = await store.read_business(firm.id, business)
        name = business if known is None else known.name
        for finding in _findings(name, await reader.identified(firm.id, business, views)):
            told += 1
            if told <= SHOWN_MAX:
                yield finding
    if told > SHOWN_MAX:
        more = f"{told - SHOWN_MAX} more accounts that several logins show"
        yield Finding(
            f"accounts of {firm.name}", "note", more, "`rowcol account list BUSINESS` names them"
        )


def _is_bank(row: Connection) -> bool:
    rail = RAILS.get(row.rail)
    return rail is not None and rail.spec.role is Role.CASH


def _shows(view: ConnectionView) -> bool:
    return _is_bank(view.connection) and bool(view.accounts)


def _findings(business: str, found: Identified) -> Iterator[Finding]:
    listed = f"`rowcol account list {shlex.quote(business)}`"
    for doubt in found.doubts:
        if doubt.is_material:
            said = f"decisions hold until a person says: {doubt.reason}"
            yield Finding(f"accounts of {business}", "note", said, listed)
    if rest := sum(not doubt.is_material for doubt in found.doubts):
        said = f"{rest} that may be one with another; the cash is the same either way"
        yield Finding(f"accounts of {business}", "note", said, listed)
    removed = {v.connection.id for v in found.views if v.connection.state.health is Health.RETIRED}
    doubted = {(a.connection, a.remote_id) for d in found.doubts for a in (d.first, d.second)}
    twice = [
        one
        for one in found.accounts
        if len(_still_shown(one) - removed) > 1 and doubted.isdisjoint(one.refs)
    ]
    if twice:
        names = ", ".join(one.name for one in twice)
        logins = sorted({login for one in twice for login in _still_shown(one) - removed})
        yield Finding(
            f"accounts of {business}",
            "note",
            f"{names}: shown by {len(logins)} logins ({', '.join(logins)}), counted once; each login costs its fee",
            "`rowcol disconnect CONNECTION` ends one that shows nothing else",
        )


def _still_shown(one: BankAccount) -> set[str]:
    """Logins that show it now."""
    return {a.connection for a in one.shown if not a.is_closed}
