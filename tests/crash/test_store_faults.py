"""Store faults: a full disk, a locked file, an older and a newer schema. Nothing acknowledged is lost, and it goes on by itself."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rowcol.adapters.clock import SystemClock
from rowcol.adapters.sql.sqlite import Options, SqliteExecutor
from rowcol.adapters.sql.store import SqlStore
from rowcol.adapters.sql.tables import tables
from rowcol.api.app import create_app
from rowcol.bootstrap import Parts, Plane
from rowcol.settings import load
from rowcol.simulation.sockets import bound, serving, url_of
from tests.crash import office as offices
from tests.crash.bank import CLIENT, Bank, open_bank
from tests.crash.nursery import open_nursery
from tests.crash.office import APP, Caller, Desk, Office, pause

SERVE = [sys.executable, "-c", "from rowcol.cli.main import run; run()", "serve", "--port", "0"]


def body_of(bank: Bank, number: int) -> bytes:
    """A delivery of a kilobyte and a half, unlike any other."""
    item_id = next(iter(bank.emulator.items))
    body = {
        "webhook_type": "TRANSACTIONS",
        "webhook_code": "SYNC_UPDATES_AVAILABLE",
        "item_id": item_id,
        "number": number,
        "padding": "x" * 1500,
    }
    return json.dumps(body).encode()


@asynccontextmanager
async def service(office: Office, options: Options) -> AsyncIterator[tuple[str, SqlStore]]:
    """The service on its file, with the file's limits of our choosing."""
    keys = {**CLIENT, "environment": "emulated", "base_url": office.bank_url}
    settings = load(data_dir=office.folder, secret_keys=office.key, plaid={APP: keys})
    clock = SystemClock()
    store = SqlStore(SqliteExecutor(office.file, tables(), clock=clock, options=options))
    listener = bound()
    try:
        async with (
            Plane.open(settings, parts=Parts(store=store, clock=clock), firm=offices.FIRM) as plane,
            serving(create_app(plane), listener),
        ):
            yield url_of(listener), store
    finally:
        await store.close()


async def refused(caller: Caller) -> None:
    """Wait until somebody heard 503."""
    while not caller.refused.get(503):
        await pause(0.05)


async def settled(office: Office) -> None:
    """Everything that was taken in is drained."""
    async with office.plane() as plane:
        await office.drained(plane)
    assert office.rows("SELECT count(*) FROM rowcol_routes WHERE state <> 'DRAINED'") == [(0,)]


async def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    with open_bank() as bank:
        bank.login(1, 100_000, [], None)
        office = Office(tmp_path, bank.url)
        await office.prepare(bank)
        with closing(sqlite3.connect(office.file)) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (pages,) = file.execute("PRAGMA page_count").fetchone()
        async with service(office, Options(max_page_count=pages + 20)) as (url, store):
            caller = Caller(bank, [url])
            sending = [asyncio.create_task(caller.deliver(body_of(bank, n))) for n in range(80)]
            await refused(caller)
            await pause(0.5)
            kept = set(caller.acknowledged)
            assert len(kept) < 80
            assert kept <= set(office.stored_bodies())
            roomy = f"PRAGMA max_page_count = {pages + 10_000}"
            await store.executor.write(lambda tx: tx.conn.exec_driver_sql(roomy).scalar())
            await asyncio.gather(*sending)
            await settled(office)
            await caller.close()
        stored = office.stored_bodies()
    assert caller.acknowledged == set(stored)
    assert len(caller.acknowledged) == 80


HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
held.execute("ROLLBACK")
"""


@contextmanager
def held(office: Office) -> Iterator[None]:
    """Another process keeps the file's write lock."""
    command = [sys.executable, "-c", HOLD, str(office.file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.stdin.close()


async def test_a_locked_file_refuses_and_recovers(tmp_path: Path) -> None:
    with open_bank() as bank:
        bank.login(1, 100_000, [], None)
        office = Office(tmp_path, bank.url)
        await office.prepare(bank)
        async with service(office, Options(busy_timeout_ms=200)) as (url, _):
            caller = Caller(bank, [url])
            await caller.deliver(body_of(bank, 0))
            with held(office):
                sending = [asyncio.create_task(caller.deliver(body_of(bank, n))) for n in range(20)]
                await refused(caller)
                kept = set(caller.acknowledged)
                assert len(kept) == 1
                assert set(office.stored_bodies()) == kept
            await asyncio.gather(*sending)
            await settled(office)
            await caller.close()
        assert caller.acknowledged == set(office.stored_bodies())
        assert len(caller.acknowledged) == 20


def serve(office: Office) -> subprocess.CompletedProcess[str]:
    """`rowcol serve` that is expected to refuse."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ROWCOL_")}
    return subprocess.run(
        SERVE,
        env=clean | office.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_a_newer_schema_is_refused_in_words(tmp_path: Path) -> None:
    with open_bank() as bank:
        office = Office(tmp_path, bank.url)
        await office.prepare(bank)
        with closing(sqlite3.connect(office.file)) as file, file:
            file.execute("UPDATE rowcol_version SET version_num = '9999'")
        before = office.file.read_bytes()
        done = serve(office)
    assert done.returncode == 2
    assert "newer release" in done.stderr
    assert "update rowcol" in done.stderr
    assert "Traceback" not in done.stderr
    assert office.file.read_bytes() == before


def test_an_empty_file_is_no_firm_s_database(tmp_path: Path) -> None:
    """It was made ready, and a firm's webhooks were nobody's."""
    office = Office(tmp_path, "http://127.0.0.1:9")
    sqlite3.connect(office.file).close()
    done = serve(office)
    assert (done.returncode, "is empty" in done.stderr) == (2, True)
    assert office.file.stat().st_size == 0


@pytest.mark.serial
@pytest.mark.slow
async def test_sigterm_under_load_loses_nothing_and_leaves_no_call_open(tmp_path: Path) -> None:
    logins = 12
    with open_bank() as bank, open_nursery() as nursery:
        bank.clock.shift = timedelta(hours=-9)
        for number in range(logins):
            bank.login(number, 100_000, [], None)
        office = Office(tmp_path, bank.url)
        businesses = await office.prepare(bank)
        bank.slow_s["/accounts/balance/get"] = 0.6
        desk = Desk(nursery, office, tmp_path / "log")
        caller = Caller(bank, [desk.url])
        work: list[asyncio.Task[Any]] = []
        for turn in range(3):
            desk.launch()
            await desk.up()
            work += [
                asyncio.create_task(caller.deliver(body_of(bank, 100 * turn + n)))
                for n in range(40)
            ]
            mine = businesses[4 * turn : 4 * turn + 4]
            work += [asyncio.create_task(caller.read(business)) for business in mine]
            await pause(0.5)
            await asyncio.to_thread(desk.stop)
            assert office.rows("SELECT count(*) FROM rowcol_calls WHERE settled_at_us IS NULL") == [
                (0,)
            ]
            held = "SELECT count(*) FROM rowcol_subjects WHERE lease_until_us > 0"
            assert office.rows(held) == [(0,)]
            assert caller.acknowledged <= set(office.stored_bodies())
        desk.launch()
        await desk.up()
        await asyncio.gather(*work)
        await settled(office)
        desk.stop()
        await caller.close()
        async with office.plane() as plane:
            calls = await offices.all_calls(plane)
        assert caller.acknowledged == set(office.stored_bodies())
        assert len(caller.acknowledged) == 120
        assert offices.possibly(calls) == []
        assert bank.billed == len(offices.priced(calls)) == logins
        assert '"error"' not in (tmp_path / "log").read_text()
