"""Kill: fifty `kill -9` under webhooks and ritual reads lose nothing, leave nothing half done, and cost what was in flight.

Three services share one file. Each round sends deliveries, moves money and asks for one stale login's cash; somewhere in it
one of the three is killed and started again. The same script without kills says what must come out.
"""

from __future__ import annotations

import asyncio
import json
import os
import random  # noqa: TID251 - seeded, so that a script can be repeated
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rowcol.core.ids import BusinessId
from rowcol.sandbox.world import Posting
from tests.crash import office as offices
from tests.crash.bank import Bank, open_bank
from tests.crash.nursery import open_nursery
from tests.crash.office import FIRM, PATH, Caller, Desk, Office, pause

KILLS = int(os.environ.get("ROWCOL_TEST_KILLS", "50"))
SEED = int(os.environ.get("ROWCOL_TEST_SEED", "1"))
MOVING = min(25, KILLS)
"""Logins that money moves on; the others, one a round, have stale evidence and must be paid for once."""
DELIVERIES = 4
"""Signed deliveries a round, beside the emulator's own."""
LATENCY_S = 0.5
SERVICES = 3
SOON = timedelta(minutes=5)
"""What waits for our own limits on calls is done within a minute."""
OLD = timedelta(hours=9)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run came to."""

    kills: int
    acknowledged: int
    stored: int
    lost: int
    paid: int
    possibly_billed: int
    counted_as_paid: int
    digest: str


@dataclass(slots=True)
class Round:
    """One round of the script."""

    bodies: list[bytes]
    moved: int
    amount_minor: int
    posted_at: datetime
    reads: int
    lasts_s: float


def script(bank: Bank, base: datetime) -> list[Round]:
    """The same for every run of a seed."""
    dice = random.Random(SEED)
    items = list(bank.emulator.items)
    rounds = []
    for number in range(KILLS):
        bodies = [
            json.dumps(
                {
                    "webhook_type": "TRANSACTIONS",
                    "webhook_code": "SYNC_UPDATES_AVAILABLE",
                    "item_id": dice.choice(items),
                    "environment": "sandbox",
                    "number": f"{number}.{copy}",
                }
            ).encode()
            for copy in range(DELIVERIES)
        ]
        posted_at = base - timedelta(minutes=50) + timedelta(seconds=number)
        amount = dice.randrange(-9_999, 9_999)
        moved = number % MOVING
        lasts_s = dice.uniform(0.05, 0.7)
        rounds.append(Round(bodies, moved, amount, posted_at, MOVING + number, lasts_s))
    return rounds


def open_logins(bank: Bank, base: datetime, ports: list[int]) -> None:
    """Logins whose banks were last seen nine hours ago, an hour before money moved."""
    bank.clock.shift = -OLD
    for number in range(MOVING + KILLS):
        days = [base - timedelta(days=day + 1, minutes=number) for day in range(20)]
        history = [
            Posting(f"h{number}-{n}", at, 100 * n - 777, f"Shop {n}") for n, at in enumerate(days)
        ]
        moved = Posting(f"m{number}", base - timedelta(hours=1), 12_345 + number, "Moved since")
        webhook = f"http://127.0.0.1:{ports[number % len(ports)]}{PATH}"
        bank.login(number, 1_000_000 + number, [*history, moved], webhook)


class Load:
    """The script's tasks: each ends when it was answered."""

    def __init__(self, bank: Bank, caller: Caller, businesses: tuple[BusinessId, ...]) -> None:
        self._bank = bank
        self._caller = caller
        self._businesses = businesses
        self._tasks: list[asyncio.Task[object]] = []

    async def begin(self, step: Round, victim: int) -> None:
        """Everything of a round, the read at the service that will be killed."""
        posting = {"amount_minor": step.amount_minor, "posted_at": step.posted_at.isoformat()}
        account = f"account-{step.moved}"
        await asyncio.to_thread(
            self._bank.control, f"accounts/{account}/postings", postings=[posting]
        )
        item_id = list(self._bank.emulator.items)[step.moved]
        while not (await asyncio.to_thread(self._bank.control, "pull", item_id=item_id))[
            "succeeded"
        ]:
            pass  # one pull in fifty fails, by the time it is made
        for number, body in enumerate(step.bodies):
            sending = self._caller.deliver(body, number, signs_anew=number % 2 == 0)
            self._tasks.append(asyncio.create_task(sending))
        reading = self._caller.read(self._businesses[step.reads], victim)
        self._tasks.append(asyncio.create_task(reading))

    async def end(self) -> None:
        """Wait for every answer."""
        await asyncio.gather(*self._tasks)


