"""The books: mutation rules as recorded, and invariants that hold after any mix of edits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowcol.sandbox.qbo import postings
from rowcol.sandbox.qbo.errors import QboError
from tests.sandbox.qbo.rig import Rig, bill_body, invoice_body, receipt_body


def test_a_created_row_has_token_zero_and_equal_times(rig: Rig) -> None:
    bill = rig.books.get("Bill", rig.bill(rig.vendor()))
    assert bill["SyncToken"] == "0"
    assert bill["MetaData"]["CreateTime"] == bill["MetaData"]["LastUpdatedTime"]
    assert bill["MetaData"]["CreateTime"].endswith("-05:00")
    assert bill["Balance"] == bill["TotalAmt"] == Decimal(100)


def test_a_bill_payment_moves_its_bill(rig: Rig) -> None:
    vendor = rig.vendor()
    bill = rig.bill(vendor)
    rig.wait(minutes=5)
    card: dict[str, Any] = {
        "PayType": "CreditCard",
        "CreditCardPayment": {"CCAccountRef": {"value": "41"}},
    }
    payment = rig.books.get("BillPayment", rig.pay(vendor, bill, **card))
    row = rig.books.get("Bill", bill)
    assert row["Balance"] == Decimal(60)
    assert row["SyncToken"] == "1"
    assert row["MetaData"]["LastUpdatedTime"] == payment["MetaData"]["CreateTime"]
    assert row["LinkedTxn"] == [{"TxnId": payment["Id"], "TxnType": "BillPaymentCheck"}]


def test_derived_balances_move_the_time_but_not_the_token(rig: Rig) -> None:
    vendor = rig.vendor()
    rig.wait(minutes=5)
    bill = rig.books.get("Bill", rig.bill(vendor, "600"))
    for entity, row_id in (("Vendor", vendor), ("Account", "33")):
        row = rig.books.get(entity, row_id)
        assert row["SyncToken"] == "0"
        assert row["MetaData"]["LastUpdatedTime"] == bill["MetaData"]["CreateTime"]
    assert rig.books.get("Vendor", vendor)["Balance"] == Decimal(600)
    assert rig.books.get("Account", "33")["CurrentBalance"] == Decimal(-600)


def test_an_edit_that_changes_no_amount_leaves_the_accounts_alone(rig: Rig) -> None:
    bill = rig.bill(rig.vendor())
    before = rig.books.get("Account", "33")
    rig.wait(minutes=5)
    assert rig.books.update("Bill", bill, {"PrivateNote": "x"})["SyncToken"] == "1"
    assert rig.books.get("Account", "33") is before


def test_the_time_is_rounded_and_may_lie_ahead(rig: Rig) -> None:
    rig.wait(milliseconds=539)
    row = rig.books.create("Vendor", {"DisplayName": "Late"})
    assert row["MetaData"]["LastUpdatedTime"] > rig.company.clock.time()


def test_a_wrong_company_clock_shifts_the_rows() -> None:
    rig = Rig(offset=timedelta(hours=1))
    row = rig.books.create("Vendor", {"DisplayName": "Ahead"})
    assert row["MetaData"]["CreateTime"] == "2026-01-05T05:00:00-05:00"
    assert rig.company.clock.time() == "2026-01-05T05:00:00.000-05:00"


def test_deleting_a_payment_opens_its_bill_again(rig: Rig) -> None:
    vendor = rig.vendor()
    bill = rig.bill(vendor)
    payment = rig.pay(vendor, bill)
    rig.books.delete("BillPayment", payment)
    row = rig.books.get("Bill", bill)
    assert (row["Balance"], row["LinkedTxn"], row["SyncToken"]) == (Decimal(100), [], "2")
    assert list(rig.books.tombstones("BillPayment")) == [payment]


def test_deleting_a_bill_leaves_its_payment_unapplied(rig: Rig) -> None:
    vendor = rig.vendor()
    bill = rig.bill(vendor)
    payment = rig.pay(vendor, bill)
    rig.books.delete("Bill", bill)
    assert rig.books.get("BillPayment", payment)["Line"] == []
    assert rig.books.get("Vendor", vendor)["Balance"] == Decimal(-40)


def test_a_void_zeroes_and_says_so(rig: Rig) -> None:
    customer = rig.customer()
    invoice = rig.books.create("Invoice", invoice_body(customer, "70") | {"PrivateNote": "hello"})
    row = rig.books.void("Invoice", invoice["Id"])
    assert (row["TotalAmt"], row["Balance"], row["Line"][0]["Amount"]) == (0, 0, 0)
    assert row["PrivateNote"].startswith("Voided")
    assert rig.books.get("Customer", customer)["Balance"] == 0


def test_a_payment_without_lines_makes_a_negative_customer(rig: Rig) -> None:
    customer = rig.customer()
    rig.books.create("Invoice", invoice_body(customer, "85"))
    payment = rig.books.create("Payment", receipt_body(customer, "100"))
    assert (payment["UnappliedAmt"], payment["Line"]) == (Decimal(100), [])
    assert rig.books.get("Customer", customer)["Balance"] == Decimal(-15)


def test_a_deposited_payment_cannot_be_deleted(rig: Rig) -> None:
    payment = rig.books.create("Payment", receipt_body(rig.customer(), "100"))["Id"]
    line = {"Amount": 100, "LinkedTxn": [{"TxnId": payment, "TxnType": "Payment"}]}
    rig.books.create("Deposit", {"DepositToAccountRef": {"value": "35"}, "Line": [line]})
    assert rig.books.get("Account", "35")["CurrentBalance"] == Decimal(100)
    assert rig.books.get("Account", "4")["CurrentBalance"] == 0
    with pytest.raises(QboError, match="6540"):
        rig.books.delete("Payment", payment)


def test_a_merge_moves_references_and_buries_the_loser(rig: Rig) -> None:
    loser, winner = rig.vendor("Old"), rig.vendor("New")
    bill = rig.bill(loser)
    rig.books.merge("Vendor", loser, winner)
    assert rig.books.find("Vendor", loser) is None
    assert loser in rig.books.tombstones("Vendor")
    assert rig.books.get("Bill", bill)["VendorRef"] == {"value": winner, "name": "New"}
    assert rig.books.get("Vendor", winner)["Balance"] == Decimal(100)
    assert rig.vendor("Old") != loser


def test_a_row_can_be_dated_into_the_future(rig: Rig) -> None:
    rig.books.set_last_updated("Account", "35", rig.clock.now() + timedelta(days=34))
    assert rig.books.get("Account", "35")["MetaData"]["LastUpdatedTime"].startswith("2026-02-08")


def test_a_deactivated_name_stays(rig: Rig) -> None:
    vendor = rig.vendor()
    assert rig.books.deactivate("Vendor", vendor)["Active"] is False
    assert len(rig.books.rows("Vendor")) == 1


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("610", lambda b: b.get("Bill", "99")),
        ("500", lambda b: b.delete("Vendor", b.create("Vendor", {"DisplayName": "V"})["Id"])),
        ("500", lambda b: b.create("Nonsense", {})),
        ("2020", lambda b: b.create("Bill", {})),
        ("2500", lambda b: b.create("Bill", bill_body("77", "1"))),
        ("6240", lambda b: [b.create("Vendor", {"DisplayName": "X"}) for _ in "ab"]),
    ],
)
def test_refusals(rig: Rig, code: str, act: Any) -> None:
    with pytest.raises(QboError) as caught:
        act(rig.books)
    assert caught.value.code == code


def test_paying_more_than_is_open_is_refused(rig: Rig) -> None:
    vendor = rig.vendor()
    bill = rig.bill(vendor, "10")
    with pytest.raises(QboError, match="6000"):
        rig.pay(vendor, bill, "11")


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["bill", "pay", "edit", "unpay", "unbill", "void"]), st.integers(0, 9)
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(EDITS)
def test_balances_are_totals_less_payments_after_any_mix(edits: list[tuple[str, int]]) -> None:
    rig = Rig()
    vendor = rig.vendor()
    for what, n in edits:
        rig.wait(seconds=n)
        bills = [row["Id"] for row in rig.books.rows("Bill")]
        paid = [row["Id"] for row in rig.books.rows("BillPayment")]
        with suppress(Overpaid):
            _edit(rig, vendor, what, n, bills, paid)
    _check(rig, vendor)


class Overpaid(Exception):
    """A bill cannot take that much."""


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except QboError as error:
        if error.code != "6000":
            raise
        raise Overpaid from error


@_refusing()
def _edit(rig: Rig, vendor: str, what: str, n: int, bills: list[str], paid: list[str]) -> None:
    if what == "bill" or not bills:
        rig.bill(vendor, str(10 + n))
    elif what == "pay":
        rig.pay(vendor, bills[n % len(bills)], str(1 + n))
    elif what == "edit":
        rig.books.update("Bill", bills[n % len(bills)], bill_body(vendor, str(5 * n)))
    elif what == "unbill":
        rig.books.delete("Bill", bills[n % len(bills)])
    elif paid and what == "void":
        rig.books.void("BillPayment", paid[n % len(paid)])
    elif paid:
        rig.books.delete("BillPayment", paid[n % len(paid)])


def _check(rig: Rig, vendor: str) -> None:
    payments = rig.books.rows("BillPayment")
    for bill in rig.books.rows("Bill"):
        links = [postings.links("BillPayment", row).get(("Bill", bill["Id"])) for row in payments]
        assert bill["Balance"] == bill["TotalAmt"] - sum(link for link in links if link)
        assert bill["Balance"] >= 0
        assert len(bill["LinkedTxn"]) == sum(link is not None for link in links)
    billed = sum(row["TotalAmt"] for row in rig.books.rows("Bill"))
    spent = sum(row["TotalAmt"] for row in payments)
    assert rig.books.get("Vendor", vendor)["Balance"] == billed - spent
    assert rig.books.get("Account", "33")["CurrentBalance"] == spent - billed
    assert rig.books.get("Account", "35")["CurrentBalance"] == -spent
