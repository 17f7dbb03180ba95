"""Settling: parents, unlinking and merging of accounts."""

from __future__ import annotations

from decimal import Decimal

from rowcol.sandbox.qbo import Switches
from tests.sandbox.qbo.rig import Rig, invoice_body, receipt_body


def test_a_sub_account_moves_its_parents_total_only(rig: Rig) -> None:
    body = {"Name": "Petty", "AccountType": "Bank", "ParentRef": {"value": "35"}}
    child = rig.books.create("Account", body)["Id"]
    rig.books.touch_balance("Account", child, Decimal(7))
    parent = rig.books.get("Account", "35")
    assert (parent["CurrentBalance"], parent["CurrentBalanceWithSubAccounts"]) == (0, Decimal(7))
    assert rig.books.get("Account", child)["CurrentBalance"] == Decimal(7)


def test_a_voided_invoice_frees_its_payment(rig: Rig) -> None:
    customer = rig.customer()
    invoice = rig.books.create("Invoice", invoice_body(customer, "30"))["Id"]
    payment = rig.books.create("Payment", receipt_body(customer, "30", invoice))["Id"]
    assert rig.books.get("Payment", payment)["UnappliedAmt"] == 0
    rig.books.void("Invoice", invoice)
    row = rig.books.get("Payment", payment)
    assert (row["UnappliedAmt"], row["SyncToken"]) == (Decimal(30), "1")
    assert rig.books.get("Customer", customer)["Balance"] == Decimal(-30)


def test_a_merge_may_leave_the_times_of_references() -> None:
    for is_on in (True, False):
        rig = Rig(Switches(merge_touches_references=is_on))
        loser, winner = rig.vendor("A"), rig.vendor("B")
        bill = rig.bill(loser)
        before = rig.books.get("Bill", bill)["MetaData"]
        rig.wait(minutes=1)
        rig.books.merge("Vendor", loser, winner)
        row = rig.books.get("Bill", bill)
        assert (row["MetaData"] != before) is is_on
        assert row["SyncToken"] == "0"


def test_merged_accounts_carry_their_balance(rig: Rig) -> None:
    vendor = rig.vendor()
    rig.pay(vendor, rig.bill(vendor))
    rig.books.merge("Account", "35", "36")
    assert rig.books.get("Account", "36")["CurrentBalance"] == Decimal(-40)
