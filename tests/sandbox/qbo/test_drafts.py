"""Drafts: read-only attributes, defaults, totals, references, full and sparse edits."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rowcol.sandbox.qbo import Switches
from rowcol.sandbox.qbo.errors import QboError
from tests.sandbox.qbo.rig import Rig, bill_body, invoice_body


def test_read_only_attributes_are_ignored(rig: Rig) -> None:
    body = bill_body(rig.vendor(), "5") | {
        "Balance": 99,
        "TotalAmt": 99,
        "Id": "77",
        "DocNumber": "",
    }
    bill = rig.books.create("Bill", body)
    assert (bill["Balance"], bill["TotalAmt"]) == (Decimal(5), Decimal(5))
    assert bill["Id"] != "77"
    assert "DocNumber" not in bill


def test_defaults_and_names(rig: Rig) -> None:
    vendor = rig.books.create("Vendor", {"DisplayName": "V", "TermRef": {"value": "3"}})["Id"]
    bill = rig.books.get("Bill", rig.bill(vendor))
    assert (bill["TxnDate"], bill["DueDate"]) == ("2026-01-05", "2026-02-04")
    assert bill["VendorRef"] == {"value": vendor, "name": "V"}
    assert bill["Line"][0]["Id"] == "1"
    other = rig.books.get("Bill", rig.bill(rig.vendor()))
    assert other["DueDate"] == other["TxnDate"]


def test_an_invoice_gets_its_subtotal_and_tax(rig: Rig) -> None:
    body = invoice_body(rig.customer(), "10") | {"TxnTaxDetail": {"TotalTax": Decimal("0.80")}}
    invoice = rig.books.create("Invoice", body)
    assert invoice["TotalAmt"] == Decimal("10.80")
    assert invoice["Line"][-1]["DetailType"] == "SubTotalLineDetail"
    again = rig.books.update("Invoice", invoice["Id"], {"Line": invoice["Line"]})
    assert len(again["Line"]) == 2


def test_full_edits_blank_and_sparse_ones_do_not(rig: Rig) -> None:
    vendor = rig.books.create("Vendor", {"DisplayName": "V", "AcctNum": "1"})["Id"]
    assert rig.books.update("Vendor", vendor, {"CompanyName": "C"})["AcctNum"] == "1"
    full = rig.books.update("Vendor", vendor, {"DisplayName": "V"}, is_full=True)
    assert "AcctNum" not in full
    assert full["Balance"] == 0
    assert "CompanyName" not in rig.books.update("Vendor", vendor, {"CompanyName": None})


def test_numeric_strings_are_a_switch() -> None:
    line = {"Amount": "1.10", "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {}}
    rig = Rig()
    body = {"CustomerRef": {"value": rig.customer()}, "Line": [line]}
    assert rig.books.create("Invoice", body)["TotalAmt"] == Decimal("1.10")
    strict = Rig(Switches(numeric_strings=False))
    strict.customer()
    with pytest.raises(QboError, match="2010"):
        strict.books.create("Invoice", body)


def test_floats_have_lost_their_cents(rig: Rig) -> None:
    with pytest.raises(QboError, match="2010"):
        rig.books.create("Vendor", {"DisplayName": "V", "BillRate": 1.1})


def test_enumerations_and_inactive_references(rig: Rig) -> None:
    vendor = rig.vendor()
    bill = rig.bill(vendor)
    with pytest.raises(QboError, match="2170"):
        rig.pay(vendor, bill, PayType="Shells")
    rig.books.deactivate("Vendor", vendor)
    with pytest.raises(QboError, match="610"):
        rig.bill(vendor)
