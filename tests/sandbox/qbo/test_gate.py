"""The gate: tokens, throttles, the month, faults before and after the effect, replays, headers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from rowcol.sandbox.qbo import Fault, Switches
from tests.sandbox.qbo.rig import Rig, bill_body
from tests.waiting import until


async def test_headers_and_time(rig: Rig) -> None:
    got = await rig.call("GET", f"companyinfo/{rig.realm}?minorversion=75")
    assert got.json["CompanyInfo"]["CompanyName"] == "Craig's Landscaping"
    assert got.json["time"] == "2026-01-05T04:00:00.000-05:00"
    assert got.headers["intuit_tid"].startswith("1-")
    assert "QBO-Version" in got.headers


async def test_a_dead_token_gets_the_lower_case_envelope(rig: Rig) -> None:
    rig.wait(hours=1)
    got = await rig.call("GET", "vendor/1")
    assert got.status == 401
    assert got.json["fault"]["error"][0]["code"] == "3200"


async def test_another_company_and_no_company(rig: Rig) -> None:
    other = rig.emulator.add_company("Other")
    got = await rig.call("GET", "vendor/1", realm=other.realm_id)
    assert (got.status, got.json["fault"]["error"][0]["code"]) == (401, "3100")
    assert (await rig.call("GET", "vendor/1", realm="42")).status == 404


async def test_the_eleventh_in_a_second_waits(rig: Rig) -> None:
    statuses = [(await rig.call("GET", "preferences")).status for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    rig.wait(seconds=1)
    assert (await rig.call("GET", "preferences")).status == 200
    assert rig.emulator.meter.month(rig.clock.now()) == 11
    assert rig.emulator.meter.peak_per_second(rig.realm) == 11


async def test_a_full_month_blocks_everything_until_the_next(rig: Rig) -> None:
    rig.emulator.meter.limit_per_month = 1
    await rig.ok("GET", "preferences")
    got = await rig.call("POST", "vendor", {"DisplayName": "V"})
    assert (got.status, got.code) == (429, "3001")
    rig.wait(days=31)
    rig.connect()
    await rig.ok("POST", "vendor", {"DisplayName": "V"})


async def test_throttle_spellings() -> None:
    rig = Rig(Switches(throttle_status=403, throttle_body="xml", retry_after=7))
    rig.emulator.meter.limit_per_month = 0
    got = await rig.call("GET", "preferences")
    assert (got.status, got.headers["Retry-After"]) == (403, "7")
    assert b'<Error code="3001">' in got.body


@pytest.mark.parametrize(
    ("fault", "status", "has_effect"),
    [
        ("unauthorized", 401, False),
        ("forbidden_throttle", 403, False),
        ("throttle_json", 429, False),
        ("throttle_xml", 429, False),
        ("error_500", 500, False),
        ("error_502", 502, False),
        ("error_503", 503, False),
        ("error_504", 504, False),
        ("html_503", 503, False),
        ("html", 200, True),
        ("not_json", 200, True),
        ("truncated", 200, True),
        ("commit_then_500", 500, True),
    ],
)
async def test_faults(rig: Rig, fault: str, status: int, has_effect: bool) -> None:
    rig.emulator.faults.next(fault, realm_id=rig.realm)
    got = await rig.call("POST", "vendor", {"DisplayName": "V"})
    assert got.status == status
    assert bool(rig.books.rows("Vendor")) is has_effect
    assert (await rig.call("GET", "preferences")).status == 200


@pytest.mark.parametrize(
    ("fault", "status", "code", "kind"),
    [
        ("code_120", 401, "120", "AuthorizationFault"),
        ("code_2170", 400, "2170", "ValidationFault"),
        ("code_3201_as_400", 400, "3201", "AUTHORIZATION"),
        ("code_6000", 400, "6000", "ValidationFault"),
        ("code_6000_as_200", 200, "6000", "ValidationFault"),
        ("code_6070", 400, "6070", "ValidationFault"),
    ],
)
async def test_forced_codes(rig: Rig, fault: str, status: int, code: str, kind: str) -> None:
    rig.emulator.faults.next(fault, operation="create")
    got = await rig.call("POST", "vendor?requestid=r1", {"DisplayName": "V"})
    assert (got.status, got.code, got.json["Fault"]["type"]) == (status, code, kind)
    assert rig.books.rows("Vendor") == []
    await rig.ok("POST", "vendor?requestid=r1", {"DisplayName": "V"})


async def test_a_fault_inside_a_success(rig: Rig) -> None:
    rig.emulator.faults.next("code_10000_as_200", operation="read")
    got = await rig.call("GET", "preferences")
    fault = got.json["QueryResponse"]["Fault"]
    assert (got.status, fault["Error"][0]["code"], fault["type"]) == (200, "10000", "SystemFault")


async def test_forced_3201_has_the_lower_case_envelope(rig: Rig) -> None:
    rig.emulator.faults.next("code_3201")
    got = await rig.call("GET", "preferences")
    fault = got.json["fault"]
    assert (got.status, fault["error"][0]["code"], fault["type"]) == (401, "3201", "AUTHORIZATION")


async def test_a_503_is_a_fault_or_a_page(rig: Rig) -> None:
    for fault, kind in (("error_503", "application/json"), ("html_503", "text/html")):
        rig.emulator.faults.next(fault)
        got = await rig.call("GET", "preferences")
        assert (got.status, got.headers["content-type"].partition(";")[0]) == (503, kind)


@pytest.mark.parametrize(("fault", "n_rows"), [("no_answer", 0), ("commit_then_drop", 1)])
async def test_broken_connections(rig: Rig, fault: str, n_rows: int) -> None:
    rig.emulator.faults.next(fault)
    with pytest.raises(ConnectionResetError):
        await rig.call("POST", "vendor?requestid=r1", {"DisplayName": "V"})
    assert len(rig.books.rows("Vendor")) == n_rows
    again = await rig.ok("POST", "vendor?requestid=r1", {"DisplayName": "V"})
    assert again["Vendor"]["DisplayName"] == "V"
    assert len(rig.books.rows("Vendor")) == 1


async def test_a_slow_answer_ends_in_504(rig: Rig) -> None:
    rig.emulator.faults.next(Fault.SLOW)
    task = asyncio.create_task(rig.call("POST", "vendor", {"DisplayName": "V"}))
    await until(rig.clock.next_wake_at)
    assert not task.done()
    rig.wait(seconds=130)
    assert (await task).status == 504
    assert len(rig.books.rows("Vendor")) == 1


async def test_an_outage_ends(rig: Rig) -> None:
    now = rig.clock.now()
    rig.emulator.faults.outage(now, now + timedelta(minutes=5))
    assert (await rig.call("GET", "preferences")).status == 503
    assert (await rig.renew()).status == 503
    rig.wait(minutes=5)
    assert (await rig.call("GET", "preferences")).status == 200


async def test_a_request_id_replays(rig: Rig) -> None:
    first = await rig.ok("POST", "vendor?requestid=a", {"DisplayName": "V"})
    assert await rig.ok("POST", "vendor?requestid=a", {"DisplayName": "V"}) == first
    other = await rig.call("POST", "vendor?requestid=a", {"DisplayName": "W"})
    assert other.code == "600"


async def test_cost(rig: Rig) -> None:
    meter, now = rig.emulator.meter, rig.clock.now()
    bill: Any = bill_body(rig.vendor(), "5")
    bill["Line"][0]["Amount"] = 5
    await rig.ok("POST", "bill", bill)
    assert meter.month(now) == 0
    await rig.ok("POST", "query", b"SELECT * FROM Bill")
    await rig.ok("GET", "cdc?entities=Bill,Vendor&changedSince=2026-01-01")
    assert (await rig.call("GET", "bill/999")).code == "610"
    assert meter.month(now) == meter.by_realm[rig.realm] == meter.day(rig.realm, now) == 2
    items = [{"bId": str(n), "Query": "SELECT * FROM Bill"} for n in range(3)]
    await rig.ok("POST", "batch", {"BatchItemRequest": items})
    assert meter.month(now) == 5
    assert [one.operation for one in meter.requests] == ["create", "query", "cdc", "read", "batch"]
    assert meter.requests[2].entities == ("Bill", "Vendor")


async def test_cost_by_switch() -> None:
    rig = Rig(Switches(cdc_metering="entity", batch_metering="request"))
    await rig.ok("GET", "cdc?entities=Bill,Vendor&changedSince=2026-01-01")
    await rig.ok("POST", "batch", {"BatchItemRequest": [{"bId": "1"}, {"bId": "2"}]})
    assert rig.emulator.meter.month(rig.clock.now()) == 3


async def test_amounts_stay_exact(rig: Rig) -> None:
    bill = rig.bill(rig.vendor(), "0.10")
    rig.bill(rig.vendor("Two"), "0.20")
    assert (await rig.ok("GET", f"bill/{bill}"))["Bill"]["TotalAmt"] == Decimal("0.10")
    assert rig.books.get("Account", "33")["CurrentBalance"] == Decimal("-0.30")
