"""People: what people and the CLI write and read. Firms, businesses, connections, roles, API tokens, keys, switches."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from rowcol.adapters.sql import inbox
from rowcol.adapters.sql.codec import (
    at,
    at_or_none,
    connection_of,
    dumps,
    loads,
    storable,
    us,
    us_or_none,
)
from rowcol.adapters.sql.tx import Tx, own, upsert
from rowcol.core import change as c
from rowcol.core.connection import Connection
from rowcol.core.delivery import VerificationKey
from rowcol.core.evidence import Health
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId
from rowcol.core.records import Business, Firm, Token
from rowcol.core.refusal import Conflict, NotFound


def add_firm(tx: Tx, firm: Firm) -> None:
    """Raise `Conflict` for an id that is there."""
    columns = {"id": firm.id, "name": storable(firm.name), "created_at_us": us(firm.created_at)}
    insert(tx, tx.t.firms, {**columns, "settings": dumps(firm.settings)}, f"firm {firm.id}")


def list_firms(tx: Tx) -> tuple[Firm, ...]:
    """By id."""
    return tuple(_firm(row) for row in tx.rows(select(tx.t.firms).order_by(tx.t.firms.c.id)))


def read_firm(tx: Tx, firm: FirmId) -> Firm | None:
    row = tx.row(select(tx.t.firms).where(tx.t.firms.c.id == firm))
    return None if row is None else _firm(row)


def set_firm_settings(tx: Tx, firm: FirmId, settings: dict[str, object]) -> None:
    """Replace them. Raise `NotFound` for a firm that is not there."""
    t = tx.t.firms
    if not tx.run(update(t).where(t.c.id == firm).values(settings=dumps(settings))):
        raise NotFound(f"no firm {firm!r}", "list them with `rowcol firm list`")


def add_business(tx: Tx, firm: FirmId, business: Business) -> None:
    """Raise `Conflict` where the id or the external id is taken in this firm."""
    own(firm, business.firm)
    columns = {
        "firm": firm,
        "id": business.id,
        "name": storable(business.name),
        "external_id": storable(business.external_id),
        "created_at_us": us(business.created_at),
    }
    insert(tx, tx.t.businesses, columns, f"business {business.external_id or business.id}")


def list_businesses(tx: Tx, firm: FirmId, after: str, limit: int) -> tuple[Business, ...]:
    """By id."""
    b = tx.t.businesses
    statement = select(b).where(b.c.firm == firm, b.c.id > after).order_by(b.c.id).limit(limit)
    return tuple(_business(row) for row in tx.rows(statement))


def read_business(tx: Tx, firm: FirmId, business: BusinessId) -> Business | None:
    b = tx.t.businesses
    row = tx.row(select(b).where(b.c.firm == firm, b.c.id == business))
    return None if row is None else _business(row)


def add_connection(tx: Tx, firm: FirmId, connection: Connection, token: bytes) -> None:
    """Raise `Conflict` where the rail's id is connected already, `NotFound` for a business of another firm."""
    own(firm, connection.firm)
    if read_business(tx, firm, connection.business) is None:
        raise NotFound("no such business in this firm", "list them with `rowcol business list`")
    columns = {
        "id": connection.id,
        "firm": firm,
        "business": connection.business,
        "rail": connection.rail,
        "app": connection.app,
        "environment": connection.environment,
        "remote_id": storable(connection.remote_id),
        "institution": storable(connection.institution),
        "name": storable(connection.name),
        "created_at_us": us(connection.created_at),
        "state": dumps(connection.state),
        "retired": int(connection.state.health is Health.RETIRED),
        "is_paused": connection.is_paused,
        "token": token,
    }
    inbox.lock_routing(tx)
    insert(tx, tx.t.connections, columns, f"the login {connection.remote_id}")
    subject = {
        "subject": connection.id,
        "kind": c.SubjectKind.CONNECTION,
        "firm": firm,
        "business": connection.business,
        "next_at_us": us(connection.created_at),
        "owner": "",
        "leased_at_us": 0,
        "lease_until_us": 0,
        "fence": 0,
        "is_paused": connection.is_paused,
    }
    tx.run(tx.t.subjects.insert(), subject)
    inbox.adopt(tx, firm, connection.id, connection.app, storable(connection.remote_id))


