"""Examples: one request and one answer of every operation, as the OpenAPI document shows them. A test holds them to the schema."""

from __future__ import annotations

from typing import Any

from rowcol.api import books_examples

_AT = "2026-11-20T14:02:11Z"
_LATER = "2026-11-20T18:40:00Z"
_BUSINESS = {
    "id": "biz_03m8kz0v1w2x3y4z5a6b7c8d9e",
    "name": "Harbor Dental",
    "external_id": "harbor-dental",
    "created_at": _AT,
}
_CONNECTION = {
    "id": "con_03m8kz1v1w2x3y4z5a6b7c8d9e",
    "business": _BUSINESS["id"],
    "rail": "plaid",
    "app": "main",
    "environment": "sandbox",
    "remote_id": "Ed6bjNrDLJfGvZWwnkQlfxwoNz54B5C97ejBr",
    "institution": "ins_109508",
    "name": "First Platypus Bank",
    "created_at": _AT,
    "is_paused": False,
    "health": "OK",
    "health_reason": "",
    "seen_until": _AT,
    "looked_at": _AT,
    "webhook_gaps": 0,
    "webhook_gap_at": None,
    "is_read_only": False,
    "needs": "",
    "reconnect": "",
    "notices": [
        {
            "kind": "CONSENT_ENDS",
            "text": "its consent ends on 2026-12-02",
            "until": "2026-12-02T13:25:17Z",
            "since": _AT,
            "begin": "POST /v1/connections/con_03m8kz1v1w2x3y4z5a6b7c8d9e/repair",
        }
    ],
    "is_locked": False,
}
_LINK = {
    "session_id": "lnk_03m8kz6v1w2x3y4z5a6b7c8d9e",
    "link_token": "link-sandbox-0f1e",
    "hosted_link_url": "https://secure.plaid.com/hl/0f1e2d3c",
    "expires_at": _LATER,
}
_CASH = {"amount_minor": 1_234_567, "currency": "USD"}
_CALL = {
    "id": "call_03m8kz2v1w2x3y4z5a6b7c8d9e",
    "business": _BUSINESS["id"],
    "connection": _CONNECTION["id"],
    "rail": "plaid",
    "app": "main",
    "environment": "production",
    "endpoint": "accounts.balance.get",
    "trigger": "PERSON",
    "purpose": "GUARDRAIL",
    "reason": "the last free look is older than the hour that a guardrail allows",
    "price_micros": 100_000,
    "cost_micros": 100_000,
    "billed": "YES",
    "outcome": "OK",
    "detail": "",
    "status": 200,
    "opened_at": _AT,
    "settled_at": _AT,
    "remote_request_id": "1-6563a2c1-0a7d2c0f5d4e4c2a1b",
    "units": 0,
}
_ACCOUNT = {
    "id": "acc_9f86d081884c7d659a2feaa0c55ad015",
    "name": "Operating Checking",
    "mask": "4242",
    "type": "depository",
    "subtype": "checking",
    "role": "OPERATING",
    "is_role_suggested": True,
    "counts": True,
    "current": _CASH,
    "available": _CASH,
    "limit": None,
    "pending": None,
    "as_of": _AT,
    "source": "CACHED",
    "shown": [
        {
            "id": "acc_9f86d081884c7d659a2feaa0c55ad015",
            "connection": _CONNECTION["id"],
            "bank": _CONNECTION["name"],
            "remote_id": "BxBXxLj1m4HMXBm9WZZmCWVbPjX16EHwv99vp",
            "is_closed": False,
        }
    ],
    "uncounted": "",
}
_ACCOUNTS = {"items": [_ACCOUNT], "doubts": [], "shared": []}
_BALANCE = {
    "business": _BUSINESS["id"],
    "purpose": "DISPLAY",
    "action": "SERVE",
    "cash": [_CASH],
    "incomplete": [],
    "as_of": _AT,
    "reason": "the bank was looked at 4 h ago, within the day that a display allows",
    "label": None,
    "cost_micros": 0,
    "policy": "evidence",
    "answered_at": _LATER,
    "evidence": [
        {
            "account": "BxBXxLj1m4HMXBm9WZZmCWVbPjX16EHwv99vp",
            "true_at": _AT,
            "received_at": _AT,
            "source": "CACHED",
            "current": _CASH,
            "call": _CALL["id"],
            "uncounted": "",
        }
    ],
    "calls": [],
    "field": "current",
    "accounts": [_ACCOUNT],
    "doubts": [],
    "notes": [],
}
_DECISION = {
    "id": "dec_03m8kz3v1w2x3y4z5a6b7c8d9e",
    "business": _BUSINESS["id"],
    "connection": _CONNECTION["id"],
    "policy": "evidence",
    "purpose": "DISPLAY",
    "action": "SERVE",
    "rule": "fresh",
    "reason": _BALANCE["reason"],
    "as_of": _AT,
    "label": None,
    "cost_micros": 0,
    "calls": [],
    "decided_at": _LATER,
    "inputs": {"seen_until": _AT},
}
_DELIVERY = {
    "id": "del_03m8kz4v1w2x3y4z5a6b7c8d9e",
    "rail": "plaid",
    "app": "main",
    "kind": "TRANSACTIONS/SYNC_UPDATES_AVAILABLE",
    "state": "DRAINED",
    "connection": _CONNECTION["id"],
    "remote_id": _CONNECTION["remote_id"],
    "signed_at": _AT,
    "received_at": _AT,
    "drained_at": _AT,
    "note": "",
}
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_TOKEN = {
    "id": _HASH,
    "role": "advisor",
    "label": "Dana",
    "created_at": _AT,
    "revoked_at": None,
}
_PRICE = {
    "rail": "plaid",
    "item": "balance",
    "micros": 90_000,
    "since": "2026-11-01",
    "source": "our contract of October 2026",
}
_CHOSEN = {"policy": "evidence", "budget_micros_month": 150_000_000, "prices": [_PRICE]}
_FIRM = {
    "id": "firm_03m8kz5v1w2x3y4z5a6b7c8d9e",
    "name": "Reed & Co",
    "created_at": _AT,
    "settings": _CHOSEN,
}
_COST = {
    "month": "2026-11",
    "spent_micros": 2_300_000,
    "rows": [
        {
            "key": "plaid/main/2026-11",
            "spent_micros": 2_300_000,
            "reserved_micros": 0,
            "limit_micros": 300_000_000,
        }
    ],
    "is_estimated": True,
}
_BOARD_ROW = {
    "id": _BUSINESS["id"],
    "business": _BUSINESS["name"],
    "cash_minor": _CASH["amount_minor"],
    "currency": "USD",
    "cash": [_CASH],
    "as_of": _AT,
    "action": "SERVE",
    "reason": _BALANCE["reason"],
    "label": None,
    "cost_micros": 100_000,
}
_EXPLAIN = {
    "business": _BUSINESS,
    "now": _BALANCE,
    "fresh_price_micros": 100_000,
    "cannot_help": None,
    "comes_free_at": _LATER,
    "connections": [_CONNECTION],
    "books": [],
    "decisions": [_DECISION],
    "calls": [_CALL],
}
_B = "/v1/businesses/{business_id}"
_C = "/v1/connections/{connection_id}"


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return {"items": [item], "next": item["id"]}


