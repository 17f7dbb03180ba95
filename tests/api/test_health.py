"""Health: up is not ready; ready means that the store answers and no work is late."""

from datetime import timedelta
from pathlib import Path

from tests.api.rig import face


async def test_work_overdue_for_five_minutes_is_not_ready(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        assert (await it.ask("GET", "/healthz", None)).status_code == 200
        assert (await it.ask("GET", "/readyz", None)).status_code == 200
        it.it.clock.advance(timedelta(hours=25))
        answer = await it.ask("GET", "/readyz", None)
        assert answer.status_code == 503
        assert "due" in answer.json()["reason"]
        assert (await it.ask("GET", "/healthz", None)).status_code == 200


async def test_a_store_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        store, it.it.plane.store = it.it.plane.store, None  # type: ignore[assignment]
        answer = await it.ask("GET", "/readyz", None)
        it.it.plane.store = store
        assert answer.status_code == 503
        assert "NoneType" not in answer.text
