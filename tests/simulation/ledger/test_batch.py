"""Batch: a thousand bills from the mirror cost no call."""

from __future__ import annotations

from rowcol.simulation.ledger.batch import batch_read


async def test_a_thousand_bills_cost_no_call() -> None:
    found = await batch_read(rounds=2)
    assert found["batch_get_bills_1000_calls"] == 0
    assert 0 < found["batch_get_bills_1000_ms_min"] <= found["batch_get_bills_1000_ms_p50"]
