"""Currency: what Preferences say, what rows carry, and what a write may not name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rowcol.sandbox.qbo import Switches
from rowcol.sandbox.qbo.books import Books
from rowcol.sandbox.qbo.catalog import KINDS
from rowcol.sandbox.qbo.currency import HOMES, CurrencySettings
from rowcol.sandbox.qbo.errors import QboError
from tests.sandbox.qbo.rig import Rig, bill_body, invoice_body, payment_body

CARRIERS = ("Account", "Bill", "Customer", "Invoice", "Vendor")
EUR = {"CurrencyRef": {"value": "EUR"}}
JPY = {"CurrencyRef": {"value": "JPY"}}


def abroad(books: Books, code: str = "EUR") -> str:
    """A vendor with another currency."""
    body = {"DisplayName": f"Abroad {code}", "CurrencyRef": {"value": code}}
    vendor: str = books.create("Vendor", body)["Id"]
    return vendor


def fill(rig: Rig) -> None:
    rig.bill(rig.vendor())
    rig.books.create("Invoice", invoice_body(rig.customer(), "10"))


def of(country: str, switches: Switches | None = None) -> Rig:
    """A rig whose company is there."""
    rig = Rig(switches)
    rig.company = rig.emulator.add_company("Abroad", country=country)
    rig.realm = rig.company.realm_id
    rig.connect()
    return rig


def codes(rig: Rig) -> list[Any]:
    """Of all rows that could have one."""
    return [row.get("CurrencyRef") for name in CARRIERS for row in rig.books.rows(name)]


def refusal(rig: Rig, entity: str, body: dict[str, Any]) -> str:
    with pytest.raises(QboError) as refused:
        rig.books.create(entity, body)
    return refused.value.code


@pytest.mark.parametrize(("country", "code"), [("CA", "CAD"), ("GB", "GBP"), ("JP", "JPY")])
async def test_country_and_home_currency_agree(country: str, code: str) -> None:
    rig = of(country)
    company = await rig.ok("GET", f"companyinfo/{rig.realm}")
    preferences = await rig.ok("GET", "preferences")
    assert company["CompanyInfo"]["Country"] == country
    said = {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": code}}
    assert preferences["Preferences"]["CurrencyPrefs"] == said
    report = await rig.ok("GET", "reports/BalanceSheet")
    assert report["Header"]["Currency"] == code


async def test_preferences_are_one_row_of_a_query(rig: Rig) -> None:
    found = await rig.query("select * from preferences")
    [row] = found["Preferences"]
    assert row == (await rig.ok("GET", "preferences"))["Preferences"]
    assert row.keys() >= {"AccountingInfoPrefs", "ReportPrefs", "SalesFormsPrefs", "OtherPrefs"}


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [("GET", "preferences", None), ("POST", "query", b"SELECT * FROM Preferences")],
)
async def test_reading_preferences_is_metered(
    rig: Rig, method: str, rest: str, body: bytes | None
) -> None:
    await rig.ok(method, rest, body)
    assert rig.emulator.meter.by_realm[rig.realm] == 1


async def test_an_app_cannot_change_the_currency(rig: Rig) -> None:
    row = (await rig.ok("GET", "preferences"))["Preferences"]
    for changes in ({"sparse": True}, {"CurrencyPrefs": {"MultiCurrencyEnabled": True}}):
        row = (await rig.ok("POST", "preferences", row | changes))["Preferences"]
        assert row["CurrencyPrefs"] == CurrencySettings().preferences()


def test_one_currency_is_sent_with_every_row(rig: Rig) -> None:
    fill(rig)
    usd = {"value": "USD", "name": "United States Dollar"}
    assert all(ref == usd for ref in codes(rig))


async def test_one_currency_is_not_sent_by_switch() -> None:
    rig = Rig(Switches(currency_ref="multicurrency"))
    fill(rig)
    assert set(codes(rig)) == {None}
    [bill] = (await rig.query("SELECT * FROM Bill"))["Bill"]
    assert not bill.keys() & {"CurrencyRef", "ExchangeRate", "HomeBalance"}


@pytest.mark.parametrize("currency_ref", ["always", "multicurrency"])
def test_with_multicurrency_every_row_says_its_own(currency_ref: Any) -> None:
    rig = of("CA", Switches(currency_ref=currency_ref))
    fill(rig)
    rig.books.enable_multicurrency()
    rig.bill(abroad(rig.books), ExchangeRate=Decimal("1.5"))
    found = codes(rig)
    assert found.count({"value": "EUR", "name": "Euro"}) == 2
    assert found.count({"value": "CAD", "name": "Canadian Dollar"}) == len(found) - 2
    [invoice] = rig.books.rows("Invoice")
    assert (invoice["ExchangeRate"], invoice["HomeTotalAmt"]) == (1, 10)


def test_multicurrency_changes_preferences_and_dates_no_other_row(rig: Rig) -> None:
    fill(rig)
    rig.wait(hours=1)
    before = {name: rig.books.rows(name) for name in KINDS}
    rig.books.enable_multicurrency()
    for name, rows in before.items():
        is_moved = [
            new["MetaData"] != old["MetaData"]
            for old, new in zip(rows, rig.books.rows(name), strict=True)
        ]
        assert is_moved == [name == "Preferences"] * len(rows)
    assert rig.books.get("Preferences", "1")["CurrencyPrefs"]["MultiCurrencyEnabled"] is True


def test_the_home_balance_follows_the_balance(rig: Rig) -> None:
    rig.books.enable_multicurrency()
    vendor = abroad(rig.books)
    bill = rig.bill(vendor, "100", **EUR, ExchangeRate=Decimal("1.25"))
    assert rig.books.get("Bill", bill)["HomeBalance"] == 125
    rig.pay(vendor, bill, "40", **EUR, ExchangeRate=Decimal("1.25"))
    assert rig.books.get("Bill", bill)["HomeBalance"] == 75


async def test_another_currency_needs_multicurrency(rig: Rig) -> None:
    got = await rig.call("POST", "vendor", {"DisplayName": "V", **EUR})
    assert (got.status, got.code) == (400, "6000")
    assert "Multi Currency should be enabled" in got.json["Fault"]["Error"][0]["Detail"]
    assert refusal(rig, "Bill", bill_body(rig.vendor(), "10") | EUR) == "6000"


@pytest.mark.parametrize(("currency_ref", "status"), [("always", 200), ("multicurrency", 400)])
async def test_an_app_names_the_home_currency_where_rows_do(currency_ref: Any, status: int) -> None:
    rig = Rig(Switches(currency_ref=currency_ref))
    body = {"DisplayName": "V", "CurrencyRef": {"value": "USD"}}
    assert (await rig.call("POST", "vendor", body)).status == status


@pytest.mark.parametrize(
    ("code", "more", "refused"),
    [
        ("EUR", {"CurrencyRef": {"value": "USD"}, "ExchangeRate": 1}, "6000"),
        ("USD", {**EUR, "ExchangeRate": Decimal("1.1")}, "6000"),
        ("EUR", EUR, "2410"),
        ("USD", {"CurrencyRef": {"value": "XXX"}}, "2500"),
        ("USD", {**EUR, "ExchangeRate": "much"}, "2010"),
    ],
)
def test_what_multicurrency_refuses(
    rig: Rig, code: str, more: dict[str, Any], refused: str
) -> None:
    rig.books.enable_multicurrency()
    vendor = abroad(rig.books, code)
    assert refusal(rig, "Bill", bill_body(vendor, "10") | more) == refused


def test_a_bill_without_a_currency_has_that_of_its_vendor(rig: Rig) -> None:
    rig.books.enable_multicurrency()
    bill = rig.books.get("Bill", rig.bill(abroad(rig.books)))
    assert (bill["CurrencyRef"]["value"], bill["ExchangeRate"]) == ("EUR", 1)


@pytest.mark.parametrize(
    ("country", "amount", "is_refused"),
    [("US", "10.25", False), ("US", "10.255", True), ("JP", "1500", False), ("JP", "1500.5", True)],
)
def test_an_amount_is_as_fine_as_its_currency(country: str, amount: str, is_refused: bool) -> None:
    rig = of(country)
    body = bill_body(rig.vendor(), amount)
    if is_refused:
        assert refusal(rig, "Bill", body) == "2010"
    else:
        assert rig.books.create("Bill", body)["TotalAmt"] == Decimal(amount)


def test_the_total_of_a_payment_is_an_amount_too(rig: Rig) -> None:
    vendor = rig.vendor()
    body = payment_body(vendor, rig.bill(vendor), "10") | {"TotalAmt": Decimal("10.255")}
    assert refusal(rig, "BillPayment", body) == "2010"


def test_two_decimals_everywhere_by_switch() -> None:
    rig = of("JP", Switches(amount_decimals="two"))
    assert rig.books.get("Bill", rig.bill(rig.vendor(), "1500.5"))["Balance"] == Decimal("1500.5")
    assert refusal(rig, "Bill", bill_body("1", "1500.555")) == "2010"


async def test_a_planted_row_is_sent_as_it_is() -> None:
    rig = of("JP")
    bill = rig.bill(rig.vendor(), "1500")
    rig.wait(seconds=5)
    since = rig.clock.now()
    rig.books.plant("Bill", {"TotalAmt": Decimal("1500.5"), "Balance": "x"}, bill)
    [group] = await rig.cdc("Bill", since)
    [row] = group["Bill"]
    assert (row["TotalAmt"], row["Balance"]) == (Decimal("1500.5"), "x")
    assert (row["Id"], row["SyncToken"]) == (bill, "1")


async def test_a_new_row_is_planted_bare(rig: Rig) -> None:
    planted = rig.books.plant("Bill", JPY)
    found = (await rig.ok("GET", f"bill/{planted['Id']}"))["Bill"]
    assert found.keys() == {"domain", "sparse", "Id", "SyncToken", "MetaData", "CurrencyRef"}
    rig.books.enable_multicurrency()
    assert rig.books.get("Bill", planted["Id"])["CurrencyRef"] == JPY["CurrencyRef"]


def test_an_unknown_country_is_told() -> None:
    with pytest.raises(ValueError, match=r"no country 'XX'; there are AU, .*US"):
        of("XX")
    assert HOMES["JP"] == "JPY"
