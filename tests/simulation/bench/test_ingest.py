"""Ingest: on a small run every acknowledged webhook is in the file once. Rates are figures, not assertions."""

import pytest

from rowcol.simulation.bench.ingest import WARM_UP, run_ingest


@pytest.mark.serial
async def test_a_small_run_loses_and_doubles_nothing() -> None:
    told: list[str] = []
    by_rail = await run_ingest(count=300, rounds=1, progress=told.append)
    assert set(by_rail) == {"plaid", "qbo"}
    for out in by_rail.values():
        assert (out["acknowledged"], out["stored"]) == (300 + WARM_UP, 300 + WARM_UP)
        assert (out["lost"], out["duplicated"], out["not_acknowledged"]) == (0, 0, 0)
        assert out["ratio"] > 0
    assert told
