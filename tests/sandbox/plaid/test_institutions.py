"""Institutions and verification keys."""

from __future__ import annotations

from typing import Any

import pytest

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.knobs import turn
from tests.sandbox.rig import Rig

PATH = "/institutions/get_by_id"


async def _institution(rig: Rig, bank: str = "ins_56", **options: bool) -> dict[str, Any]:
    answer = await rig.ok(PATH, institution_id=bank, country_codes=["US"], options=options)
    institution: dict[str, Any] = answer["institution"]
    return institution


async def test_a_bank_and_its_options(rig: Rig) -> None:
    assert "status" not in await _institution(rig)
    assert (await _institution(rig, include_optional_metadata=True))["url"]
    assert (await _institution(rig, "ins_133402"))["connection_availability"] == "NOT_SUPPORTED"
    wrong = {"institution_id": "ins_0", "country_codes": ["US"]}
    assert await rig.error(PATH, **wrong) == "INVALID_INSTITUTION"


@pytest.mark.parametrize("has_status", [True, False])
async def test_status_is_a_switch(has_status: bool) -> None:
    rig = Rig(Switches(institution_status=has_status))
    assert ("status" in await _institution(rig, include_status=True)) is has_status


async def test_health(rig: Rig) -> None:
    async def refresh_interval(bank: str = "ins_56") -> Any:
        status = (await _institution(rig, bank, include_status=True))["status"]
        if status is None or status["transactions_updates"] is None:
            return status
        return status["transactions_updates"]["breakdown"]["refresh_interval"]

    assert await refresh_interval() == "NORMAL"
    assert await refresh_interval("ins_132363") == "DELAYED"
    turn(rig.emulator, "institution_health", {"institution_id": "ins_56", "health": "unknown"})
    assert await refresh_interval() is None
    thin = {"institution_id": "ins_56", "health": "transactions_unknown"}
    turn(rig.emulator, "institution_health", thin)
    assert (await refresh_interval())["transactions_updates"] is None
    turn(rig.emulator, "outage", {"institution_id": "ins_56"})
    assert await refresh_interval() == "STOPPED"


async def test_verification_keys(rig: Rig) -> None:
    kid = rig.emulator.keys.current_kid
    path = "/webhook_verification_key/get"
    assert (await rig.ok(path, key_id=kid))["key"]["expired_at"] is None
    assert turn(rig.emulator, "rotate_key", {})["kid"] != kid
    assert (await rig.ok(path, key_id=kid))["key"]["expired_at"] == int(rig.now.timestamp())
    assert await rig.error(path, key_id="x") == "INVALID_WEBHOOK_VERIFICATION_KEY_ID"
