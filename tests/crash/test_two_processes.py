"""Two processes on one file: what many ask for at once is paid for once, and no limit is passed however many work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rowcol.core.records import Call
from rowcol.rails.plaid.spec import SPEC
from rowcol.sandbox.world import Posting
from tests.crash import office as offices
from tests.crash.bank import Bank, open_bank
from tests.crash.nursery import Nursery, open_nursery
from tests.crash.office import Caller, Desk, Office, pause

READERS = 50
DELIVERIES = 240


@contextmanager
def town(folder: Path, *, logins: int) -> Iterator[tuple[Bank, Office, Nursery]]:
    """A bank with logins it saw nine hours ago, and an office without services."""
    with open_bank() as bank, open_nursery() as nursery:
        bank.clock.shift = timedelta(hours=-9)
        at = bank.clock.now()
        for number in range(logins):
            history = [Posting(f"h{number}", at - timedelta(days=1), 500, "Shop")]
            moved = Posting(f"m{number}", at + timedelta(hours=1), 12_345, "Moved since")
            bank.login(number, 1_000_000, [*history, moved], None)
        yield bank, Office(folder, bank.url), nursery


async def opened(office: Office, nursery: Nursery, folder: Path, count: int) -> list[Desk]:
    """So many services on one file."""
    desks = [Desk(nursery, office, folder / f"log{n}") for n in range(count)]
    for desk in desks:
        desk.launch()
    await asyncio.gather(*(desk.up() for desk in desks))
    return desks


@pytest.mark.serial
async def test_fifty_readers_in_two_processes_pay_once(tmp_path: Path) -> None:
    with town(tmp_path, logins=1) as (bank, office, nursery):
        (business,) = await office.prepare(bank)
        bank.slow_s["/accounts/balance/get"] = 0.4
        desks = await opened(office, nursery, tmp_path, 2)
        caller = Caller(bank, [desk.url for desk in desks])
        before = bank.asked.copy()
        answers = await asyncio.gather(*(caller.read(business, n) for n in range(READERS)))
        asked = bank.asked - before
        for desk in desks:
            desk.stop()
        await caller.close()
        async with office.plane() as plane:
            calls = await offices.all_calls(plane)
    assert len(answers) == READERS
    assert {answer["action"] for answer in answers} == {"SERVE"}
    assert {json.dumps(answer["cash"]) for answer in answers} == {
        json.dumps([{"amount_minor": 1_012_845, "currency": "USD"}])
    }
    assert asked == {"/item/get": 1, "/accounts/balance/get": 1}
    assert bank.billed == 1
    assert [c.cost.micros for c in calls if c.price.micros] == [100_000]


def fullest_window(calls: Sequence[Call]) -> int:
    """The most calls of one login and endpoint that any minute of the log holds."""
    most = 0
    for name, login in {(c.endpoint, c.connection) for c in calls}:
        at = sorted(c.opened_at for c in calls if (c.endpoint, c.connection) == (name, login))
        minute = timedelta(minutes=1)
        most = max([most, *(sum(start <= t < start + minute for t in at) for start in at)])
    return most


@pytest.mark.serial
@pytest.mark.slow
async def test_four_workers_and_the_cli_pass_no_limit(tmp_path: Path) -> None:
    with town(tmp_path, logins=4) as (bank, office, nursery):
        items = list(bank.emulator.items.values())
        businesses = await office.prepare(bank)
        desks = await opened(office, nursery, tmp_path, 4)
        caller = Caller(bank, [desk.url for desk in desks])
        work: list[asyncio.Task[Any]] = []
        for number in range(DELIVERIES):
            body = {
                "webhook_type": "TRANSACTIONS",
                "webhook_code": "SYNC_UPDATES_AVAILABLE",
                "item_id": items[number % len(items)].item_id,
                "number": number,
            }
            work.append(asyncio.create_task(caller.deliver(json.dumps(body).encode(), number)))
            if number % 8 == 0:
                business = businesses[number // 8 % len(businesses)]
                work.append(asyncio.create_task(caller.read(business, number)))
            await pause(0.03)
        commands = [
            nursery.start(
                ["read", business, "--purpose", "ritual", "--deadline", "1s", "--json"],
                office.environment,
                tmp_path / "cli",
            )
            for business in businesses
        ]
        await asyncio.gather(*work)
        codes = [await asyncio.to_thread(nursery.wait, pid) for pid in commands]
        for desk in desks:
            desk.stop()
        await caller.close()
        async with office.plane() as plane:
            calls = await offices.all_calls(plane)
        limits = bank.control("limits")
    assert codes == [0] * len(businesses), (tmp_path / "cli").read_text()
    assert limits["n_violations"] == 0
    assert all(row["peak"] <= row["limit"] for row in limits["peaks"].values()), limits
    per_item = SPEC.endpoints["item.get"].quotas["production"][0].limit
    assert (
        per_item // 4
        <= fullest_window([c for c in calls if c.endpoint == "item.get"])
        <= per_item // 2
    )
    assert bank.billed == len(businesses)
