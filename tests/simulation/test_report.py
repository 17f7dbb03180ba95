"""Report: one object for machines, tables for people, and nothing wrong left unsaid."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console

from rowcol.core.money import Cost, Money
from rowcol.simulation.judge import Tally
from rowcol.simulation.report import BoardRow, DemoReport, PolicyResult

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TALLY = Tally(14, 6, 0, 0, 0, 0, 0, 0.0, 50.0, 3, 61.5)
TTL = PolicyResult("ttl", 2, 10, 10, Cost(1_000_000), TALLY, 0, 1.23)
EVIDENCE = replace(TTL, policy="evidence", paid_calls=4, billed_calls=4, cost=Cost(400_000))
REPORT = DemoReport(
    seed=1,
    businesses=2,
    weeks=1,
    starts_at=NOON,
    ends_at=NOON,
    source="workload.toml",
    board=(
        BoardRow("A [bold]", Money(123_456, "USD"), NOON, "last seen", None, Cost(400_000)),
        BoardRow("B", None, None, "no login", "held", Cost(0)),
    ),
    policies={"ttl": TTL, "evidence": EVIDENCE},
    incidents=("the bank was down",),
)


def rendered(report: DemoReport) -> str:
    console = Console(file=io.StringIO(), width=140, color_system=None)
    report.render(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_object() -> None:
    found = json.loads(json.dumps(REPORT.to_json()))
    assert found["board"][0] == {
        "business": "A [bold]",
        "cash_minor": 123_456,
        "currency": "USD",
        "as_of": "2026-06-01T12:00:00Z",
        "reason": "last seen",
        "label": None,
        "cost_micros": 400_000,
        "bills_minor": None,
        "books_as_of": None,
    }
    assert found["board"][1]["as_of"] is found["board"][1]["cash_minor"] is None
    assert (found["businesses"], found["weeks"], found["errors"]) == (2, 1, [])
    assert found["policies"]["ttl"]["paid_calls_per_business_week"] == 5.0
    assert found["policies"]["evidence"]["cost_micros"] == 400_000


def test_the_tables() -> None:
    text = rendered(REPORT)
    for part in (
        "A [bold]",
        "1,234.56 USD",
        "06-01 12:00",
        "never",
        "no login (held)",
        "(emulated)",
    ):
        assert part in text
    assert "saved 60% of the paid calls" in text
    assert "$1.00" in text
    assert "$0.40" in text
    assert "the bank was down" in text
    assert "ERROR" not in text


def test_what_must_never_be_is_said() -> None:
    wrong = replace(EVIDENCE, billed_calls=5, unanswered=1, tally=replace(TALLY, false_as_of=2))
    report = replace(REPORT, policies={"evidence": wrong})
    assert len(report.errors) == 3
    assert "the emulator billed 5 calls, our call log has 4" in rendered(report)
    assert "saved" not in rendered(report)


def test_nothing_is_divided_by_no_weeks() -> None:
    assert replace(TTL, business_weeks=0).paid_calls_per_business_week == 0
