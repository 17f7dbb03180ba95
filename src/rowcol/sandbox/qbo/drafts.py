"""Drafts: what a written body becomes before it is a row: read-only attributes dropped, defaults and totals filled in."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

from rowcol.sandbox.qbo import bodies, currency, postings
from rowcol.sandbox.qbo.catalog import CLASSIFICATIONS, PAY_TYPES, Kind
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.values import CENT, ZERO, Json, NotANumber, cents, tidy

READ_ONLY: Final = frozenset(
    {
        "Balance",
        "BalanceWithJobs",
        "CurrentBalance",
        "CurrentBalanceWithSubAccounts",
        "HomeBalance",
        "HomeTotalAmt",
        "Id",
        "MetaData",
        "RemainingCredit",
        "SyncToken",
        "UnappliedAmt",
        "domain",
        "sparse",
        "status",
    }
)
PAYER_LINKS: Final = frozenset({"BillPaymentCheck", "BillPaymentCreditCard", "Payment", "Deposit"})
REFERENCES: Final[dict[str, str]] = {
    "APAccountRef": "Account",
    "AccountRef": "Account",
    "ARAccountRef": "Account",
    "AssetAccountRef": "Account",
    "BankAccountRef": "Account",
    "CCAccountRef": "Account",
    "ClassRef": "Class",
    "CustomerRef": "Customer",
    "DepartmentRef": "Department",
    "DepositToAccountRef": "Account",
    "ExpenseAccountRef": "Account",
    "FromAccountRef": "Account",
    "IncomeAccountRef": "Account",
    "ItemRef": "Item",
    "PaymentMethodRef": "PaymentMethod",
    "SalesTermRef": "Term",
    "TermRef": "Term",
    "ToAccountRef": "Account",
    "VendorRef": "Vendor",
}
_ENTITY_TYPES: Final = ("Vendor", "Customer", "Employee")
_SUBTOTALLED: Final = frozenset(
    {"Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt", "Estimate"}
)
_DUE: Final = {"Bill": ("VendorRef", "Vendor"), "Invoice": ("CustomerRef", "Customer")}
_PAYABLE: Final = frozenset({"Bill", "BillPayment", "VendorCredit"})
_EXPENSE_DETAILS: Final = ("AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail")
_EXPENSE_FORMS: Final = frozenset({"Bill", "Purchase", "VendorCredit"})
_POINTS_AT: Final = {
    "AccountBasedExpenseLineDetail": "AccountRef",
    "DepositLineDetail": "AccountRef",
    "ItemBasedExpenseLineDetail": "ItemRef",
    "JournalEntryLineDetail": "AccountRef",
}
"""Kind of line -> what its detail must name."""
_SALES_DETAILS: Final = (
    "DescriptionOnly",
    "DiscountLineDetail",
    "GroupLineDetail",
    "SalesItemLineDetail",
    "SubTotalLineDetail",
)
_DETAILS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys((*_EXPENSE_FORMS, "PurchaseOrder"), (*_EXPENSE_DETAILS, "TDSLineDetail")),
    **dict.fromkeys(_SUBTOTALLED, _SALES_DETAILS),
    "Deposit": ("DepositLineDetail",),
    "JournalEntry": ("DescriptionOnly", "JournalEntryLineDetail"),
}
"""Entity -> the kinds of its lines. Those of payments have none: they only link."""
_WITHOUT_AMOUNT: Final = frozenset({"DescriptionOnly", "GroupLineDetail", "SubTotalLineDetail"})
_SIDES: Final = {"Debit": 1, "Credit": -1}
_PAID_FROM: Final = {
    "Check": ("CheckPayment", "BankAccountRef"),
    "CreditCard": ("CreditCardPayment", "CCAccountRef"),
}


class Library(currency.Parties, Protocol):
    """What a draft looks up in the books."""

    payable: str
    numeric_strings: bool

    def today(self) -> str: ...


def written(kind: Kind, body: Mapping[str, Any], books: Library, *, is_new: bool) -> Json:
    """The writable part of a body, with exact numbers, known references and numbered lines."""
    bodies.check(kind.name, body)
    dropped = READ_ONLY | {"TotalAmt"} if kind.sums_lines else READ_ONLY
    try:
        draft: Json = tidy(
            {key: value for key, value in body.items() if key not in dropped},
            takes_text=books.numeric_strings,
        )
    except NotANumber as error:
        raise QboError("2010", str(error)) from None
    for key, value in draft.items():
        if isinstance(value, dict | list):
            _check_references(kind, key, value, books, is_new=is_new)
    if "LinkedTxn" in draft and kind.is_transaction:
        draft["LinkedTxn"] = [
            link for link in draft["LinkedTxn"] if link.get("TxnType") not in PAYER_LINKS
        ]
    if isinstance(draft.get("Line"), list):
        draft["Line"] = _numbered(kind, draft["Line"])
    return draft


def check_required(kind: Kind, draft: Json) -> None:
    """Raise 2020 for what is missing, 2170 for a value that there is not, 6070 for sums that do not add up."""
    for name in kind.required:
        _need(draft, name)
    choice = PAY_TYPES.get(kind.name)
    if choice is not None:
        _choose(draft, choice[0], choice[1])
    if kind.name == "Account":
        _choose(draft, "AccountType", CLASSIFICATIONS)
    if kind.name == "BillPayment":
        group, account = _PAID_FROM[draft["PayType"]]
        _need(_need(draft, group), account, f"{group}.")
    sides = ZERO
    for line in draft.get("Line", ()):
        sides += _check_line(kind, line)
    if sides:
        raise QboError("6070", f"debits and credits differ by {abs(sides)}")


def _check_line(kind: Kind, line: Json) -> Decimal:
    """What it adds to the debits of a journal."""
    choices, name = _DETAILS.get(kind.name), line.get("DetailType", "")
    if choices is not None and (name or not line.get("LinkedTxn")):
        _choose(line, "DetailType", choices, "Line.")
    if name not in _WITHOUT_AMOUNT:
        _need(line, "Amount", "Line.")
    detail = line.get(name, {})
    if name in _POINTS_AT:
        _need(_need(line, name, "Line."), _POINTS_AT[name], f"Line.{name}.")
    is_priced = {"Qty", "UnitPrice"} <= detail.keys()
    if is_priced and abs(detail["Qty"] * detail["UnitPrice"] - line["Amount"]) >= CENT:
        raise QboError("6070", "Amount is not UnitPrice * Qty", element="Line")
    if name != "JournalEntryLineDetail":
        return ZERO
    side = _choose(detail, "PostingType", _SIDES, f"Line.{name}.")
    return Decimal(_SIDES[side] * line["Amount"])


def _need(holder: Json, name: str, path: str = "") -> Any:
    if holder.get(name) in (None, []):
        raise QboError("2020", path + name, element=path + name)
    return holder[name]


def _choose(holder: Json, name: str, choices: Container[str], path: str = "") -> Any:
    value = _need(holder, name, path)
    if value not in choices:
        raise QboError("2170", f"{name} {value!s:.50}", element=name)
    return value


def complete(kind: Kind, draft: Json, books: Library) -> Json:
    """Defaults and totals; the open balance of a target is not known here."""
    if kind.is_list:
        for key, value in _list_defaults(kind, draft).items():
            draft.setdefault(key, value)
        currency.complete(kind, draft, books)
        return draft
    if not kind.is_transaction:
        return draft
    currency.complete(kind, draft, books)
    draft.setdefault("TxnDate", books.today())
    draft.setdefault("Line", [])
    if kind.sums_lines:
        draft["TotalAmt"] = _total(draft)
    elif "TotalAmt" in draft:
        draft["TotalAmt"] = cents(draft["TotalAmt"])
    if min(draft.get("TotalAmt", ZERO), draft.get("Amount", ZERO)) < 0:
        # The text was not recorded.
        raise QboError("6000", "The amount of a transaction must be 0 or greater")
    _complete_special(kind, draft, books)
    return draft


def _complete_special(kind: Kind, draft: Json, books: Library) -> None:
    if kind.name in _DUE:
        draft.setdefault("DueDate", _due(kind, draft, books))
    if kind.name in _PAYABLE:
        draft.setdefault("APAccountRef", {"value": books.payable, "name": "Accounts Payable (A/P)"})
    if kind.name == "SalesReceipt":
        draft["Balance"] = ZERO
    if "CheckPayment" in draft:
        draft["CheckPayment"].setdefault("PrintStatus", "NotSet")
    if kind.name == "Payment":
        draft["UnappliedAmt"] = cents(draft["TotalAmt"] - postings.applied(kind.name, draft))


def _list_defaults(kind: Kind, draft: Json) -> Json:
    name = draft[kind.names_by or "Name"]
    more: Json = {"Active": True}
    if kind.name == "Vendor":
        more |= {"Balance": ZERO, "Vendor1099": False, "PrintOnCheckName": name}
    elif kind.name == "Customer":
        more |= {
            "Balance": ZERO,
            "BalanceWithJobs": ZERO,
            "BillWithParent": False,
            "FullyQualifiedName": name,
            "Job": False,
            "PreferredDeliveryMethod": "Print",
            "PrintOnCheckName": name,
            "Taxable": True,
        }
    elif kind.name == "Account":
        more |= {
            "Classification": CLASSIFICATIONS[draft["AccountType"]],
            "CurrentBalance": ZERO,
            "CurrentBalanceWithSubAccounts": ZERO,
            "FullyQualifiedName": name,
            "SubAccount": "ParentRef" in draft,
        }
    return more


def _total(draft: Json) -> Decimal:
    total: Decimal = draft.get("TxnTaxDetail", {}).get("TotalTax", ZERO)
    for line in draft["Line"]:
        detail = line.get("DetailType")
        if detail == "DiscountLineDetail":
            total -= line.get("Amount", ZERO)
        elif detail != "SubTotalLineDetail":
            total += line.get("Amount", ZERO)
    back = draft.get("CashBack") or {}
    return cents(total - back.get("Amount", ZERO))


def _due(kind: Kind, draft: Json, books: Library) -> str:
    ref = draft.get("SalesTermRef")
    if ref is None:
        attribute, party = _DUE[kind.name]
        name = books.find(party, str(draft[attribute]["value"])) or {}
        ref = name.get("TermRef") or name.get("SalesTermRef")
    term = books.find("Term", str(ref["value"])) if ref else None
    days = int(term.get("DueDays", 0)) if term else 0
    try:
        return (date.fromisoformat(draft["TxnDate"]) + timedelta(days=days)).isoformat()
    except (OverflowError, ValueError):
        raise QboError("2010", f"TxnDate {draft['TxnDate']}", element="TxnDate") from None


def _numbered(kind: Kind, lines: list[Json]) -> list[Json]:
    kept = [line for line in lines if line.get("DetailType") != "SubTotalLineDetail"]
    taken = {str(line["Id"]) for line in kept if "Id" in line}
    fresh = (str(n) for n in range(1, len(kept) + len(taken) + 1) if str(n) not in taken)
    numbered = [
        {"Id": str(line["Id"]) if "Id" in line else next(fresh), "LineNum": n, **_without_id(line)}
        if kind.link_name is None
        else line
        for n, line in enumerate(kept, start=1)
    ]
    if kind.name in _EXPENSE_FORMS:
        numbered = [_expensed(line) for line in numbered]
    if kind.name in _SUBTOTALLED:
        amount = sum((line.get("Amount", ZERO) for line in kept), ZERO)
        numbered.append(
            {"Amount": amount, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
        )
    return numbered


def _expensed(line: Json) -> Json:
    """With what QBO fills in itself."""
    details = {
        name: {"BillableStatus": "NotBillable", "TaxCodeRef": {"value": "NON"}} | line[name]
        for name in _EXPENSE_DETAILS
        if name in line
    }
    return {"LinkedTxn": []} | line | details


def _without_id(line: Json) -> Json:
    return {key: value for key, value in line.items() if key not in {"Id", "LineNum"}}


def _check_references(kind: Kind, key: str, value: Any, books: Library, *, is_new: bool) -> None:
    """Every reference of the table exists; its name is filled in."""
    if isinstance(value, list):
        for inner in value:
            _check_references(kind, "", inner, books, is_new=is_new)
    elif isinstance(value, dict):
        entity = _pointed_at(kind, key, value)
        if entity is not None:
            _check_reference(entity, key, value, books, is_new=is_new)
            return
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                _check_references(kind, name, inner, books, is_new=is_new)


def _pointed_at(kind: Kind, key: str, ref: Json) -> str | None:
    """The list that a reference points into; None when this is no reference, or not one to check."""
    if key == "ParentRef":
        return kind.name
    if key == "EntityRef" and ref.get("type") in _ENTITY_TYPES:
        return str(ref["type"])
    return REFERENCES.get(key)


def _check_reference(entity: str, key: str, ref: Json, books: Library, *, is_new: bool) -> None:
    row = books.find(entity, str(ref.get("value", "")))
    if row is None:
        raise QboError("2500", key, element=key)
    if is_new and row.get("Active") is False:
        raise QboError("610", element=key)
    ref["value"] = str(ref["value"])
    ref.setdefault("name", row.get("DisplayName") or row.get("Name") or "")
