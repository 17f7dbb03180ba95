"""Faults: charges are spent in order, outages are half-open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rowcol.sandbox.plaid.catalog import INSTITUTIONS
from rowcol.sandbox.plaid.faults import Charges, Faults, Outage

START_AT = datetime(2026, 1, 1, tzinfo=UTC)
CHASE = INSTITUTIONS["ins_56"]


def test_charges_are_spent_in_order() -> None:
    charges: Charges[str] = Charges()
    charges.load("/a", "one", 2)
    charges.load("/a", "two", 1)
    charges.load("*", "any", 1)
    assert charges.report() == {"/a": ["one x2", "two x1"], "*": ["any x1"]}
    assert [charges.take("/a") for _ in range(3)] == ["one", "one", "two"]
    assert charges.take("/b") == "any"
    assert charges.take("/a") is None
    charges.load("/a", "one", 2)
    charges.clear()
    assert charges.take("/a") is None


def test_an_outage_is_half_open() -> None:
    faults = Faults()
    end_at = START_AT + timedelta(hours=1)
    faults.outages.append(Outage("ins_56", START_AT, end_at, "INSTITUTION_NOT_RESPONDING"))
    assert faults.outage_code(CHASE, START_AT - timedelta(seconds=1)) is None
    assert faults.outage_code(CHASE, START_AT) == "INSTITUTION_NOT_RESPONDING"
    assert faults.outage_code(CHASE, end_at) is None
    assert faults.outage_code(INSTITUTIONS["ins_13"], START_AT) is None
    assert faults.outage_code(INSTITUTIONS["ins_132361"], START_AT) == "INSTITUTION_DOWN"
    faults.clear()
    assert faults.outage_code(CHASE, START_AT) is None


def test_throttles_end() -> None:
    faults = Faults()
    faults.throttled_until["ins_56"] = START_AT
    assert faults.is_throttled(CHASE, START_AT - timedelta(seconds=1))
    assert not faults.is_throttled(CHASE, START_AT)
