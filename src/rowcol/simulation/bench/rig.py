"""Rig: a file with a firm, its logins, a verification key and a token, ready for the bench server to open."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rowcol.adapters.vault import new_key
from rowcol.bootstrap import KEY_FILE, Parts, Plane
from rowcol.core.change import Change, Lease
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import Balance, Observation, Source
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.money import Money
from rowcol.core.rail import Row
from rowcol.core.records import Business, Firm, Token
from rowcol.services.plane import OpenPlane
from rowcol.settings import Settings, load
from rowcol.simulation.bench.signing import Signer

APP = AppId("main")
FIRM = FirmId("firm_bench")
TOKEN = "bench-token-of-256-bits-would-be-longer"  # noqa: S105 - of a throw-away file
LOGINS = 100


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the load needs to know."""

    settings: Settings
    remote_ids: tuple[str, ...]
    business: BusinessId
    signer: Signer


def bench_settings(data_dir: Path) -> Settings:
    """Settings of the throw-away service: keys that reach nothing."""
    keys = {
        "client_id": "bench",
        "secret": "bench",
        "environment": "emulated",
        "base_url": "http://127.0.0.1:9",
    }
    return load(data_dir=data_dir, plaid={APP: keys}, concurrency=1)


def _settled(data_dir: Path) -> Settings:
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / KEY_FILE).write_text(new_key())
    return bench_settings(data_dir)


async def prepare(data_dir: Path) -> Prepared:
    """Make the file."""
    settings = _settled(data_dir)
    signer = Signer()
    async with Plane.open(settings, run=False, parts=Parts()) as plane:
        now = plane.clock.now()
        await plane.store.add_firm(Firm(FIRM, "Bench", now))
        token_hash = hashlib.sha256(TOKEN.encode()).hexdigest()
        await plane.store.add_token(FIRM, Token(token_hash, FIRM, "viewer", "bench", now))
        await plane.store.store_key(signer.verification_key(APP, now))
        businesses = [await _business(plane, number, now) for number in range(LOGINS)]
    return Prepared(settings, tuple(f"item{n:033d}" for n in range(LOGINS)), businesses[0], signer)


async def _business(plane: OpenPlane, number: int, now: datetime) -> BusinessId:
    business = BusinessId(f"biz_bench{number}")
    await plane.store.add_business(
        FIRM, Business(business, FIRM, f"Bench {number}", f"bench-{number}", now)
    )
    connection = Connection(
        id=ConnectionId(f"con_bench{number}"),
        firm=FIRM,
        business=business,
        rail="plaid",
        app=APP,
        environment="emulated",
        remote_id=RemoteId(f"item{number:033d}"),
        institution="ins_1",
        name="Bench Bank",
        created_at=now,
    )
    await plane.store.add_connection(FIRM, connection, plane.vault.seal("access"))
    for lease in await plane.store.claim("bench", now + timedelta(seconds=1), 60, 10):
        await plane.store.commit(FIRM, _seen(lease, now))
    return business


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
