"""Switches: the table names every field, and every field has a test that runs both answers."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from rowcol.sandbox.plaid import switches
from rowcol.sandbox.plaid.switches import Switches

TIMINGS = {"initial_update_s", "historical_update_s", "refresh_s"}


def test_the_table_is_complete() -> None:
    cells = re.findall(r"^\| ([a-z_0-9, ]+) \|", switches.__doc__ or "", re.MULTILINE)
    documented = set(", ".join(cells).split(", ")) - {"switch"}
    assert documented == {field.name for field in fields(Switches)}


def test_every_switch_is_turned_in_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    unturned = {field.name for field in fields(Switches) if f"{field.name}=" not in tests}
    assert unturned - TIMINGS == set()
