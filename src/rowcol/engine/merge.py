"""Merge: a view with what a call just brought, as the store will show it after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rowcol.core.change import Account, ConnectionView
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Coverage, Observation, Source
from rowcol.core.rail import Row

ACCOUNT = "account"
"""The mirror entity that cash is made of; a rail's account rows carry name, mask, type and subtype."""


def view_with(
    view: ConnectionView,
    state: ConnectionState,
    rows: Sequence[Row],
    observations: Sequence[Observation],
    coverages: Sequence[Coverage] = (),
) -> ConnectionView:
    """The view after what came; a newer `true_at` wins, an older one never overwrites."""
    accounts = {account.remote_id: account for account in view.accounts}
    for row in rows:
        if row.entity == ACCOUNT:
            accounts[row.remote_id] = account_of(view, row, accounts.get(row.remote_id))
    for seen in observations:
        account = accounts.get(seen.remote_account)
        if account is not None:
            accounts[seen.remote_account] = _with_observation(account, seen)
    connection = replace(view.connection, state=state)
    known = {(c.scope, c.source): c for c in view.coverages}
    for coverage in coverages:
        place = (coverage.scope, coverage.source)
        if place not in known or coverage.complete_as_of > known[place].complete_as_of:
            known[place] = coverage
    return replace(
        view,
        connection=connection,
        accounts=tuple(accounts.values()),
        coverages=tuple(known.values()),
    )


def account_of(view: ConnectionView, row: Row, known: Account | None) -> Account:
    """An account from its mirror row; a tombstone closes the one we know."""
    if row.body is None:
        gone = known or Account(view.connection.id, row.remote_id, "", "", "", "", None, None)
        return replace(gone, is_closed=True)
    return Account(
        connection=view.connection.id,
        remote_id=row.remote_id,
        name=str(row.body.get("name") or ""),
        mask=str(row.body.get("mask") or ""),
        type=str(row.body.get("type") or ""),
        subtype=str(row.body.get("subtype") or ""),
        role=None if known is None else known.role,
        latest=None if known is None else known.latest,
        latest_live=None if known is None else known.latest_live,
    )


def is_newer(seen: Observation, known: Observation | None) -> bool:
    """Whether `seen` replaces `known`: by the rail's clock, then by ours."""
    return known is None or (seen.true_at, seen.received_at) >= (known.true_at, known.received_at)


def _with_observation(account: Account, seen: Observation) -> Account:
    if is_newer(seen, account.latest):
        account = replace(account, latest=seen)
    if seen.source is Source.LIVE and is_newer(seen, account.latest_live):
        account = replace(account, latest_live=seen)
    return account
