"""The HTTP face: one app with Plaid's endpoints and the control API."""

from __future__ import annotations

import json

from tests.sandbox.rig import Rig, ask


async def test_unknown_paths_have_an_envelope(rig: Rig) -> None:
    status, raw = await ask(rig.app, "/nothing/here", {})
    assert status == 404
    assert json.loads(raw)["error_code"] == "NOT_FOUND"


async def test_control_is_beside_the_endpoints(rig: Rig) -> None:
    status, raw = await ask(rig.app, "/_control/clock", method="GET")
    assert (status, json.loads(raw)) == (200, {"now": "2026-01-05T09:00:00Z"})
