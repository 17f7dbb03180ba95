"""Merge: a view with what a call just brought, as the store will show it after the commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rowcol.core.change import LISTS_KEPT, Account, AccountLook, ConnectionView
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Coverage, Observation, Source
from rowcol.core.ids import RemoteId
from rowcol.core.mirror import ACCOUNT
from rowcol.core.rail import Row
from rowcol.core.sameness import likeness_of


def view_with(
    view: ConnectionView,
    state: ConnectionState,
    rows: Sequence[Row],
    observations: Sequence[Observation],
    coverages: Sequence[Coverage] = (),
    looks: Sequence[AccountLook] = (),
) -> ConnectionView:
    """The view after what came; a newer `true_at` wins, an older one never overwrites."""
    accounts = {account.remote_id: account for account in view.accounts}
    for row in rows:
        if row.entity == ACCOUNT:
            accounts[row.remote_id] = account_of(view, row, accounts.get(row.remote_id))
    for look in looks:
        shown = accounts[RemoteId(look.remote_account)]
        accounts[shown.remote_id] = replace(shown, lists=look.lists)
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


KEPT = ("name", "mask", "type", "subtype")
"""What an account does not lose by an answer that leaves it empty: banks do so for a moment, and roles hang on it."""


def with_known(view: ConnectionView, rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, those of accounts with what is known of them where it came empty."""
    known = {account.remote_id: account for account in view.accounts}
    return tuple(
        replace(row, body={**row.body, **_kept(known[row.remote_id], row.body)})
        if row.entity == ACCOUNT and row.body is not None and row.remote_id in known
        else row
        for row in rows
    )


def _kept(known: Account, body: Mapping[str, object]) -> dict[str, str]:
    return {name: getattr(known, name) for name in KEPT if not body.get(name)}


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
        persistent_id=str(row.body.get("persistent_account_id") or ""),
        currency=str(row.body.get("currency") or ""),
        role_at=None if known is None else known.role_at,
        lists=() if known is None else known.lists,
        is_superseded=known is not None and known.is_superseded,
    )


def looks_of(
    view: ConnectionView, state: ConnectionState, rows: Sequence[Row]
) -> tuple[AccountLook, ...]:
    """What is to be kept of an answer that shows accounts: nothing where it shows those that were shown before.

    `view`: before the answer, `state`: after it. The count goes on when an account is new, so that accounts of
    one number were shown together.
    """
    connection = replace(view.connection, state=state)
    known = {account.remote_id: account for account in view.accounts}
    shown = [
        account_of(view, row, known.get(row.remote_id))
        for row in rows
        if row.entity == ACCOUNT and row.body is not None
    ]
    is_new = any(not a.lists or known[a.remote_id].is_closed for a in shown)
    number = 1 + max((n for a in view.accounts for n in a.lists), default=0)
    kept = tuple(
        AccountLook(
            remote_account=a.remote_id,
            lists=(*a.lists, number)[-LISTS_KEPT:] if is_new else a.lists,
            persistent_id=a.persistent_id,
            likeness=likeness_of(connection, a),
        )
        for a in shown
    )
    is_same = not is_new and all(
        a.persistent_id == known[a.remote_id].persistent_id
        and look.likeness == likeness_of(view.connection, known[a.remote_id])
        for a, look in zip(shown, kept, strict=True)
    )
    return () if is_same else kept


def is_newer(seen: Observation, known: Observation | None) -> bool:
    """Whether `seen` replaces `known`: by the rail's clock, then by ours."""
    return known is None or (seen.true_at, seen.received_at) >= (known.true_at, known.received_at)


def _with_observation(account: Account, seen: Observation) -> Account:
    if is_newer(seen, account.latest):
        account = replace(account, latest=seen)
    if seen.source is Source.LIVE and is_newer(seen, account.latest_live):
        account = replace(account, latest_live=seen)
    return account
