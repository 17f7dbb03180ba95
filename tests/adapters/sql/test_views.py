"""Views: what every read of a business asks is answered by an index, however much was delivered before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from rowcol.adapters.sql import views
from rowcol.adapters.sql.tables import tables


def test_what_waits_is_found_without_what_was_worked_through(sqlite_template: Path) -> None:
    what = views._business_waiting(tables())
    values = {"firm": "f", "business": "b"}
    with closing(sqlite3.connect(sqlite_template)) as file:
        plan = file.execute(f"EXPLAIN QUERY PLAN {what.text}", what.arguments(values)).fetchall()
    steps = [step[-1] for step in plan]
    assert any("ix_routes_received" in step for step in steps), steps
    assert not any("ix_routes_firm" in step or step.startswith("SCAN") for step in steps), steps
