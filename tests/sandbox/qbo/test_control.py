"""The control API: every route of its table."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tests.sandbox.qbo.rig import Rig, ask


async def control(rig: Rig, method: str, path: str, status: int = 200, **body: Any) -> Any:
    raw = json.dumps(body).encode() if method == "POST" else b""
    got = await ask(rig.app, method, f"/_control/{path}", raw)
    assert got.status == status, got.body
    return got.json


async def test_edits_of_the_books(rig: Rig) -> None:
    where: dict[str, Any] = {"realm_id": rig.realm, "entity": "Vendor"}
    made = await control(
        rig, "POST", "books", **where, operation="create", body={"DisplayName": "V"}
    )
    vendor = made["row"]["Id"]
    more = {"id": vendor, **where}
    await control(rig, "POST", "books", **more, operation="update", body={"AcctNum": "1"})
    await control(rig, "POST", "books", **more, operation="touch_balance", delta="1.50")
    at = "2026-02-01T00:00:00+00:00"
    await control(rig, "POST", "books", **more, operation="set_last_updated", at=at)
    found = await control(rig, "GET", f"books?realm_id={rig.realm}&entity=Vendor")
    assert str(found["rows"][0]["Balance"]) == "1.50"
    assert found["rows"][0]["SyncToken"] == "1"


async def test_companies_and_consents(rig: Rig) -> None:
    made = await control(rig, "POST", "companies", name="New", clock_offset_s=3600)
    listed = (await control(rig, "GET", "companies"))["companies"]
    assert [one["realm_id"] for one in listed] == [rig.realm, made["realm_id"]]
    assert [one["connected_to"] for one in listed] == [["qbo-client"], []]
    assert (await control(rig, "POST", "consent", realm_id=rig.realm))["code"]
    await control(rig, "POST", "expire_access", realm_id=rig.realm)
    assert (await rig.call("GET", "preferences")).status == 401
    await control(rig, "POST", "revoke_consent", realm_id=rig.realm)
    await rig.renew()
    assert len((await control(rig, "GET", "renewals"))["renewals"]) == 1


async def test_a_company_has_a_currency(rig: Rig) -> None:
    made = await control(rig, "POST", "companies", name="Kyoto", country="JP", multicurrency=True)
    listed = (await control(rig, "GET", "companies"))["companies"]
    assert [one["currency"] for one in listed] == [
        {"home": "USD", "is_multi": False},
        {"home": "JPY", "is_multi": True},
    ]
    body = {"TotalAmt": 1500.5, "CurrencyRef": {"value": "JPY"}}
    where = {"realm_id": made["realm_id"], "entity": "Bill"}
    planted = await control(rig, "POST", "books", **where, operation="plant", body=body)
    assert planted["row"]["TotalAmt"] == Decimal("1500.5")
    turned = await control(rig, "POST", "multicurrency", realm_id=rig.realm)
    assert turned == {"home": "USD", "is_multi": True}
    await control(rig, "POST", "companies", status=400, name="X", country="XX")


async def test_weather_faults_limits_and_meter(rig: Rig) -> None:
    assert (await control(rig, "POST", "weather", lost_share=1))["lost_share"] == 1
    waiting = await control(rig, "POST", "faults", fault="html", n=2, realm_id=rig.realm)
    assert waiting["faults"][0]["n_left"] == 2
    await control(rig, "POST", "faults", fault="code_120", realm_id=rig.realm, operation="cdc")
    until = "2027-01-01T00:00:00+00:00"
    await control(rig, "POST", "faults", fault="error_503", until=until)
    assert (await control(rig, "POST", "faults", clear=True))["faults"] == []
    await control(rig, "POST", "limits", foreign_per_minute=500)
    assert (await rig.call("GET", "preferences")).status == 429
    assert (await control(rig, "POST", "meter", limit_per_month=5))["limit_per_month"] == 5
    for name in ("state", "meter", "limits", "deliveries"):
        await control(rig, "GET", name)
    rig.vendor()
    assert await control(rig, "POST", "deliver") == {"n_delivered": 1}


async def test_nonsense_is_told(rig: Rig) -> None:
    for path, body in (
        ("books", {}),
        ("books", {"realm_id": "9"}),
        ("books", {"realm_id": rig.realm, "entity": "Bill", "operation": "burn"}),
        ("books", {"realm_id": rig.realm, "entity": "Bill", "operation": "delete", "id": "1"}),
        ("faults", {"fault": "nope"}),
        ("faults", {"fault": "code_6000", "operation": "token"}),
        ("faults", {"fault": "html", "until": "2026-01-01T00:00:00"}),
        ("weather", {"nope": 1}),
    ):
        assert "error" in await control(rig, "POST", path, status=400, **body)
    await control(rig, "GET", f"books?realm_id={rig.realm}&entity=Nope", status=400)
