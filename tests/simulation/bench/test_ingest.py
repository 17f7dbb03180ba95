"""Ingest: on a small run every acknowledged webhook is in the file once. Rates are figures, not assertions."""

import pytest

from rowcol.simulation.bench.ingest import run_ingest


@pytest.mark.serial
async def test_a_small_run_loses_and_doubles_nothing() -> None:
    told: list[str] = []
    out = await run_ingest(count=300, rounds=1, progress=told.append)
    assert (out["acknowledged"], out["stored"]) == (300, 300)
    assert (out["lost"], out["duplicated"], out["not_acknowledged"]) == (0, 0, 0)
    assert out["ratio"] > 0
    assert told
