"""Tokens: Plaid's look, and one live token per Item."""

from __future__ import annotations

import re

from tests.sandbox.rig import Rig

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_looks(rig: Rig) -> None:
    tokens = rig.emulator.tokens
    for kind in ("access", "public", "link"):
        assert re.fullmatch(f"{kind}-sandbox-{UUID}", tokens.new(kind))
    assert tokens.new("link") != tokens.new("link")


def test_issue_replaces(rig: Rig) -> None:
    item = rig.item()
    old = item.access_token
    new = rig.emulator.tokens.issue(item)
    assert rig.emulator.tokens.item_of(old) is None
    assert rig.emulator.tokens.item_of(new) is item
