"""Spoilt answers: each kind does what its table says, after the call was billed."""

from __future__ import annotations

import asyncio
import json

import pytest

from rowcol.sandbox.plaid.billing import BALANCE
from rowcol.sandbox.plaid.faults import Corruption
from rowcol.sandbox.plaid.knobs import turn
from tests.sandbox.rig import Rig
from tests.waiting import until

PATH = "/accounts/balance/get"


async def _spoilt(rig: Rig, kind: Corruption, path: str = PATH) -> tuple[int, bytes]:
    item = rig.item(rig.account(str(kind)))
    turn(rig.emulator, "corrupt", {"path": path, "kind": kind})
    answer = await rig.raw(path, access_token=item.access_token)
    assert rig.emulator.billing.n_calls(BALANCE) == (1 if path == PATH else 0)
    status, clean = await rig.raw(path, access_token=item.access_token)
    assert (status, json.loads(clean)["request_id"] != "first") == (200, True)
    return answer


async def test_unknown_fields_and_enums(rig: Rig) -> None:
    _, raw = await _spoilt(rig, Corruption.UNKNOWN_FIELDS)
    body = json.loads(raw)
    assert "zz_unknown" in body["accounts"][0]["balances"]
    rig = Rig()
    _, raw = await _spoilt(rig, Corruption.UNKNOWN_ENUMS)
    assert json.loads(raw)["accounts"][0]["type"] == "brand_new_value"


async def test_missing_keys_and_wrong_types(rig: Rig) -> None:
    _, raw = await _spoilt(rig, Corruption.MISSING_KEYS)
    body = json.loads(raw)
    assert "item" not in body
    assert "balances" not in body["accounts"][0]
    rig = Rig()
    _, raw = await _spoilt(rig, Corruption.WRONG_TYPES)
    assert json.loads(raw)["accounts"][0]["balances"]["current"] == "about 1000"


async def test_what_is_not_quite_json(rig: Rig) -> None:
    _, raw = await _spoilt(rig, Corruption.NAN)
    assert b'"current":NaN' in raw
    _, raw = await _spoilt(Rig(), Corruption.NAN, "/item/get")
    assert b"NaN" in raw
    _, raw = await _spoilt(Rig(), Corruption.DUPLICATE_KEYS)
    assert b'"current":0,"current":1000' in raw
    assert json.loads(raw)["accounts"][0]["balances"]["current"] == 1000
    _, raw = await _spoilt(Rig(), Corruption.TRUNCATED)
    with pytest.raises(ValueError, match="line 1"):
        json.loads(raw)


@pytest.mark.parametrize(
    ("kind", "status", "start"),
    [
        (Corruption.HTML, 200, b"<!DOCTYPE html>"),
        (Corruption.STATUS_500, 500, b"{"),
        (Corruption.STATUS_502, 502, b"<!DOCTYPE html>"),
        (Corruption.STATUS_503, 503, b"{"),
    ],
)
async def test_replaced_answers(rig: Rig, kind: Corruption, status: int, start: bytes) -> None:
    got, raw = await _spoilt(rig, kind)
    assert (got, raw.startswith(start)) == (status, True)


async def test_huge(rig: Rig) -> None:
    _, raw = await _spoilt(rig, Corruption.HUGE)
    assert len(raw) > 10_000_000
    assert json.loads(raw)["accounts"]


async def test_reset_in_process_is_an_exception(rig: Rig) -> None:
    item = rig.item()
    turn(rig.emulator, "corrupt", {"path": "*", "kind": "reset"})
    with pytest.raises(ConnectionResetError):
        await rig.raw(PATH, access_token=item.access_token)
    assert rig.emulator.billing.n_calls(BALANCE) == 1


async def test_slow_drip_takes_wall_time(rig: Rig) -> None:
    item = rig.item()
    turn(rig.emulator, "corrupt", {"path": PATH, "kind": "slow_drip"})
    call = asyncio.create_task(rig.raw(PATH, access_token=item.access_token))
    await until(lambda: rig.emulator.billing.n_calls(BALANCE))
    await asyncio.wait([call], timeout=0.6)
    assert not call.done()
    call.cancel()
    assert rig.emulator.billing.n_calls(BALANCE) == 1


async def test_control_is_never_spoilt(rig: Rig) -> None:
    turn(rig.emulator, "corrupt", {"path": "*", "kind": "html"})
    assert (await rig.control("state", "GET"))["faults"]["corruptions"] == {"*": ["html x1"]}
