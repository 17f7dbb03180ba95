"""Postings: the account side of every transaction adds up to zero."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rowcol.sandbox.qbo import postings
from tests.sandbox.qbo.rig import Rig, bill_body, invoice_body, payment_body, receipt_body

TAX = {"TxnTaxDetail": {"TotalTax": Decimal("0.40")}}
TO_CHECKING = {"DepositToAccountRef": {"value": "35"}}


def _rows(rig: Rig) -> list[tuple[str, dict[str, Any]]]:
    vendor, customer = rig.vendor(), rig.customer()
    bill = rig.bill(vendor)
    invoice = rig.books.create("Invoice", invoice_body(customer, "50") | TAX)["Id"]
    journal = [
        {
            "Amount": 5,
            "DetailType": "JournalEntryLineDetail",
            "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}},
        }
        for side, account in (("Debit", "35"), ("Credit", "34"))
    ]
    spent = bill_body(vendor, "3")["Line"]
    source = {
        "DetailType": "DepositLineDetail",
        "DepositLineDetail": {"AccountRef": {"value": "34"}},
    }
    return [
        ("Bill", bill_body(vendor, "10")),
        ("VendorCredit", bill_body(vendor, "2")),
        ("BillPayment", payment_body(vendor, bill, "5")),
        ("Invoice", invoice_body(customer, "10") | TAX),
        ("CreditMemo", invoice_body(customer, "10")),
        ("Payment", receipt_body(customer, "20", invoice)),
        ("SalesReceipt", invoice_body(customer, "8") | TO_CHECKING),
        ("RefundReceipt", invoice_body(customer, "8")),
        ("Purchase", {"PaymentType": "CreditCard", "AccountRef": {"value": "41"}, "Line": spent}),
        ("Deposit", TO_CHECKING | {"Line": [{"Amount": 9, **source}]}),
        (
            "Transfer",
            {"FromAccountRef": {"value": "35"}, "ToAccountRef": {"value": "36"}, "Amount": 1},
        ),
        ("JournalEntry", {"Line": journal}),
    ]


@pytest.mark.parametrize("n", range(12))
def test_accounts_balance(rig: Rig, n: int) -> None:
    entity, body = _rows(rig)[n]
    row = rig.books.create(entity, body)
    moved = postings.moves(entity, row, rig.books)
    assert sum(amount for (kind, _), amount in moved.items() if kind == "Account") == 0
    assert moved


def test_credits_count_against_what_is_paid(rig: Rig) -> None:
    vendor = rig.vendor()
    bill = rig.bill(vendor, "10")
    credit = rig.books.create("VendorCredit", bill_body(vendor, "4"))["Id"]
    lines = [
        {"Amount": 10, "LinkedTxn": [{"TxnId": bill, "TxnType": "Bill"}]},
        {"Amount": 4, "LinkedTxn": [{"TxnId": credit, "TxnType": "VendorCredit"}]},
    ]
    rig.pay(vendor, bill, "6", Line=lines)
    assert rig.books.get("Bill", bill)["Balance"] == 0
    assert rig.books.get("VendorCredit", credit)["Balance"] == 0
    assert rig.books.get("Vendor", vendor)["Balance"] == 0
