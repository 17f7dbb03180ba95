"""Pause: names of the switches by which operators stop calls. The switch's value is the reason, as people read it."""

from __future__ import annotations

PAID = "pause.paid"
"""No priced call of any rail."""
NO_REASON = "no reason is known"


def switch_of_rail(rail: str) -> str:
    """The switch that stops every call to a rail."""
    return f"pause.rail.{rail}"


def switch_of_login(connection: str) -> str:
    """Why a login is paused; what stops its calls is `Connection.is_paused`, and this is not there without it."""
    return f"pause.connection.{connection}"


def resume_of(switch: str) -> str:
    """The command that takes a pause back."""
    return f"rowcol resume {switch.removeprefix('pause.').replace('.', ' ', 1)}"
