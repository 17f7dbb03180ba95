"""Spec: QuickBooks Online as data: addresses, endpoints with their limits, the month's pool, events with what they hint at.

Limits: learn/limits-and-throttles, two copies of 2026 agree, looked up 2026-11-25. 500 a minute are
the company's, shared with other apps on it; Intuit's strictest reading counts a whole portfolio.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from rowcol.core.delivery import Signal
from rowcol.core.pool import MonthPool
from rowcol.core.quota import QuotaRule, QuotaScope
from rowcol.core.rail import CONSENT, Endpoint, RailSpec, Role
from rowcol.rails.qbo.facts import BOOKS

NAME = "qbo"
BASE_URLS = {
    "production": "https://quickbooks.api.intuit.com",
    "sandbox": "https://sandbox-quickbooks.api.intuit.com",
}
OAUTH, REVOKE, DISCOVERY = "oauth", "revoke", "discovery"


def _same(address: str) -> dict[str, str]:
    return dict.fromkeys(BASE_URLS, address)


# What is told by the discovery document holds over these, `Endpoint.is_told`.
HOSTS = {
    OAUTH: _same("https://oauth.platform.intuit.com"),
    REVOKE: _same("https://developer.api.intuit.com"),
    CONSENT: _same("https://appcenter.intuit.com"),
    DISCOVERY: _same("https://developer.api.intuit.com"),
}

COMPANY = "CompanyInfo"
NAME_LISTS = ("Vendor", "Customer", "Account")
"""A query leaves their inactive rows out unless it asks for them; they are never deleted, only made inactive."""
ENTITIES = (
    COMPANY,
    *NAME_LISTS,
    *("Bill", "BillPayment", "Invoice", "Payment", "Purchase", "Deposit", "Transfer"),
    *("JournalEntry", "CreditMemo", "VendorCredit", "SalesReceipt", "RefundReceipt"),
)
"""What cash is made of, in the order of the first reading."""
NAMED = tuple(
    sorted(
        {
            *ENTITIES,
            *(
                "Attachable",
                "Budget",
                "Class",
                "CompanyCurrency",
                "CreditCardPayment",
                "CustomerType",
            ),
            *(
                "Department",
                "Employee",
                "Entitlements",
                "Estimate",
                "ExchangeRate",
                "InventoryAdjustment",
            ),
            *(
                "Item",
                "JournalCode",
                "PaymentMethod",
                "Preferences",
                "PurchaseOrder",
                "RecurringTransaction",
            ),
            *(
                "ReimburseCharge",
                "TaxAgency",
                "TaxClassification",
                "TaxCode",
                "TaxPayment",
                "TaxRate",
            ),
            *("Term", "TimeActivity"),
        }
    )
)
"""What a person may name. Another word would be another address, such as /batch or /query, whose reads are metered."""
_OF_ENTITY = {"entity": NAMED}
MERGED = ".merged"
"""Ends the mark of a name list in which two became one."""

AT_ONCE_S, QUICK_S, LONG_S = 5.0, 30.0, 120.0
"""Intuit gives up after 120 s itself."""
_API = (
    QuotaRule(QuotaScope.COMPANY, 500, 60, shared="company"),
    QuotaRule(QuotaScope.COMPANY, 10, 1, shared="company"),
    QuotaRule(QuotaScope.APP, 500, 60, shared="portfolio"),
)
_PLACE = "/v3/company/{realm}"
_KNOWN = ("body.Id", "body.SyncToken")
"""What every change of something that is there names: which, and the version that it was read as."""


def _read(name: str, method: str, path: str, summary: str, needs: tuple[str, ...] = ()) -> Endpoint:
    """Metered: "data out" is CorePlus, whatever the method (section 2 of the fact sheet)."""
    return Endpoint(
        name=name,
        method=method,
        path=_PLACE + path,
        timeout_s=LONG_S,
        quotas=dict.fromkeys(BASE_URLS, _API),
        is_callable=True,
        summary=summary,
        is_metered=True,
        needs=needs,
        choices=_OF_ENTITY,
    )


def _write(name: str, query: str, summary: str, needs: tuple[str, ...] = _KNOWN) -> Endpoint:
    """Never metered. Sent again with the same `requestid` it has no second effect."""
    return Endpoint(
        name=name,
        method="POST",
        path=f"{_PLACE}/{{entity}}{query}",
        timeout_s=LONG_S,
        quotas=dict.fromkeys(BASE_URLS, _API),
        is_callable=True,
        summary=summary,
        is_write=True,
        needs=("entity", *needs),
        choices=_OF_ENTITY,
    )


def _oauth(name: str, path: str, host: str, summary: str) -> Endpoint:
    return Endpoint(
        name=name,
        method="POST",
        path=path,
        timeout_s=QUICK_S,
        host=host,
        summary=summary,
        is_told=True,
    )


_BEARER = "/oauth2/v1/tokens/bearer"
_LISTED = (
    # Its answer moves the cursor, so nobody else may call it.
    replace(_read("cdc", "GET", "/cdc", "what changed in the whole company"), is_callable=False),
    _read("query", "POST", "/query", "a page of one entity by a statement", ("statement|entity",)),
    _read("companyinfo.get", "GET", "/companyinfo/{realm}", "the company"),
    _read(
        "report.get", "GET", "/reports/{report}", "a report, at most six months of it", ("report",)
    ),
    _read("entity.get", "GET", "/{entity}/{id}", "one object", ("entity", "id")),
    _write("entity.create", "", "make one object", ("body",)),
    _write("entity.update", "", "change one object: whole, or `sparse`"),
    _write("entity.delete", "?operation=delete", "delete one object"),
    _write("entity.void", "?operation=void", "void one object: amounts become zero"),
    Endpoint(
        DISCOVERY,
        "GET",
        "/.well-known/{document}",
        AT_ONCE_S,
        host=DISCOVERY,
        summary="where consent, tokens and revocation are",
    ),
    _oauth("token.exchange", _BEARER, OAUTH, "turn a consent into tokens"),
    _oauth("token.refresh", _BEARER, OAUTH, "a new access token"),
    _oauth("token.revoke", "/v2/oauth2/tokens/revoke", REVOKE, "end the grant"),
)
ENDPOINTS = {endpoint.name: endpoint for endpoint in _LISTED}

PAST = {
    "created": "created",
    "updated": "changed",
    "deleted": "deleted",
    "merged": "merged into another",
    "void": "voided",
    "voided": "voided",
    "emailed": "sent by e-mail",
}
"""Operations as they stand in an event's type, and as people say it. Void is spelled either way."""
_CUD = "created updated deleted"
_OPERATIONS = {
    "Account": f"{_CUD} merged",
    "Bill": _CUD,
    "BillPayment": f"{_CUD} void voided",
    "CreditMemo": f"{_CUD} void voided emailed",
    "Customer": f"{_CUD} merged",
    "Deposit": _CUD,
    "Invoice": f"{_CUD} void voided emailed",
    "JournalEntry": _CUD,
    "Payment": f"{_CUD} void voided emailed",
    "Purchase": f"{_CUD} void voided",
    "Transfer": f"{_CUD} void voided",
    "Vendor": f"{_CUD} merged",
    "VendorCredit": _CUD,
}
ANNOUNCED = frozenset(_OPERATIONS)
"""Entities whose changes are delivered; receipts and the company are not."""