REQUESTS: dict[str, Any] = {
    "POST /v1/businesses": {"name": "Harbor Dental", "external_id": "harbor-dental"},
    f"POST {_B}/balance/refresh": {"force": True, "price_confirmed_micros": 100_000},
    f"POST {_B}/transactions/refresh": {"force": True, "price_confirmed_micros": 120_000},
    f"POST {_B}/bills/batch": {"ids": ["145", "146"]},
    f"POST {_B}/calls": {
        "rail": "qbo",
        "endpoint": "companyinfo.get",
        "data": {},
    },
    f"POST {_B}/connections/consent": {"rail": "qbo"},
    f"POST {_B}/connections": {"public_token": "public-sandbox-0f1e2d3c"},
    f"POST {_B}/connections/link-token": {"rail": "plaid"},
    f"POST {_B}/connections/sandbox": {"institution": "ins_109508"},
    f"PUT {_C}/accounts/{{remote_id}}/role": {"role": "OPERATING"},
    f"PUT {_B}/accounts/{{account_id}}/role": {"role": "TRUST"},
    f"POST {_B}/accounts/sameness": {
        "first": _ACCOUNT["id"],
        "second": "acc_0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "is_same": True,
    },
    "POST /v1/tokens": {"role": "advisor", "label": "Dana"},
    "POST /v1/pause": {"what": "paid", "is_paused": True, "reason": "invoice in dispute"},
    "PUT /v1/firm/settings": _CHOSEN,
    "POST /webhooks/{rail}/{app}": {
        "webhook_type": "TRANSACTIONS",
        "webhook_code": "SYNC_UPDATES_AVAILABLE",
        "item_id": _CONNECTION["remote_id"],
    },
}
ANSWERS: dict[str, Any] = {
    "GET /v1/businesses": _page(_BUSINESS),
    "POST /v1/businesses": _BUSINESS,
    f"GET {_B}/balance": _BALANCE,
    f"POST {_B}/balance/refresh": _BALANCE,
    f"GET {_B}/bills": books_examples.answer([books_examples.BILL]),
    f"POST {_B}/bills/batch": books_examples.answer([books_examples.BILL]),
    f"GET {_B}/bills/{{bill_id}}": books_examples.answer(books_examples.BILL),
    f"GET {_B}/vendors": books_examples.answer([books_examples.VENDOR]),
    f"GET {_B}/books/bank-accounts": books_examples.answer([books_examples.BANK_ACCOUNT]),
    f"POST {_B}/calls": {
        "rail": "qbo",
        "endpoint": "companyinfo.get",
        "answer": {"CompanyInfo": {"CompanyName": "Harbor Dental"}},
    },
    f"POST {_B}/connections/consent": {
        "consent_id": books_examples.CONSENT,
        "url": "https://appcenter.intuit.com/connect/oauth2?client_id=...&state=...",
        "expires_at": _LATER,
        "session_id": books_examples.CONSENT,
        "hosted_link_url": "https://appcenter.intuit.com/connect/oauth2?client_id=...&state=...",
    },
    f"GET {_B}/connections/consent/{{consent_id}}": {
        "state": "pending",
        "connection": None,
        "reason": None,
    },
    f"GET {_B}/connections": [_CONNECTION],
    f"POST {_B}/connections/link-token": _LINK,
    f"POST {_C}/repair": _LINK,
    f"POST {_C}/accounts": _LINK,
    f"GET {_B}/connections/link-sessions/{{session_id}}": {
        "session_id": _LINK["session_id"],
        "kind": "REPAIR",
        "state": "done",
        "expires_at": _LATER,
        "connection": _CONNECTION,
        "reason": "",
        "what_to_do": "",
    },
    f"POST {_B}/connections": _CONNECTION,
    f"POST {_B}/connections/sandbox": _CONNECTION,
    f"GET {_B}/accounts": _ACCOUNTS,
    f"PUT {_B}/accounts/{{account_id}}/role": {"id": _ACCOUNT["id"], "state": "TRUST"},
    f"POST {_B}/accounts/sameness": _ACCOUNTS,
    "GET /v1/cash": {
        "cash": [_CASH],
        "as_of": _AT,
        "businesses": 1,
        "incomplete": [],
        "notes": [],
    },
    f"PUT {_C}/accounts/{{remote_id}}/role": {
        "id": "BxBXxLj1m4HMXBm9WZZmCWVbPjX16EHwv99vp",
        "state": "OPERATING",
    },
    f"POST {_C}/pause": {"id": _CONNECTION["id"], "state": "paused"},
    f"POST {_C}/resume": {"id": _CONNECTION["id"], "state": "running"},
    f"DELETE {_C}": {"id": _CONNECTION["id"], "state": "removed"},
    f"POST {_C}/webhook": {"id": _CONNECTION["id"], "state": "pointed"},
    f"POST {_C}/reset": {"id": _CONNECTION["id"], "state": "restarting"},
    f"POST {_B}/transactions/refresh": {
        "price_micros": 120_000,
        "logins": [_CONNECTION["id"]],
        "asked": [_CONNECTION["id"]],
        "refused": {},
    },
    "GET /v1/board": _page(_BOARD_ROW),
    "GET /v1/inbox": _page(_DELIVERY),
    "POST /v1/inbox/{delivery_id}/replay": {"id": _DELIVERY["id"], "state": "RECEIVED"},
    "GET /v1/unmatched": _page(
        {**_DELIVERY, "state": "UNMATCHED", "connection": None, "drained_at": None}
    ),
    "GET /v1/calls": _page(_CALL),
    "GET /v1/decisions": _page(_DECISION),
    "GET /v1/explain/{business_id}": _EXPLAIN,
    "GET /v1/cost": _COST,
    "GET /v1/pools": {
        "month": "2026-11",
        "pools": [books_examples.POOL],
        "burns": [books_examples.BURN],
    },
    "GET /v1/tokens": [_TOKEN],
    "POST /v1/tokens": {
        "token": "pXJx9w-the-token-itself-is-shown-this-once",
        "id": _HASH,
        "role": "advisor",
        "label": "Dana",
    },
    "DELETE /v1/tokens/{token_id}": {"id": _HASH, "state": "revoked"},
    "POST /v1/pause": {"paused": {"pause.paid": "invoice in dispute"}},
    "GET /v1/firm/settings": _FIRM,
    "PUT /v1/firm/settings": _FIRM,
    "GET /metrics": "rowcol_runner_overdue_seconds 0.0\n",
    "GET /healthz": {"status": "ok", "reason": ""},
    "GET /readyz": {"status": "ok", "reason": ""},
    "POST /webhooks/{rail}/{app}": {"status": "ok"},
    "GET /oauth/{rail}/callback": "<!doctype html><h1>Connected</h1>",
    "GET /openapi.json": {"openapi": "3.1.0"},
}
