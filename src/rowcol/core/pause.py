"""Pause: names of the switches by which operators stop calls. The switch's value is the reason, as people read it."""

from __future__ import annotations

PAID = "pause.paid"
"""No priced call of any rail."""


def switch_of_rail(rail: str) -> str:
    """The switch that stops every call to a rail."""
    return f"pause.rail.{rail}"
