"""Explain: for people and as one object."""

from tests.cli.rig import Shell


def test_it_says_price_and_reason(connected: Shell) -> None:
    connected("read", "h-1")
    out = connected.json("explain", "h-1")
    assert out["fresh_price_micros"] == 100_000
    assert out["decisions"][0]["reason"]
    text = connected("explain", "h-1").stdout
    assert "a live look now costs $0.10" in text
    assert "ENDPOINT" in text
