"""Operations: CRUD, void and batch as the API speaks them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rowcol.sandbox.qbo import Switches
from tests.sandbox.qbo.rig import Rig, ask, invoice_body


async def test_create_read_update_delete(rig: Rig) -> None:
    made = (await rig.ok("POST", "vendor", {"DisplayName": "V", "AcctNum": "1"}))["Vendor"]
    changed = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "CompanyName": "C"}
    row = (await rig.ok("POST", "vendor", changed))["Vendor"]
    assert (row["SyncToken"], row["AcctNum"], row["sparse"]) == ("1", "1", False)
    assert (await rig.call("POST", "vendor", changed)).code == "5010"
    bill = rig.bill(made["Id"])
    gone = await rig.ok("POST", "bill?operation=delete", {"Id": bill, "SyncToken": "0"})
    assert gone["Bill"] == {"status": "Deleted", "domain": "QBO", "Id": bill}
    assert (await rig.call("GET", f"bill/{bill}")).code == "610"


async def test_both_spellings_of_void(rig: Rig) -> None:
    invoice = rig.books.create("Invoice", invoice_body(rig.customer(), "5"))["Id"]
    body = {"Id": invoice, "SyncToken": "0"}
    row = (await rig.ok("POST", "invoice?operation=void", body))["Invoice"]
    assert (row["Balance"], row["PrivateNote"]) == (0, "Voided")
    vendor = rig.vendor()
    bill = rig.bill(vendor)
    body = {"Id": rig.pay(vendor, bill), "SyncToken": "0", "sparse": True}
    row = (await rig.ok("POST", "billpayment?operation=update&include=void", body))["BillPayment"]
    assert (row["TotalAmt"], row["Line"]) == (0, [])
    assert rig.books.get("Bill", bill)["Balance"] == Decimal(100)


async def test_queries_come_in_three_ways(rig: Rig) -> None:
    text = "select%20*%20from%20Account%20where%20AccountType%20%3D%20'Bank'"
    by_get = await rig.ok("GET", f"query?query={text}")
    assert [row["Name"] for row in by_get["QueryResponse"]["Account"]] == ["Checking", "Savings"]
    assert await rig.ok("POST", f"query?query={text}") == by_get
    assert (await rig.query("select * from Account where AccountType = 'Bank'"))["maxResults"] == 2


async def test_the_create_answer_of_an_account_is_off(rig: Rig) -> None:
    made = (await rig.ok("POST", "account", {"Name": "A", "AccountType": "Bank"}))["Account"]
    read = (await rig.ok("GET", f"account/{made['Id']}"))["Account"]
    assert made["MetaData"] == {"CreateTime": "2026-01-05T03:59:59-05:00"}
    assert read["MetaData"]["CreateTime"] == "2026-01-05T04:00:00-05:00"


async def test_a_batch_is_a_success_whatever_its_items(rig: Rig) -> None:
    items: list[Any] = [
        {"bId": "a", "operation": "create", "Vendor": {"DisplayName": "V"}},
        {"bId": "b", "operation": "create", "Vendor": {"DisplayName": "V"}},
        {"bId": "c", "Query": "select * from Vendor"},
        {"bId": "d", "operation": "burn", "Vendor": {}},
    ]
    found = (await rig.ok("POST", "batch", {"BatchItemRequest": items}))["BatchItemResponse"]
    assert [one["bId"] for one in found] == ["a", "b", "c", "d"]
    assert found[1]["Fault"]["Error"][0]["code"] == "6240"
    assert found[2]["QueryResponse"]["maxResults"] == 1
    too_many = {"BatchItemRequest": items * 8}
    assert (await rig.call("POST", "batch", too_many)).code == "1040"


@pytest.mark.parametrize(
    ("method", "rest", "body", "code"),
    [
        ("GET", "customer/1/5", None, "500"),
        ("GET", "nonsense/1", None, "500"),
        ("GET", "customer/1.5", None, "2030"),
        ("GET", "reports/Nonsense", None, "500"),
        ("POST", "vendor", b"{", "2010"),
        ("POST", "vendor", b"[]", "2010"),
        ("POST", "companyinfo", {"CompanyName": "x"}, "500"),
        ("GET", "companyinfo/7", None, "610"),
        ("POST", "vendor/1", {"DisplayName": "V"}, "500"),
        ("PUT", "batch", {"BatchItemRequest": []}, "500"),
        ("GET", "cdc/1?entities=Bill&changedSince=2026-01-01", None, "500"),
        ("GET", "vendor/1?minorversion=latest", None, "2010"),
        ("GET", "vendor/1?minorversion=0", None, "2010"),
        ("GET", "vendor/1?minorversion=-1", None, "2010"),
        ("GET", "vendor/1?minorversion=", None, "2010"),
        ("GET", "vendor/1?minorversion=76", None, "2010"),
        ("GET", "vendor/1?mineorversion=75", None, "2010"),
        ("GET", "query?query=SELECT%20*%20FROM%20Bill&limit=5", None, "2010"),
        ("POST", "vendor?operation=burn", {"DisplayName": "V"}, "500"),
        ("POST", "vendor?operation=update", {"DisplayName": "V"}, "610"),
        ("POST", "vendor?include=void", {"DisplayName": "V"}, "500"),
        ("POST", f"vendor?requestid={'x' * 51}", {"DisplayName": "V"}, "2050"),
        ("POST", f"batch?requestid={'x' * 37}", {"BatchItemRequest": []}, "2050"),
    ],
)
async def test_refusals(rig: Rig, method: str, rest: str, body: Any, code: str) -> None:
    got = await rig.call(method, rest, body)
    assert (got.status, got.code) == (400, code)


async def test_states_of_a_company(rig: Rig) -> None:
    vendor = rig.vendor()
    bill = rig.bill(vendor, DocNumber="7")
    rig.books.enforces_doc_numbers = True
    body = {"Id": rig.bill(vendor), "SyncToken": "0", "sparse": True, "DocNumber": "7"}
    assert (await rig.call("POST", "bill", body)).code == "6140"
    rig.books.closed_until = "2026-12-31"
    gone = await rig.call("POST", "bill?operation=delete", {"Id": bill, "SyncToken": "0"})
    assert gone.code == "6210"
    rig.books.is_read_only = True
    assert (await rig.call("POST", "vendor", {"DisplayName": "W"})).code == "6190"


@pytest.mark.parametrize(
    ("rest", "body", "content_type"),
    [
        ("vendor", b'{"DisplayName": "V"}', "text/plain"),
        ("vendor", b'{"DisplayName": "V"}', ""),
        ("vendor", b"DisplayName=V", "application/x-www-form-urlencoded"),
        ("query", b"SELECT * FROM Vendor", "application/json"),
    ],
)
async def test_a_body_says_what_it_is(rig: Rig, rest: str, body: bytes, content_type: str) -> None:
    """The words were reported by people who met them."""
    headers = {"Authorization": f"Bearer {rig.token}", "Content-Type": content_type}
    got = await ask(rig.app, "POST", f"/v3/company/{rig.realm}/{rest}", body, headers)
    assert (got.status, got.code) == (400, "500")
    assert "Cannot consume content type" in got.json["Fault"]["Error"][0]["Detail"]


async def test_what_nobody_verified_of_parameters_is_a_switch() -> None:
    path = "preferences?minorversion={}&surprise=1"
    strict = Rig()
    assert [(await strict.call("GET", path.format(n))).code for n in (75, 76)] == ["2010"] * 2
    lenient = Rig(Switches(high_minorversion="serve", unknown_parameters="ignore"))
    for version in (1, 75, 76):
        await lenient.ok("GET", path.format(version))
    assert (await lenient.call("GET", path.format("0"))).code == "2010"


async def test_an_id_of_an_item_is_short_where_the_batch_can_be_repeated(rig: Rig) -> None:
    item = {"bId": "x" * 11, "operation": "create", "Vendor": {"DisplayName": "V"}}
    body = {"BatchItemRequest": [item]}
    (found,) = (await rig.ok("POST", "batch?requestid=1", body))["BatchItemResponse"]
    assert found["Fault"]["Error"][0]["code"] == "2050"
    (found,) = (await rig.ok("POST", "batch", body))["BatchItemResponse"]
    assert found["Vendor"]["DisplayName"] == "V"


async def test_what_is_deleted_or_stale_is_not_written() -> None:
    rig = Rig(Switches(enforce_limits=False))
    bill = rig.bill(rig.vendor())
    body = {"Id": bill, "SyncToken": "0", "sparse": True}
    for spoilt, code in (
        (body | {"SyncToken": "1"}, "5010"),
        (body | {"SyncToken": "-"}, "5010"),
        ({"Id": bill}, "2020"),
        (body | {"surprise": 1}, "2010"),
    ):
        for query in ("", "?operation=delete"):
            assert (await rig.call("POST", f"bill{query}", spoilt)).code == code
    await rig.ok("POST", "bill?operation=delete", body)
    for query in ("", "?operation=delete"):
        assert (await rig.call("POST", f"bill{query}", body)).code == "610"
