"""Health: up is not ready; ready means that the store answers and no work is late."""

from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.refusal import Busy
from rowcol.engine.unstored import NotStoredYet
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


async def test_a_token_that_is_in_memory_only_is_told(tmp_path: Path) -> None:
    """Ready all the same: the logins of others go on, and the store's own state is judged by itself."""
    async with face(tmp_path) as it:
        is_full = True

        async def write() -> None:
            if is_full:
                raise Busy("the disk is full")

        unstored = it.it.plane.renewer.unstored
        with pytest.raises(NotStoredYet):
            await unstored.store("con-9", write)
        answer = await it.ask("GET", "/readyz", None)
        assert (answer.status_code, "waiting: 1" in answer.json()["reason"]) == (200, True)
        assert "con-9" not in answer.text, "nobody needs a token for it"
        assert "rowcol_unstored_tokens 1.0" in (await it.ask("GET", "/metrics", "operator")).text
        is_full = False
        assert await unstored.settle()
        it.it.clock.advance(timedelta(seconds=2))
        assert (await it.ask("GET", "/readyz", None)).json()["reason"] == ""
        assert "rowcol_unstored_tokens 0.0" in (await it.ask("GET", "/metrics", "operator")).text
