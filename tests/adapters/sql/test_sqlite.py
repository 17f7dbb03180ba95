"""The SQLite executor under faults: full queue, full disk, locked file, kill -9, several processes."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rowcol.adapters.sql import SqlStore, open_sqlite
from rowcol.adapters.sql.sqlite import Options
from rowcol.adapters.sql.tx import Tx
from rowcol.core.ids import ConnectionId
from rowcol.core.records import Firm
from rowcol.core.refusal import Busy, Conflict
from tests.contracts.values import T0, A, B, after, behind, furnish, incoming, record
from tests.waiting import HANG_S, until

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "rowcol.db"))


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[SqlStore]:
    store = await open_sqlite(path, options=Options(**options))
    yield store
    await store.close()


def worker(mode: str, path: Path, *rest: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.adapters.sql.worker", mode, path, *rest],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def begun(store: SqlStore, gate: threading.Event) -> asyncio.Task[bool]:
    """A write that the writer has taken, alone, and that ends with the gate."""
    taken = threading.Event()

    def job(tx: Tx) -> bool:
        taken.set()
        return gate.wait(HANG_S)

    task = asyncio.create_task(store.executor.write(job))
    await until(taken.is_set)
    return task


class TestGroupCommit:
    async def test_one_that_fails_takes_no_other_with_it(self, path: Path) -> None:
        async with opened(path) as store:
            await store.add_firm(Firm(B, "B", T0))
            names = [A, B, "firm_c", "firm_d"]
            writes = [store.add_firm(Firm(name, name, T0)) for name in names]  # type: ignore[arg-type] # a NewType
            done = await asyncio.gather(*writes, return_exceptions=True)
            assert [type(each) for each in done] == [
                type(None),
                Conflict,
                type(None),
                type(None),
            ]
            assert len(await store.list_firms()) == 4

    async def test_what_waits_together_goes_to_disk_together(self, path: Path) -> None:
        gate = threading.Event()
        async with opened(path) as store:
            blocker = await begun(store, gate)
            batches = [store.executor.write(_total_changes) for _ in range(50)]
            waiting = asyncio.gather(*batches)
            await asyncio.sleep(0)  # noqa: TID251 - lets them queue up
            gate.set()
            assert await blocker
            assert len(set(await waiting)) == 1

    async def test_a_mistake_in_a_job_reaches_its_caller_only(self, path: Path) -> None:
        async with opened(path) as store:
            with pytest.raises(ZeroDivisionError):
                await store.executor.write(lambda tx: 1 // 0)
            with pytest.raises(ZeroDivisionError):
                await store.executor.read(lambda tx: 1 // 0)
            assert await store.list_firms() == ()

    async def test_a_full_queue_refuses_and_drops_nothing(self, path: Path) -> None:
        gate = threading.Event()
        async with opened(path, queue_max=3) as store:
            blocker = await begun(store, gate)
            writes = [
                asyncio.create_task(store.receive([incoming(str(n), "x")])) for n in range(10)
            ]
            await until(lambda: sum(each.done() for each in writes) == 7)
            gate.set()
            done = await asyncio.gather(*writes, return_exceptions=True)
            await blocker
            refused = [each for each in done if isinstance(each, Busy)]
            assert len(refused) == 7
            assert refused[0].retry_after_s > 0
            assert len(await store.list_unmatched()) == 3

    async def test_closing_writes_what_is_queued(self, path: Path) -> None:
        store = await open_sqlite(path)
        writes = [asyncio.create_task(store.receive([incoming(str(n), "x")])) for n in range(20)]
        await asyncio.sleep(0)  # noqa: TID251 - lets them queue up
        await store.close()
        assert await asyncio.gather(*writes) == [(True,)] * 20
        with pytest.raises(Busy):
            await store.list_firms()
        await store.close()

    async def test_it_is_on_disk_when_it_returns(self, path: Path) -> None:
        async with opened(path) as store:
            await store.receive([incoming("1", "x")])
            conn = sqlite3.connect(path)
            assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert conn.execute("SELECT count(*) FROM rowcol_deliveries").fetchone() == (1,)
            conn.close()
            assert await store.executor.write(_pragma_synchronous) == 2


def _total_changes(tx: Tx) -> int:
    """The same for all who share a transaction, as each of them changes nothing."""
    return int(tx.conn.exec_driver_sql("SELECT total_changes()").scalar_one())


def _pragma_synchronous(tx: Tx) -> int:
    return int(tx.conn.exec_driver_sql("PRAGMA synchronous").scalar_one())


class TestFaults:
    async def test_a_full_disk_refuses_stores_nothing_by_halves_and_recovers(
        self, path: Path
    ) -> None:
        async with opened(path, max_page_count=pages_of(path) + 40) as store:
            await furnish(store, A, "c1")
            stored: list[str] = []
            with pytest.raises(Busy, match="full"):
                await fill(store, stored)
            assert {d.id for d in await store.list_decisions(A, limit=10_000)} == set(stored)
            done = await asyncio.gather(
                *(store.record_decisions(A, [record(f"x{n}")] * 300) for n in range(8)),
                *(store.receive([incoming(f"{n}" * 3000, "item_c1")] * 5) for n in range(8)),
                return_exceptions=True,
            )
            assert any(isinstance(each, Busy) for each in done)
            await store.prune(behind(10))
            assert await store.receive([incoming("after", "item_c1")]) == (True,)
            assert await store.list_decisions(A) == ()

    async def test_a_locked_file_refuses_in_time_and_recovers(self, path: Path) -> None:
        async with opened(path, busy_timeout_ms=50) as store:
            await furnish(store, A, "c1")
            with worker("hold", path) as stranger:
                assert stranger.stdout is not None
                assert stranger.stdout.readline() == "held\n"
                with pytest.raises(Busy, match="another process"):
                    await store.receive([incoming("1", "item_c1")])
                assert len(await store.list_firms()) == 1
                stranger.communicate()
            assert await store.receive([incoming("1", "item_c1")]) == (True,)

    async def test_killed_at_any_moment_nothing_is_half_done_or_lost(self, path: Path) -> None:
        async with opened(path) as store:
            await furnish(store, A, "c1")
        for turn in range(5):
            with worker("receive", path) as process:
                assert process.stdout is not None
                acknowledged = 0
                for line in process.stdout:
                    acknowledged = int(line)
                    if acknowledged == 1 + 5 * turn:
                        break
                process.kill()
                name = f"p{process.pid}"
            async with opened(path) as store:
                await _check_whole(store, name, acknowledged)
                (lease,) = await store.claim("next", after(10**7), 1, 1)
                await store.release(lease, after(0))

    async def test_processes_share_a_file_without_losing_a_turn(self, path: Path) -> None:
        async with opened(path) as store:
            await furnish(store, A, "c1", "c2", "c3")
            workers = [worker("run", path, "25") for _ in range(3)]
            done = [each.communicate(timeout=100)[0].strip() for each in workers]
            assert done == ["25"] * 3
            counts = [int(k.state.cursor) for k in await store.list_connections(A)]
            assert sum(counts) == 75
            leases = await store.claim("me", after(10**4), 15, 9)
            assert sum(each.fence - 1 for each in leases) == 75
            assert len(await store.list_deliveries(A, limit=1000)) == 75

    async def test_two_processes_make_the_file_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "new.db"
        workers = [worker("run", path, "0") for _ in range(3)]
        assert [each.communicate(timeout=60)[0].strip() for each in workers] == ["0"] * 3


def pages_of(path: Path) -> int:
    return path.stat().st_size // 4096


async def fill(store: SqlStore, stored: list[str]) -> None:
    """Write until it is refused; `stored` gets what was acknowledged."""
    for number in range(1000):
        batch = [record(f"{number}_{n}") for n in range(20)]
        await store.record_decisions(A, batch)
        stored += [each.id for each in batch]


async def _check_whole(store: SqlStore, name: str, acknowledged: int) -> None:
    """All parts of the last commit say the same number, no less than was acknowledged; so do the deliveries."""
    view = await store.read_view(A, ConnectionId("c1"))
    assert view is not None
    (account,) = view.accounts
    label = view.connection.state.cursor
    assert label == account.name
    assert label.startswith(name)
    number = int(label.rsplit("_", 1)[1])
    assert number >= acknowledged
    calls = {call.id: call for call in await store.list_calls(A, limit=10_000)}
    assert calls[f"call_{label}"].settled_at is not None  # type: ignore[index] # a NewType
    stored = Counter(each.id for each in await store.list_deliveries(A, limit=10_000))
    for count in range(1, acknowledged + 1):
        assert all(stored[f"del_{name}_{count}_{n}"] == 1 for n in range(3))  # type: ignore[index] # a NewType
