"""A full disk and a lock that somebody else keeps.

`rowcol init` on a full disk: had left an empty settings file, a key of 0 bytes or half a database, and the next `init` called
that set up; leaves nothing that is empty, and the next one finishes. readyz on a full or locked store: had "ok", as it only
read; has 503 with the reason, and "ok" again by itself. A display on the command line: had exit code 4 with its answer thrown
away; has the answer, as over HTTP. A lock of another process: is waited for 5 s, as the documents say.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from rowcol.adapters.sql import open_sqlite
from rowcol.adapters.sql.executor import FULL, refusal_of
from rowcol.adapters.sql.sqlite import BUSY_TIMEOUT_MS, Options
from rowcol.api.health import KEPT, Readiness
from rowcol.core.refusal import Busy
from tests.api.rig import face
from tests.cli.rig import Shell, file_size

HELD_S = BUSY_TIMEOUT_MS / 1000 - 1.5


def test_init_on_a_full_disk_leaves_nothing_half_and_is_finished_by_the_next(
    tmp_path: Path,
) -> None:
    shell = Shell(tmp_path)
    for most in (0, 1000, 4096, 100_000, 300_000):
        with file_size(most):
            said = shell("init", "--json", rc=None)
        assert said.returncode in (2, 4), most
        assert '"internal"' not in said.stdout, said
        left = [p for p in tmp_path.rglob("*") if p.is_file()]
        assert all(p.stat().st_size for p in left), left
        assert {p.name for p in left} <= {"rowcol.toml", "rowcol.db", "rowcol.key"}
    assert len(shell.json("init")["token"]) == 43
    shell("business", "add", "Harbor Dental")


async def test_a_full_disk_is_not_ready_and_is_again_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await (await open_sqlite(path)).close()
    with closing(sqlite3.connect(path)) as file:
        (pages,) = file.execute("PRAGMA page_count").fetchone()
    store = await open_sqlite(path, options=Options(max_page_count=pages))
    with pytest.raises(Busy, match="full"):
        await store.probe()
    roomy = f"PRAGMA max_page_count = {pages + 1000}"
    await store.executor.write(lambda tx: tx.conn.exec_driver_sql(roomy).scalar())
    assert await store.probe()
    assert await store.read_switches() == {}
    await store.close()


async def test_readyz_of_a_service_whose_disk_is_full(tmp_path: Path) -> None:
    """The whole way, from SQLite's own refusal to what a probe hears; had 200, as it only read."""
    async with face(tmp_path) as it:
        write = it.it.plane.store.executor.write  # type: ignore[attr-defined] # of SQLite

        async def run(words: str) -> None:
            await write(lambda tx: tx.conn.exec_driver_sql(words))

        async def fill() -> None:
            for _ in range(1000):
                await run("INSERT INTO filler VALUES (zeroblob(4000))")

        async def asked() -> tuple[int, str]:
            it.it.clock.advance(KEPT)
            answer = await it.ask("GET", "/readyz", None)
            return answer.status_code, answer.json()["reason"]

        assert await asked() == (200, "")
        await run("CREATE TABLE filler (x)")
        await run("PRAGMA max_page_count = 1")  # as few as there are
        with pytest.raises(Busy, match="full"):  # what is free among them is used up first
            await fill()
        for _ in range(2):
            assert await asked() == (503, FULL[0])
        await run("PRAGMA max_page_count = 1000000")
        assert await asked() == (200, "")


async def test_a_locked_store_is_not_ready_and_is_again_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = await open_sqlite(path, options=Options(busy_timeout_ms=100))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="another process holds"):
            await store.probe()
    assert await store.probe()
    await store.close()


async def test_readyz_says_why_and_writes_once_a_second_at_most(tmp_path: Path) -> None:
    """It needs no token: had it written for each request, whoever asks would keep the disk busy."""
    async with face(tmp_path) as it:
        plane, probes = it.it.plane, 0
        kept = plane.store

        class Counted:
            """The store, which is full from the second probe on."""

            def __getattr__(self, name: str) -> object:
                return getattr(kept, name)

            async def probe(self) -> int | None:
                nonlocal probes
                probes += 1
                if probes > 1:
                    raise Busy("the disk is full")
                return await kept.probe()

        plane.store = Counted()  # type: ignore[assignment] # what readiness asks
        readiness = Readiness(plane)
        for _ in range(50):
            assert (await readiness.health()).status == "ok"
        assert probes == 1
        it.it.clock.advance(KEPT)
        found = await readiness.health()
        plane.store = kept
        assert (found.status, found.reason, probes) == ("unavailable", "the disk is full", 2)


@pytest.mark.parametrize(
    ("place", "mode", "message"),
    [("x.db", "ro", "may not be written"), ("none/x.db", "rw", "cannot be opened")],
)
async def test_a_file_that_may_not_be_written_gets_the_advice_that_helps(
    tmp_path: Path, place: str, mode: str, message: str
) -> None:
    """By SQLite's own errors, which root hears too; had no word of a disk that is mounted read-only."""
    await (await open_sqlite(tmp_path / "x.db")).close()
    uri = f"{(tmp_path / place).as_uri()}?mode={mode}"
    with pytest.raises(sqlite3.OperationalError) as raised:
        written(uri)
    told = refusal_of(raised.value)
    assert isinstance(told, Busy)
    assert message in told.message
    for word in ("owner", "mode", "mounted read-only"):
        assert word in told.what_to_do


def written(uri: str) -> None:
    with closing(sqlite3.connect(uri, uri=True)) as file:
        file.execute("CREATE TABLE x (y)")


@pytest.mark.long
async def test_a_lock_is_waited_for_as_long_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = await open_sqlite(path)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(HELD_S, other.close)
    release.start()
    await store.set_switch("kept", "waited for")
    release.join()
    assert await store.read_switches() == {"kept": "waited for"}
    await store.close()
