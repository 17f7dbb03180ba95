"""Worker: what the fault tests run in a process of its own, on one file. It prints a line for all that was acknowledged.

receive  stores deliveries and makes commits until it is killed
run N    claims and commits N times beside others
hold     holds the write lock until its input ends
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from pathlib import Path

from rowcol.adapters.sql import SqlStore, open_sqlite
from rowcol.core.change import Change, Lease
from rowcol.core.connection import ConnectionState
from rowcol.core.ids import ConnectionId
from tests.contracts.values import A, after, free_intent, incoming, look, row, settlement


async def receive(path: Path, name: str) -> None:
    """Three at a time, with a commit beside them whose parts must all be there or none."""
    store = await open_sqlite(path)
    (lease,) = await store.claim(name, after(0), 10**6, 1)
    number = 0
    while True:
        number += 1
        batch = [incoming(f"{name}_{number}_{n}", "item_c1") for n in range(3)]
        done = [store.receive([each]) for each in batch]
        await asyncio.gather(*done, commit(store, lease, name, number))
        say(number)


async def commit(store: SqlStore, lease: Lease, name: str, number: int) -> None:
    label = f"{name}_{number}"
    await store.open_call(A, free_intent(label, "c1"))
    change = Change(
        lease,
        state=ConnectionState(cursor=label),
        rows=(row("a1", name=label),),
        observations=(look("a1", number, after(number), after(number)),),
        settlements=(settlement(label),),
    )
    await store.commit(A, change)


async def run(path: Path, name: str, times: int) -> None:
    """Each turn counts one up in the state of what it holds; a lost turn would be a lost count."""
    store = await open_sqlite(path)
    done = 0
    while done < times:
        for lease in await store.claim(name, after(10**4), 10**6, 1):
            view = await store.read_view(A, ConnectionId(lease.subject))
            assert view is not None
            turn = int(view.connection.state.cursor or "0") + 1
            state = ConnectionState(cursor=str(turn))
            hint = incoming(f"{name}_{done}", f"item_{lease.subject}", at=after(turn))
            await store.receive([hint])
            drained = tuple(each.id for each in view.pending)
            change = Change(lease, state=state, drained=drained, next_at=after(turn), releases=True)
            assert not (await store.commit(A, change)).is_fenced
            done += 1
    say(done)
    await store.close()


def say(line: object) -> None:
    """To whoever started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def hold(path: Path) -> None:
    """An honest stranger with the write lock."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("BEGIN EXCLUSIVE")
    say("held")
    sys.stdin.read()
    conn.execute("ROLLBACK")
    conn.close()


def main() -> None:
    mode, path, *rest = sys.argv[1:]
    if mode == "hold":
        hold(Path(path))
    elif mode == "run":
        asyncio.run(run(Path(path), f"p{os.getpid()}", int(rest[0])))
    else:
        asyncio.run(receive(Path(path), f"p{os.getpid()}"))


if __name__ == "__main__":
    main()
