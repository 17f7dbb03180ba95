"""Metrics: counted on the way, exposed from a registry of our own."""

from pathlib import Path

import prometheus_client

from tests.api.rig import face
from tests.rig import BUSINESS


async def test_what_was_counted_is_exposed(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        for _ in range(3):
            await it.ask("GET", f"/v1/businesses/{BUSINESS}/balance")
        await it.client.post("/webhooks/tally/main", content=b"X:item-1", headers={"key": "k"})
        await it.client.post("/webhooks/tally/main", content=b"X:item-1")
        text = (await it.ask("GET", "/metrics", "operator")).text
        assert 'rowcol_answers_total{action="SERVE",purpose="DISPLAY"} 3.0' in text
        assert 'reception="ACCEPTED"} 1.0' in text
        assert 'reception="REJECTED"} 1.0' in text
        assert 'rowcol_calls_total{endpoint="balances",outcome="200",rail="tally"} 1.0' in text
        assert "rowcol_runner_overdue_seconds" in text
        assert "rowcol_decisions_dropped_total 0.0" in text


def test_the_global_registry_is_left_alone() -> None:
    names = [m.name for m in prometheus_client.REGISTRY.collect()]
    assert not [name for name in names if name.startswith("rowcol")]
