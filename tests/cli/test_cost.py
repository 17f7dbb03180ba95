"""Cost: a month, by app and business."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from rowcol.api.pools import PoolOut
from rowcol.cli.cost import _show_pools
from tests.cli.rig import Shell

POOL = PoolOut(
    rail="qbo",
    app="qbo-main",
    month="2026-11",
    limit=1_000,
    used=400,
    reserved=0,
    expected=300,
    forecast=900,
    stage="OPEN",
    runs_out_on=None,
    blocked_until=None,
    blocked_reason="",
    metering={"cdc": "call"},
    peak_per_second_per_company=1,
    peak_per_minute_per_company=2,
    peak_per_minute_portfolio=3,
)


def shown(capsys: pytest.CaptureFixture[str], **more: Any) -> str:
    _show_pools([replace(POOL, **more)], [])
    return capsys.readouterr().out


def test_a_pool_that_is_used_up_has_no_day_to_come(capsys: pytest.CaptureFixture[str]) -> None:
    past = date(2026, 11, 3)
    gone = shown(capsys, used=1_000, stage="CLOSED", runs_out_on=past)
    assert "is used up: nothing is read until the month ends" in gone
    assert "runs out" not in gone
    assert "runs out on 2026-11-29" in shown(capsys, used=700, runs_out_on=date(2026, 11, 29))
    last_month = shown(capsys, used=1_000, stage=None)
    assert "used up" not in last_month


def test_units_that_are_more_than_calls_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert "as many units as it names entities" in shown(capsys, metering={"cdc": "entity"})
    assert "entities" not in shown(capsys)


def test_a_month(connected: Shell) -> None:
    connected("read", "h-1", "--force", "--yes")
    out = connected.json("cost")
    assert out["spent_micros"] == sum(b["cost_micros"] for b in out["businesses"])
    assert out["is_estimated"] is True
    assert "estimated" in connected("cost").stdout
    assert connected.json("cost", "--month", "2020-01")["rows"] == []
    assert "2026-11" in connected("cost", "--month", "november", rc=2).stderr
