"""Rig: a file with a firm, its logins, a verification key and a token, ready for the bench server to open."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rowcol.adapters.vault import new_key
from rowcol.bootstrap import KEY_FILE, Parts, Plane, open_store
from rowcol.core.change import Change, Lease
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import Balance, Observation, Source
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.money import Money
from rowcol.core.rail import Row
from rowcol.core.records import Business, Firm, Token
from rowcol.keys import app_id_of
from rowcol.services.plane import OpenPlane
from rowcol.settings import Settings, load
from rowcol.simulation.bench.signing import VERIFIER_TOKEN, Es256, Hmac, Signer

APP = AppId("main")
FIRM = FirmId("firm_bench")
TOKEN = "bench-token-of-256-bits-would-be-longer"  # noqa: S105 - of a throw-away file
LOGINS = 100


@dataclass(frozen=True, slots=True)
class Lane:
    """Where deliveries of a rail go, of which logins they speak, and who signs them."""

    path: str
    remote_ids: tuple[str, ...]
    signer: Signer


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the load needs to know."""

    settings: Settings
    lanes: dict[str, Lane]
    """By rail."""
    business: BusinessId


def bench_settings(data_dir: Path) -> Settings:
    """Settings of the throw-away service: keys that reach nothing."""
    keys = {
        "client_id": "bench",
        "secret": "bench",
        "environment": "emulated",
        "base_url": "http://127.0.0.1:9",
    }
    books = {**keys, "verifier_token": VERIFIER_TOKEN}
    return load(data_dir=data_dir, plaid={APP: keys}, qbo={APP: books}, concurrency=1)


async def prepare(data_dir: Path) -> Prepared:
    """Make the file."""
    settings, signer = bench_settings(data_dir), Es256()
    await (await open_store(settings)).close()  # before the key: beside one, none is made
    (data_dir / KEY_FILE).write_text(new_key())
    async with Plane.open(settings, run=False, parts=Parts()) as plane:
        now = plane.clock.now()
        await plane.store.add_firm(Firm(FIRM, "Bench", now))
        token_hash = hashlib.sha256(TOKEN.encode()).hexdigest()
        await plane.store.add_token(FIRM, Token(token_hash, FIRM, "viewer", "bench", now))
        await plane.store.store_key(signer.verification_key(APP, now))
        logins = [await _business(plane, number, now) for number in range(LOGINS)]
    items, companies = (tuple(each.remote_id for each in of) for of in zip(*logins, strict=True))
    lanes = {
        "plaid": Lane(f"/webhooks/plaid/{APP}", items, signer),
        "qbo": Lane(f"/webhooks/qbo/{APP}", companies, Hmac()),
    }
    return Prepared(settings, lanes, logins[0][0].business)


async def _business(plane: OpenPlane, number: int, now: datetime) -> tuple[Connection, Connection]:
    """A business with a bank login that was looked at, and with books that were not."""
    business = BusinessId(f"biz_bench{number}")
    await plane.store.add_business(
        FIRM, Business(business, FIRM, f"Bench {number}", f"bench-{number}", now)
    )
    bank = _connection(f"con_bench{number}", business, "plaid", f"item{number:033d}", now)
    await plane.store.add_connection(FIRM, bank, plane.vault.seal("access"))
    for lease in await plane.store.claim("bench", now + timedelta(seconds=1), 60, 10):
        await plane.store.commit(FIRM, _seen(lease, now))
    books = _connection(f"con_books{number}", business, "qbo", f"{9130 * 10**12 + number}", now)
    await plane.store.add_connection(FIRM, books, plane.vault.seal("access"))
    return bank, books


def _connection(
    connection: str, business: BusinessId, rail: str, remote_id: str, now: datetime
) -> Connection:
    return Connection(
        id=ConnectionId(connection),
        firm=FIRM,
        business=business,
        rail=rail,
        app=app_id_of(rail, APP),
        environment="emulated",
        remote_id=RemoteId(remote_id),
        institution="ins_1" if rail == "plaid" else "",
        name="Bench",
        created_at=now,
    )


def _seen(lease: Lease, now: datetime) -> Change:
    account = RemoteId("checking")
    body = {"name": "Checking", "mask": "0000", "type": "depository", "subtype": "checking"}
    balance = Balance(Money(123_456, "USD"), Money(120_000, "USD"))
    return Change(
        lease,
        state=ConnectionState(seen_until=now, balances_as_of=now, looked_at=now),
        rows=(Row("account", account, "", None, body),),
        observations=(Observation(account, now, now, Source.CACHED, balance),),
        next_at=now + timedelta(hours=12),
        releases=True,
    )
