"""Read: on a small run every read is answered."""

import pytest

from rowcol.simulation.bench.read import run_read


@pytest.mark.serial
async def test_a_small_run_answers_everything() -> None:
    out = await run_read(count=300, rounds=1)
    assert (out["answered"], out["not_answered"]) == (300, 0)
    assert out["read_us_p50"] > 0
    assert out["ratio"] > 0
