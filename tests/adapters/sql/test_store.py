"""The SQL store is a whole store, keeps to the naive model in any order of events, and agrees with memory on the digest."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from rowcol.adapters.memory import MemoryStore
from rowcol.adapters.sql import SqlStore, open_sqlite, schema
from rowcol.core.change import Change
from rowcol.core.evidence import Source
from rowcol.ports import FullStore
from tests.contracts.store_machine import machine_of
from tests.contracts.store_mirror import bill
from tests.contracts.values import A, furnish, incoming, lease, look, row


@cache
def template() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="rowcol-machine-")
    _kept.append(folder)
    path = Path(folder.name) / "template.db"
    schema.upgrade_file(path)
    return path


_kept: list[tempfile.TemporaryDirectory[str]] = []
_made: list[None] = []


async def open_copy() -> SqlStore:
    _made.append(None)
    path = template().with_name(f"{len(_made)}.db")
    shutil.copy(template(), path)
    return await open_sqlite(path)


TestSqliteMachine = machine_of(open_copy, 15)


async def test_memory_and_sql_agree_on_the_digest() -> None:
    stores: list[FullStore] = [await open_copy(), MemoryStore()]
    digests = set()
    for store in stores:
        await furnish(store, A, "c1", "c2")
        await store.receive([incoming("1", "item_c1"), incoming("2", "item_c2")])
        taken = await lease(store, "c1")
        change = Change(
            taken,
            rows=(
                row("a1"),
                row("a2", name=None),
                row("t1", "transaction", "Zoë \u2603"),
                bill("b1", 5, "100.10"),
            ),
            observations=(look("a1", 5), look("a2", -7, source=Source.LIVE)),
            drained=(incoming("1").id,),
            releases=True,
        )
        await store.commit(A, change)
        digests.add(await store.digest(A))
        await store.close()
    assert len(digests) == 1
