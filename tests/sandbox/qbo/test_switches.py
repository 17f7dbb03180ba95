"""Switches: each one is documented."""

from __future__ import annotations

from dataclasses import fields

from rowcol.sandbox.qbo import switches


def test_every_switch_has_its_line() -> None:
    documented = switches.__doc__ or ""
    for field in fields(switches.Switches):
        assert f"| {field.name} |" in documented