async def run(folder: Path, base: datetime, *, kills: bool) -> Figures:
    """One run of the script, on a fresh file and a fresh emulator."""
    with open_bank(SEED) as bank, open_nursery() as nursery:
        office = Office(folder, bank.url)
        desks = [Desk(nursery, office, folder / f"log{n}") for n in range(SERVICES)]
        open_logins(bank, base, [desk.port for desk in desks])
        businesses = await office.prepare(bank)
        assert bank.billed == 0
        bank.slow_s["/accounts/balance/get"] = LATENCY_S
        for desk in desks:
            desk.launch()
        caller = Caller(bank, [desk.url for desk in desks])
        load = Load(bank, caller, businesses)
        steps = script(bank, base)
        for number, step in enumerate(steps):
            victim = number % SERVICES
            await desks[victim].up()
            await load.begin(step, victim)
            await pause(step.lasts_s if kills else 0.1)
            if kills:
                desks[victim].kill()
                desks[victim].launch()
        await load.end()
        figures = await close(bank, office, desks, caller, businesses)
        check_logs(folder)
        return replace(figures, kills=len(steps) if kills else 0)


async def close(
    bank: Bank,
    office: Office,
    desks: list[Desk],
    caller: Caller,
    businesses: tuple[BusinessId, ...],
) -> Figures:
    """The world stands still: deliver what waits, drain, read every business once, stop, and look."""
    await asyncio.to_thread(bank.control, "freeze", frozen=True)
    while bank.control("state")["n_waiting_webhooks"]:
        await asyncio.to_thread(bank.control, "deliver", now=True)
    async with office.plane() as plane:
        await office.drained(plane, SOON)
        await asyncio.gather(*(settled_read(caller, business) for business in businesses))
        await office.drained(plane, SOON)
        for desk in desks:
            desk.stop()
        await caller.close()
        await plane.store.abandon_calls(offices.now(), offices.now())  # as upkeep does in time
        calls = await offices.all_calls(plane)
        digest = await plane.store.digest(FIRM)
        undrained = office.rows("SELECT count(*) FROM rowcol_routes WHERE state <> 'DRAINED'")
    assert undrained == [(0,)]
    assert office.rows("SELECT count(*) FROM rowcol_calls WHERE settled_at_us IS NULL") == [(0,)]
    assert all(c.settled_at is not None and c.outcome is not None for c in calls)
    check_budget(office, sum(c.cost.micros for c in calls))
    stored = set(office.stored_bodies())
    return Figures(
        kills=0,
        acknowledged=len(caller.acknowledged),
        stored=len(caller.acknowledged & stored),
        lost=len(caller.acknowledged - stored),
        paid=bank.billed,
        possibly_billed=len(offices.possibly(calls)),
        counted_as_paid=len(offices.priced(calls)),
        digest=digest,
    )


async def settled_read(caller: Caller, business: BusinessId) -> None:
    """Read until the answer is as fresh as a ritual wants it: killed twice, a login's limit is used up for a minute."""
    for attempt in range(70):
        said = await caller.read(business)
        assert said["action"] == "SERVE", said
        if said["label"] is None:
            return
        assert "used up" in said["label"], said
        assert attempt < 69, said
        await pause(1)


def check_budget(office: Office, spent_micros: int) -> None:
    """The month's pools hold exactly what the log says, and nothing stays reserved."""
    found = office.rows("SELECT sum(spent_micros), sum(reserved_micros) FROM rowcol_budgets")
    assert found == [(spent_micros, 0)]


def check_logs(folder: Path) -> None:
    """No run of reconcile raised."""
    for log in folder.glob("log*"):
        lines = [
            line
            for line in log.read_text().splitlines()
            if '"level":"error"' in line.replace(" ", "")
        ]
        assert not lines, lines[:3]


@pytest.mark.serial
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_kills_lose_nothing_and_cost_what_was_in_flight(tmp_path: Path) -> None:
    base = offices.now().replace(microsecond=0)
    for name in ("killed", "calm"):
        (tmp_path / name).mkdir()
    killed, calm = await asyncio.gather(
        run(tmp_path / "killed", base, kills=True), run(tmp_path / "calm", base, kills=False)
    )
    print(json.dumps({"killed": asdict(killed), "calm": asdict(calm)}))  # noqa: T201 - the figures
    assert killed.kills == KILLS
    assert killed.lost == calm.lost == 0
    assert killed.acknowledged == killed.stored == KILLS * DELIVERIES
    assert killed.digest == calm.digest
    assert calm.paid == calm.counted_as_paid == KILLS
    assert calm.possibly_billed == 0
    assert killed.paid - calm.paid <= killed.possibly_billed
    assert killed.paid <= killed.counted_as_paid
