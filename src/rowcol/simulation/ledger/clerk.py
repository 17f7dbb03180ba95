"""Clerk: the people who keep the books of one company, as the emulator's books are edited by hand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from rowcol.sandbox.qbo import chart
from rowcol.sandbox.qbo.books import Books
from rowcol.simulation.chance import Random

Body = dict[str, Any]
NAMES: Final = 8
OPENING: Final = 12
_VENDORS: Final = ("Landlord", "Utility", "Paper", "Parts", "Freight", "Insurance", "Web", "Food")
_CUSTOMERS: Final = ("North", "South", "East", "West", "Lake", "Hill", "River", "Park")


class Clerk:
    """Knows which rows of the books are still open, and does one deed at a time."""

    def __init__(self, books: Books, dice: Random) -> None:
        self._books = books
        self._dice = dice
        self._vendors: list[str] = []
        self._customers: list[str] = []
        self._bills: list[str] = []
        self._invoices: list[str] = []
        self._idle_vendor = ""

    def open_the_books(self) -> None:
        """Names and what is open when RowCol is connected."""
        for name in _VENDORS:
            self._vendors.append(self._made("Vendor", {"DisplayName": f"{name} Co."}))
        for name in _CUSTOMERS:
            self._customers.append(self._made("Customer", {"DisplayName": f"{name} Street LLC"}))
        for _ in range(OPENING):
            self._enter_bill()
            self._send_invoice()

    def do(self, deed: str) -> None:
        """One deed; where there is nothing to do it to, a purchase by card instead."""
        needs, act = self._deeds()[deed]
        if needs is not None and not needs:
            act = self._purchase
        act()

    def _deeds(self) -> dict[str, tuple[list[str] | None, Callable[[], object]]]:
        """By name: which rows it takes one of, and what is done."""
        books, bills, invoices = self._books, self._bills, self._invoices
        return {
            "enter bill": (None, self._enter_bill),
            "pay bill": (bills, self._pay_bill),
            "edit bill": (bills, self._edit_bill),
            "delete bill": (bills, lambda: books.delete("Bill", self._taken(bills))),
            "send invoice": (None, self._send_invoice),
            "receive payment": (invoices, self._receive_payment),
            "edit invoice": (invoices, lambda: self._note("Invoice", self._one_of(invoices))),
            "void invoice": (invoices, lambda: books.void("Invoice", self._taken(invoices))),
            "card purchase": (None, self._purchase),
            "deposit": (None, self._deposit),
            "transfer": (None, self._transfer),
            "edit vendor": (None, lambda: self._note("Vendor", self._one_of(self._vendors))),
            "edit customer": (None, lambda: self._note("Customer", self._one_of(self._customers))),
            "deactivate vendor": (None, self._replace_vendor),
        }

    def _one_of(self, ids: list[str]) -> str:
        return self._dice.choice(ids)

    def _made(self, entity: str, body: Body) -> str:
        return str(self._books.create(entity, body)["Id"])

    def _taken(self, ids: list[str]) -> str:
        return ids.pop(self._dice.randrange(len(ids)))

    def _amount(self) -> Decimal:
        return Decimal(self._dice.randrange(1_000, 500_000)) / 100

    def _line(self, amount: Decimal) -> Body:
        return {
            "Amount": amount,
            "DetailType": "AccountBasedExpenseLineDetail",
            "AccountBasedExpenseLineDetail": {"AccountRef": {"value": chart.EXPENSES}},
        }

    def _enter_bill(self) -> None:
        body = {
            "VendorRef": {"value": self._dice.choice(self._vendors)},
            "SalesTermRef": {"value": self._dice.choice(("1", "2", "3"))},
            "Line": [self._line(self._amount())],
        }
        self._bills.append(self._made("Bill", body))

    def _pay_bill(self) -> None:
        row = self._books.get("Bill", self._taken(self._bills))
        link = {"TxnId": row["Id"], "TxnType": "Bill"}
        body = {
            "VendorRef": row["VendorRef"],
            "TotalAmt": row["Balance"],
            "PayType": "Check",
            "CheckPayment": {"BankAccountRef": {"value": chart.CHECKING}},
            "Line": [{"Amount": row["Balance"], "LinkedTxn": [link]}],
        }
        self._made("BillPayment", body)

    def _edit_bill(self) -> None:
        line = self._line(self._amount())
        self._books.update("Bill", self._dice.choice(self._bills), {"Line": [line]})

    def _send_invoice(self) -> None:
        line = {
            "Amount": self._amount(),
            "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {"ItemRef": {"value": "1"}},
        }
        body = {"CustomerRef": {"value": self._dice.choice(self._customers)}, "Line": [line]}
        self._invoices.append(self._made("Invoice", body))

    def _receive_payment(self) -> None:
        row = self._books.get("Invoice", self._taken(self._invoices))
        link = {"TxnId": row["Id"], "TxnType": "Invoice"}
        body = {
            "CustomerRef": row["CustomerRef"],
            "TotalAmt": row["Balance"],
            "Line": [{"Amount": row["Balance"], "LinkedTxn": [link]}],
        }
        self._made("Payment", body)

    def _purchase(self) -> None:
        body = {
            "PaymentType": "CreditCard",
            "AccountRef": {"value": chart.CREDIT_CARD},
            "Line": [self._line(self._amount())],
        }
        self._made("Purchase", body)

    def _deposit(self) -> None:
        detail = {"AccountRef": {"value": chart.SALES}}
        line = {
            "Amount": self._amount(),
            "DetailType": "DepositLineDetail",
            "DepositLineDetail": detail,
        }
        self._made("Deposit", {"DepositToAccountRef": {"value": chart.CHECKING}, "Line": [line]})

    def _transfer(self) -> None:
        body = {
            "FromAccountRef": {"value": chart.CHECKING},
            "ToAccountRef": {"value": chart.SAVINGS},
            "Amount": self._amount(),
        }
        self._made("Transfer", body)

    def _note(self, entity: str, row_id: str) -> None:
        field = "PrivateNote" if entity in ("Bill", "Invoice") else "Notes"
        self._books.update(entity, row_id, {field: f"seen {self._dice.randrange(1_000_000)}"})

    def _replace_vendor(self) -> None:
        """One who never sent a bill makes room for another: nothing open may name an inactive one."""
        new = self._made("Vendor", {"DisplayName": f"Vendor {self._dice.randrange(10**9)}"})
        old, self._idle_vendor = self._idle_vendor, new
        if old:
            self._books.deactivate("Vendor", old)
