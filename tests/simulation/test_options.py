"""Options: what makes no firm is refused before anything starts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rowcol.core.refusal import BadInput
from rowcol.simulation.options import DemoOptions, workload_of


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (DemoOptions(weeks=0), "0 weeks"),
        (DemoOptions(weeks=53), "53 weeks"),
        (DemoOptions(businesses=0), "0 businesses"),
        (DemoOptions(businesses=2_001), "2001 businesses"),
        (DemoOptions(transactions=Path("nowhere.csv")), "nowhere.csv"),
    ],
)
def test_what_makes_no_firm_is_refused(options: DemoOptions, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        workload_of(options)


def test_the_first_day_may_be_chosen() -> None:
    firm = workload_of(DemoOptions(businesses=1, weeks=1, first=date(2026, 9, 2)))
    assert firm.calendar.day_of(firm.starts_at) == date(2026, 9, 2)


def test_the_source_is_named() -> None:
    assert DemoOptions().source == "workload.toml"
    assert DemoOptions(transactions=Path("some") / "bank.csv").source == "bank.csv"
