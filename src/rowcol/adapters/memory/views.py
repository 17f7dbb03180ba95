"""Views in memory: what reconcile and answer need of a connection; and the digest of a firm's values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rowcol.adapters.memory.calls import open_call_of
from rowcol.adapters.memory.mirror import ENCODER
from rowcol.adapters.memory.state import Kept, Login, Route, Seen, State
from rowcol.core import change as c
from rowcol.core.delivery import PENDING_MAX, Pending, RouteState
from rowcol.core.evidence import Coverage
from rowcol.core.ids import FirmId
from rowcol.core.mirror import ACCOUNT

_UNSEEN = Seen()


def view_of(s: State, login: Login) -> c.ConnectionView:
    """`open_calls` are those made before the present lease began."""
    received = sorted(
        (route.incoming for route in login.received.values()),
        key=lambda each: (each.received_at, each.id),
    )
    needs = sorted(login.open_needs.values(), key=lambda each: (each.check_at, each.need.id))
    return c.ConnectionView(
        connection=login.connection,
        accounts=accounts_of(login),
        pending=tuple(
            Pending(each.id, each.rail, each.kind, each.received_at, each.body)
            for each in received[:PENDING_MAX]
        ),
        needs=tuple(
            each.need
            if each.check_at == each.need.check_at
            else replace(each.need, check_at=each.check_at)
            for each in needs
        ),
        token=login.token,
        open_calls=tuple(
            open_call_of(s.calls[call])
            for call in sorted(login.open_calls)
            if not login.is_leased or s.calls[call].opened_at < login.leased_at
        ),
        coverages=coverages_of(login),
        previous_token=login.previous_token,
    )


def short_view_of(login: Login) -> c.ConnectionView:
    """The same without deliveries, needs and open calls."""
    return c.ConnectionView(
        connection=login.connection,
        accounts=accounts_of(login),
        pending=(),
        needs=(),
        token=login.token,
        coverages=coverages_of(login),
        has_pending=bool(login.received),
    )


def coverages_of(login: Login) -> tuple[Coverage, ...]:
    """By scope and source."""
    return tuple(login.coverages[place] for place in sorted(login.coverages))


def accounts_of(login: Login) -> tuple[c.Account, ...]:
    """By remote id."""
    keys = sorted(key for key in login.mirror if key[0] == ACCOUNT)
    return tuple(_account(login, login.mirror[key]) for key in keys)


def digest(s: State, firm: FirmId) -> str:
    """SHA-256 over values, line by line as `adapters/sql/upkeep` makes them."""
    mine = [login for login in s.logins.values() if login.connection.firm == firm]
    routes = [route for each in s.deliveries.values() for route in each if route.firm == firm]
    sha = hashlib.sha256()
    for part in (_mirror_lines(mine), _latest_lines(mine), _inbox_lines(routes)):
        for line in sorted(part):
            sha.update(line)
            sha.update(b"\n")
        sha.update(b"\0")
    return sha.hexdigest()


def _mirror_lines(logins: Sequence[Login]) -> set[bytes]:
    return {
        _line(login.connection.remote_id, entity, remote_id, _json(kept.row.body), *_due(kept))
        for login in logins
        for (entity, remote_id), kept in login.mirror.items()
    }


def _latest_lines(logins: Sequence[Login]) -> set[bytes]:
    return {
        _line(login.connection.remote_id, account, ENCODER.encode(seen.latest.balance).decode())
        for login in logins
        for account, seen in login.seen.items()
        if seen.latest is not None
    }


def _inbox_lines(routes: Sequence[Route]) -> set[bytes]:
    return {
        _line(route.incoming.kind, hashlib.sha256(route.incoming.body).hexdigest())
        for route in routes
        if route.state is not RouteState.DRAINED
    }


def _json(body: Mapping[str, object] | None) -> str | None:
    return None if body is None else ENCODER.encode(body).decode()


def _due(kept: Kept) -> tuple[str, ...]:
    return () if kept.row.due_on is None else (str(kept.row.due_on),)


def _line(*parts: str | None) -> bytes:
    return "\x1f".join("\x00" if part is None else part for part in parts).encode()


def _account(login: Login, kept: Kept) -> c.Account:
    row, body = kept.row, kept.body or {}
    seen = login.seen.get(row.remote_id, _UNSEEN)
    role, role_at = login.roles.get(row.remote_id, (None, None))
    look = login.looks.get(row.remote_id)
    return c.Account(
        connection=login.connection.id,
        remote_id=row.remote_id,
        name=str(body.get("name") or ""),
        mask=str(body.get("mask") or ""),
        type=str(body.get("type") or ""),
        subtype=str(body.get("subtype") or ""),
        role=role,
        latest=seen.latest,
        latest_live=seen.live,
        is_closed=row.body is None,
        persistent_id=str(body.get("persistent_account_id") or ""),
        currency=str(body.get("currency") or ""),
        role_at=role_at,
        lists=() if look is None else look.lists,
    )