def _hint(entity: str, operation: str) -> tuple[Signal, ...]:
    noun = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", entity).lower()
    article = "an" if noun[0] in "ai" else "a"
    stream = f"{entity}{MERGED}" if operation == "merged" else entity
    return (Signal(stream, f"QuickBooks said {article} {noun} was {PAST[operation]}"),)


EVENTS: dict[tuple[str, str], tuple[Signal, ...]] = {
    (entity.lower(), operation): _hint(entity, operation)
    for entity, operations in _OPERATIONS.items()
    for operation in operations.split()
} | {
    ("preferences", "updated"): (
        Signal(BOOKS, "QuickBooks said the company's preferences were changed"),
    )
}

POOL = MonthPool(
    500_000,
    "blogs.intuit.com/2026/01/08/understanding-builder-tier-api-limits-for-you-and-your-customers",
    date(2026, 11, 25),
)
"""The free Builder tier of a developer workspace; past it every client is blocked until the month ends."""

SPEC = RailSpec(
    name=NAME,
    base_urls=BASE_URLS,
    endpoints=ENDPOINTS,
    events=EVENTS,
    prices=(),
    role=Role.BOOKS,
    hosts=HOSTS,
    pool=POOL,
    sweep_every=timedelta(days=7),
    sweep_gapped=timedelta(days=1),
    is_lazy=True,
)