def list_connections(tx: Tx, firm: FirmId, business: BusinessId | None) -> tuple[Connection, ...]:
    """By id."""
    k = tx.t.connections
    statement = select(k).where(k.c.firm == firm).order_by(k.c.id)
    if business is not None:
        statement = statement.where(k.c.business == business)
    return tuple(connection_of(row) for row in tx.rows(statement))


def set_paused(tx: Tx, firm: FirmId, connection: ConnectionId, *, is_paused: bool) -> bool:
    """A resumed connection is due at once. False: the firm has no such connection."""
    k, s = tx.t.connections, tx.t.subjects
    mine = (k.c.firm == firm, k.c.id == connection)
    if not tx.run(update(k).where(*mine).values(is_paused=is_paused)):
        return False
    values: dict[str, object] = {"is_paused": is_paused}
    if not is_paused:
        values["next_at_us"] = 0
    tx.run(update(s).where(s.c.firm == firm, s.c.subject == connection).values(values))
    return True


def add_token(tx: Tx, firm: FirmId, token: Token) -> None:
    """Raise `Conflict` for a hash that is there."""
    own(firm, token.firm)
    columns = {
        "token_hash": token.token_hash,
        "firm": firm,
        "role": token.role,
        "label": storable(token.label),
        "created_at_us": us(token.created_at),
        "revoked_at_us": us_or_none(token.revoked_at),
    }
    insert(tx, tx.t.tokens, columns, "this token")


def list_tokens(tx: Tx, firm: FirmId) -> tuple[Token, ...]:
    """Oldest first, revoked ones too."""
    k = tx.t.tokens
    statement = select(k).where(k.c.firm == firm).order_by(k.c.created_at_us, k.c.token_hash)
    return tuple(_token(row) for row in tx.rows(statement))


def revoke_token(tx: Tx, firm: FirmId, token_hash: str, at: datetime) -> bool:
    """False: the firm has no such token, or it was revoked before."""
    k = tx.t.tokens
    mine = (k.c.firm == firm, k.c.token_hash == token_hash, k.c.revoked_at_us.is_(None))
    return bool(tx.run(update(k).where(*mine).values(revoked_at_us=us(at))))


def find_token(tx: Tx, token_hash: str) -> Token | None:
    """None for a revoked one."""
    k = tx.t.tokens
    row = tx.row(select(k).where(k.c.token_hash == token_hash, k.c.revoked_at_us.is_(None)))
    return None if row is None else _token(row)


def read_key(tx: Tx, app: AppId, key_id: str) -> VerificationKey | None:
    k = tx.t.verification_keys
    row = tx.row(select(k).where(k.c.app == app, k.c.key_id == storable(key_id)))
    if row is None:
        return None
    expired_at, fetched_at = at_or_none(row.expired_at_us), at(row.fetched_at_us)
    return VerificationKey(row.app, row.key_id, row.jwk, expired_at, fetched_at)


def store_key(tx: Tx, key: VerificationKey) -> None:
    """Overwrite what was known of it."""
    columns = {
        "app": key.app,
        "key_id": storable(key.key_id),
        "jwk": storable(key.jwk),
        "expired_at_us": us_or_none(key.expired_at),
        "fetched_at_us": us(key.fetched_at),
    }
    tx.run(upsert(tx.t, tx.t.verification_keys), columns)


def read_switches(tx: Tx) -> dict[str, str]:
    """By name."""
    rows = tx.rows(select(tx.t.switches).order_by(tx.t.switches.c.name))
    return {row.name: row.reason for row in rows}


def set_switch(tx: Tx, name: str, reason: str | None) -> None:
    """None removes it."""
    s = tx.t.switches
    if reason is None:
        tx.run(delete(s).where(s.c.name == name))
    else:
        tx.run(upsert(tx.t, s), {"name": name, "reason": storable(reason)})


def insert(tx: Tx, table: Any, columns: dict[str, object], what: str) -> None:
    try:
        tx.run(table.insert(), columns)
    except IntegrityError:
        raise Conflict(f"{what} is there already", "use the existing one") from None


def _firm(row: Row[Any]) -> Firm:
    return Firm(row.id, row.name, at(row.created_at_us), loads(row.settings))


def _business(row: Row[Any]) -> Business:
    return Business(row.id, row.firm, row.name, row.external_id, at(row.created_at_us))


def _token(row: Row[Any]) -> Token:
    created_at, revoked_at = at(row.created_at_us), at_or_none(row.revoked_at_us)
    return Token(row.token_hash, row.firm, row.role, row.label, created_at, revoked_at)
