"""Examination: what is late, paused, unmatched or without a token is found."""

from pathlib import Path

from rowcol.cli.examination import _content
from tests.rig import rig


async def test_what_a_database_tells(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.plane.store.set_switch("pause.paid", "in dispute")
        found = {f.about: f async for f in _content(it.plane.store)}
        assert found["tokens of Firm"].verdict == "note"
        assert found["pause.paid"].text == "paused: in dispute"
        assert found["last webhook of Firm"].text == "none yet"
        assert found["runner"].verdict == "wrong"
