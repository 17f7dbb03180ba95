"""Books examples: what the examples of the books' operations have in common."""

from __future__ import annotations

from typing import Any

BUSINESS = "biz_03m8kz0v1w2x3y4z5a6b7c8d9e"
AT, LATER = "2026-11-20T14:02:11Z", "2026-11-20T18:40:00Z"
CASH = {"amount_minor": 1_234_567, "currency": "USD"}
USD = {"amount_minor": 41_250, "currency": "USD"}
BILL = {
    "id": "145",
    "version": "3",
    "number": "INV-2041",
    "vendor": "56",
    "vendor_name": "Bolt & Nut Supply",
    "issued_on": "2026-11-02",
    "due_on": "2026-11-24",
    "total": USD,
    "balance": USD,
    "memo": "",
    "changed_at": AT,
    "is_voided": False,
    "is_deleted": False,
}
VENDOR = {"id": "56", "name": "Bolt & Nut Supply", "balance": USD, "is_active": True}
BANK_ACCOUNT = {
    "id": "35",
    "name": "Checking",
    "type": "Bank",
    "subtype": "Checking",
    "balance": CASH,
    "is_active": True,
}
POOL = {
    "rail": "qbo",
    "app": "qbo-main",
    "month": "2026-11",
    "limit": 500_000,
    "used": 212_400,
    "reserved": 3,
    "expected": 326_389,
    "forecast": 325_370,
    "stage": "OPEN",
    "runs_out_on": None,
    "blocked_until": None,
    "blocked_reason": "",
    "metering": {"cdc": "entity"},
    "peak_per_second_per_company": 3,
    "peak_per_minute_per_company": 16,
    "peak_per_minute_portfolio": 212,
}
BURN = {
    "rail": "qbo",
    "app": "qbo-main",
    "business": BUSINESS,
    "trigger": "SWEEP",
    "endpoint": "cdc",
    "calls": 30,
    "units": 150,
}
CONSENT = "lnk_03m8kz6v1w2x3y4z5a6b7c8d9e"


def answer(value: Any) -> dict[str, Any]:
    """The proof around a value."""
    return {
        "business": BUSINESS,
        "purpose": "DISPLAY",
        "action": "SERVE",
        "value": value,
        "as_of": AT,
        "age_s": 16_669,
        "reason": "the books are last seen at 14:02 UTC, 4 h ago; a display accepts books up to 24 h old",
        "label": None,
        "policy": "evidence",
        "answered_at": LATER,
        "evidence": [{"scope": "Bill", "complete_as_of": AT, "source": "CACHED"}],
        "calls": [],
        "next": None,
        "unreadable": [],
    }
