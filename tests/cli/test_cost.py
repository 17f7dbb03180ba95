"""Cost: a month, by app and business."""

from tests.cli.rig import Shell


def test_a_month(connected: Shell) -> None:
    connected("read", "h-1", "--force", "--yes")
    out = connected.json("cost")
    assert out["spent_micros"] == sum(b["cost_micros"] for b in out["businesses"])
    assert out["is_estimated"] is True
    assert "estimated" in connected("cost").stdout
    assert connected.json("cost", "--month", "2020-01")["rows"] == []
    assert "2026-11" in connected("cost", "--month", "november", rc=2).stderr
