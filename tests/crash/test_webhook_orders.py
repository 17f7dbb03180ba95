"""Webhook orders: however deliveries travel, over real HTTP and into a real file, the same is known after a drain.

`tests/simulation/test_rig.py` has the same in process and on both stores; here each is signed when it is sent, travels
over a socket and passes the webhook route.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rowcol.api.app import create_app
from rowcol.sandbox.plaid.catalog import REAL_INSTITUTIONS
from rowcol.simulation.driver import account_id
from rowcol.simulation.stages import over_sockets
from rowcol.simulation.wiring import FIRM
from rowcol.simulation.workload import synthetic

FIRM_OF_THREE = synthetic(7, businesses=3, weeks=1)
ROADS: dict[str, dict[str, Any]] = {
    "doubled": {"duplicated_share": 1.0, "delay_median_s": 60.0},
    "shuffled": {"reordered_share": 1.0, "reorder_s": 6 * 3600.0},
    "a day late": {"delay_fixed_s": 86_400.0},
    "dropped": {"lost_share": 1.0},
}
_as_sent: list[tuple[str, list[str]]] = []


async def known_after_a_week(**road: Any) -> tuple[str, list[str]]:
    """The store's digest once everything has settled; and what is in the mirror, which leaves the inbox out."""
    async with over_sockets(FIRM_OF_THREE, "evidence", create_app) as stage:
        rig = stage.rig
        for name, value in road.items():
            setattr(rig.emulator.outbox.weather, name, value)
        for n, client in enumerate(FIRM_OF_THREE.clients):
            business = await rig.add_business(client.name)
            await rig.connect(business, [account_id(n)], REAL_INSTITUTIONS[n])
        await rig.advance_to(rig.clock.now() + timedelta(days=4))
        rig.emulator.agenda.is_frozen = True
        await rig.advance_to(rig.clock.now() + timedelta(days=2))
        outcomes = rig.emulator.outbox.n_outcomes
        assert len(rig.emulator.outbox) == outcomes["retry"] == outcomes["failed"] == 0
        assert (outcomes["delivered"] == 0) == ("lost_share" in road)
        assert await rig.plane.store.list_unmatched() == ()
        mirror = [
            f"{row.remote_id} {sorted((row.body or {}).items())}"
            for connection in await rig.plane.store.list_connections(FIRM)
            for entity in ("account", "transaction")
            for row in await rig.plane.store.read_mirror(FIRM, connection.id, entity, limit=10_000)
        ]
        return await rig.plane.store.digest(FIRM), mirror


@pytest.mark.serial
@pytest.mark.slow
@pytest.mark.parametrize("road", ROADS)
async def test_however_webhooks_travel_the_same_is_known(road: str) -> None:
    if not _as_sent:
        _as_sent.append(await known_after_a_week())
    digest, mirror = await known_after_a_week(**ROADS[road])
    assert sorted(mirror) == sorted(_as_sent[0][1])
    assert len(mirror) > 100
    if road != "dropped":  # then the inbox is empty, which the digest tells
        assert digest == _as_sent[0][0]
