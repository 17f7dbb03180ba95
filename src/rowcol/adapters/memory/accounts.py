"""Accounts in memory: their roles, what people said of two that may be one, and their postings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

import msgspec

from rowcol.adapters.memory.state import Login, State
from rowcol.core.evidence import Health
from rowcol.core.identity import AccountTies, SharedAccount
from rowcol.core.ids import BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.mirror import ACCOUNT, TRANSACTION, TransactionBody
from rowcol.core.refusal import NotFound
from rowcol.core.sameness import AccountVerdict, Postings


def set_account_role(
    s: State,
    firm: FirmId,
    connection: ConnectionId,
    remote_account: RemoteId,
    role: str,
    set_at: datetime,
) -> bool:
    """False: the firm has no such account."""
    login = s.login(firm, connection)
    if login is None or (ACCOUNT, remote_account) not in login.mirror:
        return False
    login.roles[remote_account] = (role, set_at)
    return True


def record_verdict(s: State, firm: FirmId, business: BusinessId, verdict: AccountVerdict) -> None:
    """The last word on two accounts is kept. Raise `NotFound` for a business of another firm."""
    if (firm, business) not in s.businesses:
        raise NotFound("no such business in this firm", "list them with `rowcol business list`")
    s.verdicts[firm, business, frozenset((verdict.first, verdict.second))] = verdict


def read_ties(s: State, firm: FirmId, business: BusinessId) -> AccountTies:
    """As `adapters/sql/accounts` reads them."""
    said = [v for (f, b, _), v in s.verdicts.items() if (f, b) == (firm, business)]
    verdicts = tuple(_ordered(v) for v in sorted(said, key=lambda v: v.decided_at))
    return AccountTies(verdicts, tuple(_shared(s, firm, business)))


def read_postings(
    s: State, firm: FirmId, connection: ConnectionId, accounts: Collection[str]
) -> dict[str, Postings]:
    """Those that were taken back too: their last body is kept."""
    login = s.login(firm, connection)
    found: defaultdict[str, Postings] = defaultdict(Counter)
    for (entity, _), kept in () if login is None else login.mirror.items():
        if entity == TRANSACTION and kept.body is not None:
            body = msgspec.convert(kept.body, TransactionBody)
            if body.account_id in accounts and not body.pending:
                found[body.account_id][body.date, body.amount] += 1
    return dict(found)


def _ordered(verdict: AccountVerdict) -> AccountVerdict:
    first, second = sorted((verdict.first, verdict.second))
    return AccountVerdict(first, second, verdict.is_same, verdict.decided_by, verdict.decided_at)


def _shared(s: State, firm: FirmId, business: BusinessId) -> Iterator[SharedAccount]:
    others = [
        login
        for (f, b), logins in s.by_business.items()
        if f == firm and b != business
        for login in logins
        if login.looks
    ]
    if not others:
        return
    for mine in filter(_is_there, s.by_business.get((firm, business), [])):
        for other in filter(_is_there, others):
            yield from _pairs(s, mine, other)


def _is_there(login: Login) -> bool:
    return login.connection.state.health is not Health.RETIRED


def _pairs(s: State, mine: Login, other: Login) -> Iterator[SharedAccount]:
    for a in mine.looks.values():
        for b in other.looks.values():
            is_certain = bool(a.persistent_id) and a.persistent_id == b.persistent_id
            has_two_ids = bool(a.persistent_id and b.persistent_id) and not is_certain
            if is_certain or (a.likeness and a.likeness == b.likeness and not has_two_ids):
                row = other.connection
                yield SharedAccount(
                    (mine.connection.id, a.remote_account),
                    (row.id, b.remote_account),
                    s.businesses[row.firm, row.business].name,
                    is_certain,
                )
