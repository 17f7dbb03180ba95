"""The chart: the rows that every new company has, so that a first bill finds its accounts.

Ids are those of Intuit's sample company where the fact sheet names them (33 A/P, 35 Checking).
"""

from __future__ import annotations

from typing import Any, Final

PAYABLE: Final = "33"
RECEIVABLE: Final = "84"
UNDEPOSITED: Final = "4"
CHECKING: Final = "35"
SAVINGS: Final = "36"
CREDIT_CARD: Final = "41"
EQUITY: Final = "34"
EXPENSES: Final = "7"
RENT: Final = "17"
SALES: Final = "1"
SALES_TAX: Final = "90"
LAST_ACCOUNT: Final = 91

_ACCOUNTS: Final = (
    (SALES, "Services", "Income", "ServiceFeeIncome"),
    (UNDEPOSITED, "Undeposited Funds", "Other Current Asset", "UndepositedFunds"),
    (EXPENSES, "Office Expenses", "Expense", "OfficeGeneralAdministrativeExpenses"),
    (RENT, "Rent or Lease", "Expense", "RentOrLeaseOfBuildings"),
    (PAYABLE, "Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable"),
    (EQUITY, "Opening Balance Equity", "Equity", "OpeningBalanceEquity"),
    (CHECKING, "Checking", "Bank", "Checking"),
    (SAVINGS, "Savings", "Bank", "Savings"),
    (CREDIT_CARD, "Mastercard", "Credit Card", "CreditCard"),
    (RECEIVABLE, "Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
    (SALES_TAX, "Sales Tax Payable", "Other Current Liability", "SalesTaxPayable"),
)
_TERMS: Final = (("1", "Due on receipt", 0), ("2", "Net 15", 15), ("3", "Net 30", 30))
_METHODS: Final = (("1", "Cash"), ("2", "Check"), ("3", "Credit Card"))


def first_rows(
    name: str, time_zone: str, start: str, country: str = "US"
) -> list[tuple[str, str, dict[str, Any]]]:
    """Entity, id and body, in the order in which they are made."""
    rows: list[tuple[str, str, dict[str, Any]]] = [
        (
            "Account",
            row_id,
            {"Name": title, "AccountType": account_type, "AccountSubType": subtype},
        )
        for row_id, title, account_type, subtype in _ACCOUNTS
    ]
    rows += [
        ("Term", row_id, {"Name": title, "Type": "STANDARD", "DueDays": days})
        for row_id, title, days in _TERMS
    ]
    rows += [("PaymentMethod", row_id, {"Name": title}) for row_id, title in _METHODS]
    income = {"value": SALES}
    rows.append(("Item", "1", {"Name": "Services", "Type": "Service", "IncomeAccountRef": income}))
    rows.append(("CompanyInfo", "1", _company(name, time_zone, start, country)))
    rows.append(("Preferences", "1", _PREFERENCES))
    return rows


def _company(name: str, time_zone: str, start: str, country: str) -> dict[str, Any]:
    return {
        "CompanyName": name,
        "LegalName": name,
        "Country": country,
        "FiscalYearStartMonth": "January",
        "CompanyStartDate": start,
        "DefaultTimeZone": time_zone,
        "SupportedLanguages": "en",
        "NameValue": [
            {"Name": "SubscriptionStatus", "Value": "PAID"},
            {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
        ],
    }


_PREFERENCES: Final[dict[str, Any]] = {
    "AccountingInfoPrefs": {
        "FirstMonthOfFiscalYear": "January",
        "UseAccountNumbers": False,
        "CustomerTerminology": "Customers",
    },
    "EmailMessagesPrefs": {"InvoiceMessage": {"Subject": "Invoice", "Message": "Attached."}},
    "OtherPrefs": {"NameValue": [{"Name": "WarnDuplicateBillNumber", "Value": "false"}]},
    "ProductAndServicesPrefs": {"ForSales": True, "ForPurchase": True},
    "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
    "SalesFormsPrefs": {
        "CustomTxnNumbers": False,
        "AllowDeposit": True,
        "DefaultTerms": {"value": "3"},
    },
    "TaxPrefs": {"UsingSalesTax": True},
    "TimeTrackingPrefs": {"WorkWeekStartDate": "Monday", "UseServices": True},
    "VendorAndPurchasesPrefs": {"BillableExpenseTracking": True, "TrackingByCustomer": True},
}
"""One or a few of each group; `CurrencyPrefs` is of `currency`."""
