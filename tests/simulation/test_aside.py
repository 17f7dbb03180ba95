"""Aside: a child process comes to the same result, and its failure is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from rowcol.simulation.aside import AsideFailed, play_aside, play_here
from rowcol.simulation.options import DemoOptions


async def test_a_child_plays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text("account,date,amount\nA,2018-05-01,10\nA,2018-05-02,-3\n")
    options = DemoOptions(transactions=path, weeks=1, first=date(2018, 5, 1))
    aside = await play_aside(options, "ttl")
    assert replace(aside, seconds=0) == replace(await play_here(options, "ttl"), seconds=0)
    assert aside.tally.reads > 0


async def test_a_child_that_fails_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AsideFailed, match="'ttl' ended with 1"):
        await play_aside(DemoOptions(weeks=0), "ttl")
    assert "0 weeks" in capfd.readouterr().err
