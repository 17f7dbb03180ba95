"""Incidents: one bank down, one login broken and repaired, never the same client; equal seeds plot the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rowcol.sandbox.plaid.catalog import REAL_INSTITUTIONS
from rowcol.simulation.driver import account_id, world_of
from rowcol.simulation.incidents import BROKEN_FOR, OUTAGE_AT_LEAST, Plot, plotted
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wiring import Setup
from rowcol.simulation.workload import Workload, synthetic

NEVER = datetime.max.replace(tzinfo=UTC)


async def plot_of(firm: Workload) -> Plot:
    setup = Setup(seed=firm.seed, starts_at=firm.linked_at)
    async with open_rig(setup, world=world_of(firm)) as rig:
        connections = []
        for n, client in enumerate(firm.clients):
            business = await rig.add_business(client.name)
            bank = REAL_INSTITUTIONS[client.institution]
            connections.append(await rig.connect(business, [account_id(n)], bank))
        plot = plotted(rig, firm, connections)
        for incident in sorted(plot.incidents, key=lambda each: each.at):
            rig.clock.advance_to(incident.at)
            incident.act()
        assert len(rig.emulator.faults.outages) == 1
        for item in rig.emulator.items.values():
            assert item.error is None
            assert (item.consent_expiration_at or NEVER) > firm.ends_at
        return plot


@pytest.mark.parametrize("businesses", [1, 3])
async def test_consents_are_renewed_before_a_year_ends(businesses: int) -> None:
    short, year = (synthetic(1, businesses=businesses, weeks=weeks) for weeks in (2, 52))
    n_renewed = len((await plot_of(year)).incidents) - len((await plot_of(short)).incidents)
    assert n_renewed == businesses


@pytest.mark.parametrize("weeks", [1, 4])
async def test_one_bank_and_one_login(weeks: int) -> None:
    firm = synthetic(5, businesses=4, weeks=weeks)
    plot = await plot_of(firm)
    outage, broken = plot.troubles
    assert outage.clients.isdisjoint(broken.clients)
    assert len(broken.clients) == 1
    assert outage.ends_at - outage.starts_at >= OUTAGE_AT_LEAST
    assert broken.ends_at - broken.starts_at == BROKEN_FOR > timedelta(days=1)
    for trouble in plot.troubles:
        assert firm.starts_at < trouble.starts_at < firm.ends_at
    assert len(plot.texts) == 2


async def test_a_firm_of_one_only_has_the_outage() -> None:
    plot = await plot_of(synthetic(5, businesses=1, weeks=1))
    assert len(plot.incidents) == len(plot.troubles) == len(plot.texts) == 1


async def test_equal_seeds_plot_the_same() -> None:
    firm = synthetic(6, businesses=3, weeks=2)
    first, second = await plot_of(firm), await plot_of(firm)
    assert (first.troubles, first.texts) == (second.troubles, second.texts)
