"""Rig: however webhooks travel, the same is known in the end; equal seeds give equal runs; every wait ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rowcol.adapters.memory import MemoryStore
from rowcol.bootstrap import open_store
from rowcol.core.change import Action
from rowcol.core.need import Purpose
from rowcol.ports import FullStore
from rowcol.sandbox.plaid.catalog import REAL_INSTITUTIONS
from rowcol.settings import Settings
from rowcol.simulation.driver import account_id, world_of
from rowcol.simulation.rig import Rig, open_rig
from rowcol.simulation.wiring import FIRM, Setup
from rowcol.simulation.workload import synthetic

FIRM_OF_THREE = synthetic(7, businesses=3, weeks=1)
ROADS: dict[str, dict[str, Any]] = {
    "as sent": {},
    "doubled": {"duplicated_share": 1.0, "delay_median_s": 60.0},
    "shuffled": {"reordered_share": 1.0, "reorder_s": 6 * 3600.0},
    "a day late": {"delay_fixed_s": 86_400.0},
    "dropped": {"lost_share": 1.0},
}


@asynccontextmanager
async def rig_on(store: FullStore, **road: Any) -> AsyncIterator[Rig]:
    """Three businesses, each with a login, before anything else happened."""
    setup = Setup(seed=7, starts_at=FIRM_OF_THREE.linked_at)
    async with open_rig(setup, store=store, world=world_of(FIRM_OF_THREE)) as rig:
        for name, value in road.items():
            setattr(rig.emulator.outbox.weather, name, value)
        for n, client in enumerate(FIRM_OF_THREE.clients):
            business = await rig.add_business(client.name)
            await rig.connect(business, [account_id(n)], REAL_INSTITUTIONS[n])
        yield rig


async def known_after_a_week(store: FullStore, **road: Any) -> tuple[str, str]:
    """The digest once the world stands still and everything has settled; with it, what does not count the inbox."""
    async with rig_on(store, **road) as rig:
        await rig.advance_to(rig.clock.now() + timedelta(days=5))
        rig.emulator.agenda.is_frozen = True
        await rig.advance_to(rig.clock.now() + timedelta(days=2))
        assert len(rig.emulator.outbox) == 0
        return await store.digest(FIRM), await _values(store)


async def _values(store: FullStore) -> str:
    """Mirror and balances of every login, in words."""
    lines = []
    for connection in await store.list_connections(FIRM):
        view = await store.read_view(FIRM, connection.id)
        assert view is not None
        lines += [f"{a.remote_id} {a.latest and a.latest.balance}" for a in view.accounts]
        after = ""
        while rows := await store.read_mirror(FIRM, connection.id, "transaction", after=after):
            lines += [f"{row.remote_id} {sorted((row.body or {}).items())}" for row in rows]
            after = rows[-1].remote_id
    return "\n".join(sorted(lines))


@pytest.fixture(scope="module")
def settled() -> dict[str, tuple[str, str]]:
    return {}


@pytest.mark.parametrize("road", ROADS)
async def test_however_webhooks_travel_the_same_is_known(
    road: str, settled: dict[str, tuple[str, str]]
) -> None:
    if "as sent" not in settled:
        settled["as sent"] = await known_after_a_week(MemoryStore())
    digest, values = await known_after_a_week(MemoryStore(), **ROADS[road])
    assert values == settled["as sent"][1]
    assert values.count("\n") > 300
    assert digest == settled["as sent"][0]


@pytest.mark.slow
@pytest.mark.parametrize("road", ["doubled", "a day late", "dropped"])
async def test_memory_and_sqlite_come_to_know_the_same(road: str, tmp_path: Path) -> None:
    store = await open_store(Settings.model_construct(data_dir=tmp_path))
    try:
        on_disk = await known_after_a_week(store, **ROADS[road])
    finally:
        await store.close()
    assert on_disk == await known_after_a_week(MemoryStore(), **ROADS[road])


async def test_equal_seeds_make_equal_calls() -> None:
    async def calls() -> list[str]:
        store = MemoryStore()
        async with rig_on(store) as rig:
            await rig.advance_to(rig.clock.now() + timedelta(days=3))
            return [f"{c.id} {c.opened_at} {c.endpoint}" for c in await store.list_calls(FIRM)]

    assert await calls() == await calls() != []


async def test_a_question_waits_in_virtual_time_and_is_answered_by_its_deadline() -> None:
    async with rig_on(MemoryStore()) as rig:
        await rig.advance_to(rig.clock.now() + timedelta(days=6))
        (business, *_) = await rig.plane.store.list_businesses(FIRM)
        deadline = rig.clock.now() + timedelta(hours=3)
        asked = await rig.ask(business.id, Purpose.GUARDRAIL, deadline=deadline)
        await rig.advance_to(deadline)
        assert asked.answer is not None
        assert asked.answer.action is Action.SERVE
        assert asked.answer.answered_at <= deadline
        assert rig.waiting == []
        truth = rig.world.balance_at(account_id(0), asked.answer.as_of or deadline)
        assert [total.amount_minor for total in asked.answer.value.totals] == [truth]


async def test_a_forced_look_up_is_live_and_billed_once() -> None:
    async with rig_on(MemoryStore()) as rig:
        await rig.advance_to(rig.clock.now() + timedelta(hours=20))
        (business, *_) = await rig.plane.store.list_businesses(FIRM)
        asked = await rig.ask(business.id, Purpose.FORCED, is_confirmed=True)
        assert asked.answer is not None
        assert asked.answer.as_of == rig.clock.now()
        assert asked.answer.cost.micros > 0
        assert rig.emulator.billing.n_calls("/accounts/balance/get") == 1


async def test_a_broken_login_is_known_by_its_webhook() -> None:
    async with rig_on(MemoryStore()) as rig:
        await rig.advance_to(rig.clock.now() + timedelta(hours=20))
        (connection, *_) = await rig.plane.store.list_connections(FIRM)
        rig.emulator.break_login(rig.item_of(connection))
        await rig.advance_to(rig.clock.now() + timedelta(minutes=1))
        asked = await rig.ask(connection.business, Purpose.FORCED, is_confirmed=True)
        await rig.advance_to(rig.clock.now() + timedelta(hours=1))
        assert asked.answer is not None
        assert re.search("person|connected again", str(asked.answer.label))
        assert rig.emulator.billing.n_calls("/accounts/balance/get") == 0
