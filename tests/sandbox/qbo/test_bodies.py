"""Bodies: whatever is written, the answer is a row or Intuit's fault; a refusal changes nothing, a row can be read."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowcol.sandbox.qbo import Switches
from rowcol.sandbox.qbo.catalog import KINDS
from rowcol.sandbox.qbo.drafts import REFERENCES
from rowcol.sandbox.qbo.properties import PROPERTIES
from tests.sandbox.qbo.rig import Got, Rig, bill_body, invoice_body, payment_body, receipt_body

Json = dict[str, Any]
CHECKING: Final = {"value": "35"}
DETAIL: Final = "AccountBasedExpenseLineDetail"
BOUGHT: Final = {"DetailType": DETAIL, DETAIL: {"AccountRef": {"value": "7"}}}


def deep(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"Line": [value]}
    return value


_JUNK: Final = st.sampled_from(
    [
        *(None, True, 0, -1, 10**30, 1.5, 1e300, "", "x", "1", "²", "NaN", "-Infinity", "sNaN", "1e999"),
        *("1_0", "2026-13-45", "9999-12-31", "x" * 5_000, "\ud800", "\0"),
        *([], [[]], [1], ["x"], [None], [{}], {}, {"value": None}, {"value": []}, {"value": {"value": 1}}),
        *({"value": "99"}, {"type": []}, {"TxnId": {}, "TxnType": []}, [{"TxnType": {}, "TxnId": "1"}]),
        *([{"DetailType": []}], [{"DetailType": "Amount", "Amount": "5"}], [{"Id": {}}], [{"Amount": []}]),
        *({"TotalTax": "x"}, {"Amount": {"value": "1"}}, deep(20), deep(150)),
    ]
)  # fmt: skip
JUNK: Final = _JUNK.map(copy.deepcopy)
ATTRIBUTES: Final = st.sampled_from(
    [
        *REFERENCES,
        *("Active", "AccountType", "Amount", "Balance", "CashBack", "CheckPayment", "Credit"),
        *("CreditCardPayment", "CurrencyRef", "DepositLineDetail", "DetailType", "DisplayName"),
        *("DocNumber", "DueDate", "DueDays", "Entity", "EntityRef", "Id", "Line", "LinkedTxn"),
        *("MetaData", "Name", "ParentRef", "PayType", "PostingType", "PrivateNote", "SyncToken"),
        *("TotalAmt", "TxnDate", "TxnTaxDetail", "domain", "sparse", "surprise"),
    ]
)


@dataclass
class Office:
    """A company with something of everything, and a good body for each type."""

    rig: Rig = field(default_factory=lambda: Rig(Switches(enforce_limits=False)))
    good: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vendor, customer = self.rig.vendor(), self.rig.customer()
        bill = self.rig.bill(vendor)
        invoice = self.rig.books.create("Invoice", invoice_body(customer, "50"))["Id"]
        payment = self.rig.books.create("Payment", receipt_body(customer, "20", invoice))["Id"]
        self.rig.pay(vendor, bill)
        bought, sold = bill_body(vendor, "7"), invoice_body(customer, "7")
        journal = [
            {
                "Amount": 3,
                "DetailType": "JournalEntryLineDetail",
                "JournalEntryLineDetail": {
                    "PostingType": side,
                    "AccountRef": {"value": account},
                    "Entity": {"Type": "Vendor", "EntityRef": {"value": vendor, "type": "Vendor"}},
                },
            }
            for side, account in (("Debit", "7"), ("Credit", "33"))
        ]
        held = {"Amount": 20, "LinkedTxn": [{"TxnId": payment, "TxnType": "Payment"}]}
        detail = "DepositLineDetail"
        cash = {"Amount": 4, "DetailType": detail, detail: {"AccountRef": {"value": "1"}}}
        method = {"PaymentType": "Cash", "AccountRef": CHECKING}
        named = {"Name": "New", "DisplayName": "New"}
        special: dict[str, Json] = {
            "Account": {"Name": "New", "AccountType": "Bank", "ParentRef": CHECKING},
            "Bill": bought | {"SalesTermRef": {"value": "3"}, "TxnDate": "2026-01-05"},
            "BillPayment": payment_body(vendor, bill, "5"),
            "Deposit": {"DepositToAccountRef": CHECKING, "Line": [held, cash]},
            "Invoice": sold | {"TxnTaxDetail": {"TotalTax": 1}},
            "JournalEntry": {"Line": journal},
            "Payment": receipt_body(customer, "5", invoice),
            "Purchase": {"Line": bought["Line"]} | method,
            "Term": {"Name": "New", "DueDays": 7},
            "Transfer": {"FromAccountRef": CHECKING, "ToAccountRef": {"value": "36"}, "Amount": 2},
        }
        for name, kind in KINDS.items():
            plain = named if kind.is_list else bought if kind.party == "Vendor" else sold
            plain = {key: value for key, value in plain.items() if key in PROPERTIES[name]}
            self.good[name] = json.loads(json.dumps(special.get(name, plain), default=str))

    def row_of(self, name: str) -> Json:
        """A row of this type to write upon, made if there is none."""
        rows = self.rig.books.rows(name)
        return rows[-1] if rows else self.rig.books.create(name, self.good[name])


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def spoil(body: Json, data: st.DataObject) -> None:
    """Something else in one place: instead of what was there, or besides it."""
    if data.draw(st.booleans()) and body:
        holder, key = data.draw(st.sampled_from(list(places(body))))
        if data.draw(st.integers(0, 4)) == 0:
            del holder[key]
        else:
            holder[key] = data.draw(JUNK)
        return
    holders = [body, *(h[k] for h, k in places(body) if isinstance(h[k], dict))]
    data.draw(st.sampled_from(holders))[data.draw(ATTRIBUTES)] = data.draw(JUNK)


def check(got: Got) -> None:
    """A success, or the upper-case envelope."""
    assert got.status in {200, 400}, (got.status, got.body)
    if got.status == 400:
        fault = got.json["Fault"]
        assert fault["type"] == "ValidationFault"
        for error in fault["Error"]:
            assert error.keys() - {"element"} == {"Message", "Detail", "code"}
            assert error["code"].isdigit()


async def check_books(rig: Rig) -> None:
    """Everything can still be read, and added up."""
    for name in KINDS:
        await rig.query(f"SELECT * FROM {name}")
        if {"DocNumber", "TxnDate"} <= PROPERTIES[name]:
            await rig.query(f"SELECT * FROM {name} ORDERBY TxnDate, DocNumber")
    told = ",".join(name for name, kind in KINDS.items() if kind.in_cdc)
    await rig.ok("GET", f"cdc?entities={told}&changedSince=2026-01-01")
    for report in ("BalanceSheet", "AgedPayables", "AgedReceivables"):
        await rig.ok("GET", f"reports/{report}")


@settings(max_examples=200)
@given(
    name=st.sampled_from(sorted(KINDS)),
    deed=st.sampled_from(["create", "update", "full", "delete", "void", "item"]),
    data=st.data(),
)
async def test_nothing_breaks_the_books(name: str, deed: str, data: st.DataObject) -> None:
    office = Office()
    rig, body = office.rig, copy.deepcopy(office.good[name])
    if deed not in {"create", "item"}:
        row = office.row_of(name)
        body |= {"Id": row["Id"], "SyncToken": row["SyncToken"], "sparse": deed == "update"}
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(body, data)
    before = rig.books.n_edits
    if deed == "item":
        item = {"bId": "1", "operation": data.draw(st.sampled_from(["create", "update"]))}
        body = {"BatchItemRequest": [item | {name: body}]}
    query = f"?operation={deed}" if deed in {"delete", "void"} else ""
    got = await rig.call("POST", f"{'batch' if deed == 'item' else name.lower()}{query}", body)
    check(got)
    if got.status == 400:
        assert rig.books.n_edits == before
        return
    await check_books(rig)
    for row in rig.books.rows(name)[-2:]:
        for after in ("void", "delete"):
            left = {"Id": row["Id"], "SyncToken": rig.books.get(name, row["Id"])["SyncToken"]}
            check(await rig.call("POST", f"{name.lower()}?operation={after}", left))
    await check_books(rig)


@pytest.mark.parametrize(
    "raw", [b"[]", b"1", b"NaN", b'{"Line": NaN}', b"{", b"\xff", b"[" * 100_000]
)
async def test_no_object(rig: Rig, raw: bytes) -> None:
    for path in ("bill", "bill?operation=delete", "batch"):
        assert (await rig.call("POST", path, raw)).code == "2010"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"VendorRef": []}, "2010"),
        ({"VendorRef": {"value": []}}, "2010"),
        ({"VendorRef": {}}, "2500"),
        ({"Line": {}}, "2010"),
        ({"Line": ["x"]}, "2010"),
        ({"Line": None}, "2020"),
        ({"Line": []}, "2020"),
        ({"Line": [{"Amount": "five"}]}, "2010"),
        ({"Line": [{"Amount": "NaN"}]}, "2010"),
        ({"Line": [{"Amount": "1_0"}]}, "2010"),
        ({"Line": [{"Amount": {"value": 1}}]}, "2010"),
        ({"Line": [{"Amount": 10**30}]}, "2010"),
        ({"Line": [{"DetailType": "Amount", "Amount": 5}]}, "2170"),
        ({"LinkedTxn": [1]}, "2010"),
        ({"TxnDate": "2026-02-30"}, "2010"),
        ({"TxnDate": 20260101}, "2010"),
        ({"PrivateNote": 10**400}, "2010"),
        ({"CustomField": deep(100)}, "2010"),
        ({"surprise": None}, "2010"),
        ({"CustomerRef": {"value": "1"}}, "2010"),
        ({"VendorRef": {"value": "56", "id": "56"}}, "2010"),
        ({"Line": [{"Amount": 5, "Account": "7"}]}, "2010"),
        ({"Line": [{"Amount": 5}]}, "2020"),
        ({"Line": [{"DetailType": DETAIL, DETAIL: {"AccountRef": {"value": "7"}}}]}, "2020"),
        ({"Line": [{"Amount": 5, "DetailType": DETAIL}]}, "2020"),
        ({"Line": [{"Amount": 5, "DetailType": DETAIL, DETAIL: {"TaxCodeRef": {}}}]}, "2020"),
        ({"Line": [{"Amount": 5, "DetailType": "SalesItemLineDetail"}]}, "2170"),
        ({"Line": [BOUGHT | {"Amount": -5}]}, "6000"),
        ({"Line": [BOUGHT | {"Amount": "5.001"}]}, "2010"),
        ({"CurrencyRef": {"value": "EUR"}}, "6000"),
        ({"sparse": "yes"}, "2010"),
        ({"ShipDate": "2026-01-05"}, "2010"),
    ],
)
async def test_what_is_said_to_a_malformed_bill(rig: Rig, changes: Json, code: str) -> None:
    good = json.loads(json.dumps(bill_body(rig.vendor(), "5"), default=str))
    got = await rig.call("POST", "bill", good | changes)
    check(got)
    assert (got.status, got.code) == (400, code)
    batch = {"BatchItemRequest": [{"bId": "1", "operation": "create", "Bill": good | changes}]}
    (item,) = (await rig.ok("POST", "batch", batch))["BatchItemResponse"]
    assert item["Fault"]["Error"][0]["code"] == code
    await rig.ok("POST", "bill", good)


@pytest.mark.parametrize(
    ("entity", "body", "code"),
    [
        ("Account", {"Name": "A"}, "2020"),
        ("Account", {"Name": "A", "AccountType": "Gold"}, "2170"),
        ("Vendor", {"DisplayName": "V", "Active": "maybe"}, "2010"),
        ("Vendor", {"DisplayName": "V", "Job": True}, "2010"),
        ("Vendor", {"DisplayName": "V", "CurrencyRef": {"value": "EUR"}}, "6000"),
        ("TaxCode", {"Name": "T"}, "500"),
        (
            "Transfer",
            {"FromAccountRef": CHECKING, "ToAccountRef": {"value": "36"}, "Amount": -1},
            "6000",
        ),
    ],
)
async def test_what_is_said_of_other_entities(rig: Rig, entity: str, body: Json, code: str) -> None:
    before = rig.books.n_edits
    assert (await rig.call("POST", entity.lower(), body)).code == code
    assert rig.books.n_edits == before


async def test_payments_say_from_where_and_are_not_negative(rig: Rig) -> None:
    vendor = rig.vendor()
    good = json.loads(json.dumps(payment_body(vendor, rig.bill(vendor), "5"), default=str))
    for changes, code in (
        ({"CheckPayment": None}, "2020"),
        ({"CheckPayment": {"PrintStatus": "NotSet"}}, "2020"),
        ({"PayType": "CreditCard"}, "2020"),
        ({"TotalAmt": -5, "Line": [good["Line"][0] | {"Amount": -5}]}, "6000"),
        ({"Line": [{"LinkedTxn": good["Line"][0]["LinkedTxn"]}]}, "2020"),
    ):
        assert (await rig.call("POST", "billpayment", good | changes)).code == code
    await rig.ok("POST", "billpayment", good)


async def test_sums_add_up(rig: Rig) -> None:
    """Of a journal, and of a quantity at a price; the texts of python-quickbooks count as numbers."""
    office = Office(rig)
    debit, credit = office.good["JournalEntry"]["Line"]
    body = {"Line": [debit, credit | {"Amount": 4}]}
    assert (await rig.call("POST", "journalentry", body)).code == "6070"
    body = {"Line": [debit | {"JournalEntryLineDetail": {"AccountRef": {"value": "7"}}}, credit]}
    assert (await rig.call("POST", "journalentry", body)).code == "2020"
    sold = office.good["Invoice"]
    detail = {"ItemRef": {"value": "1"}, "Qty": "2", "UnitPrice": "3.5"}
    priced = sold["Line"][0] | {"SalesItemLineDetail": detail}
    assert (await rig.call("POST", "invoice", sold | {"Line": [priced]})).status == 200
    priced |= {"Amount": "7.01"}
    assert (await rig.call("POST", "invoice", sold | {"Line": [priced]})).code == "6070"


async def test_what_is_read_may_be_sent_back() -> None:
    """Whole rows, as clients change one attribute of what they read: of every type that is written by the API."""
    office = Office()
    rig = office.rig
    # Deposits last: what they hold cannot be changed any more.
    for name in sorted(KINDS.keys() - {"TaxCode", "TaxRate"}, key="Deposit".__eq__):
        row = office.row_of(name)
        row = (await rig.ok("GET", f"{name.lower()}/{row['Id']}"))[name]
        got = await rig.call("POST", name.lower(), json.loads(json.dumps(row, default=float)))
        assert got.status == 200, (name, got.body)


@pytest.mark.parametrize(("body", "code"), [({}, "2020"), ({"BatchItemRequest": {}}, "2010")])
async def test_a_batch_has_items(rig: Rig, body: Json, code: str) -> None:
    assert (await rig.call("POST", "batch", body)).code == code


@pytest.mark.parametrize(
    "item",
    [
        *(7, {"operation": "create", "Bill": []}, {"Bill": {}}, {"Query": 7}),
        {"operation": "create", "Vendor": {"DisplayName": "V"}},
        {"bId": "1", "operation": "create", "Vendor": {"DisplayName": "V"}, "surprise": 1},
        {"bId": "1", "operation": "create", "Vendor": {"DisplayName": "V"}, "optionsData": "x"},
        {"bId": "1", "Query": "SELECT * FROM Vendor", "Vendor": {"DisplayName": "V"}},
        {"bId": "1", "Query": "SELECT * FROM Vendor WHERE TxnDate = '2026-01-05'"},
    ],
)
async def test_an_item_is_refused_by_itself(rig: Rig, item: Any) -> None:
    answer = await rig.ok("POST", "batch", {"BatchItemRequest": [item]})
    assert answer["BatchItemResponse"][0]["Fault"]["type"] == "ValidationFault"


async def test_nobody_clears_what_is_read_only(rig: Rig) -> None:
    vendor = rig.vendor()
    rig.bill(vendor, "5")
    body = {"Id": vendor, "SyncToken": "0", "Balance": None, "MetaData": None, "sparse": True}
    row = (await rig.ok("POST", "vendor", body))["Vendor"]
    assert row["Balance"] == 5
    assert row["MetaData"]["CreateTime"]


async def test_nobody_is_its_own_ancestor(rig: Rig) -> None:
    body = {"AccountType": "Bank", "Name": "Child", "ParentRef": {"value": "35"}}
    child = (await rig.ok("POST", "account", body))["Account"]["Id"]
    for parent in ("35", child):
        changes = {"Id": "35", "SyncToken": "0", "sparse": True, "ParentRef": {"value": parent}}
        assert (await rig.call("POST", "account", changes)).code == "6000"
