"""Operations: every route in one table, with the least role that may use it. Start here to find a handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rowcol.api import (
    accounts,
    admin,
    books,
    businesses,
    calling,
    consent,
    deeds,
    health,
    pools,
    reads,
    sessions,
)
from rowcol.api.callback import CALLBACK
from rowcol.api.explain import ExplainOut
from rowcol.api.roles import Role
from rowcol.api.shapes import BalanceOut

BUSINESS = "/v1/businesses/{business_id}"
CONNECTION = "/v1/connections/{connection_id}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. `role` None: needs no token. `bytes_max`: how long a body may be, None: as long as any."""

    method: str
    path: str
    role: Role | None
    handle: Callable[..., Any]
    summary: str
    status: int = 200
    shape: Any = None
    bytes_max: int | None = None

    @property
    def key(self) -> str:
        """As in the table of roles."""
        return f"{self.method} {self.path}"


VIEWER, ADVISOR, OPERATOR, ADMIN = Role

OPERATIONS = (
    Operation("GET", "/v1/businesses", VIEWER, businesses.list_businesses, "List businesses"),
    Operation("POST", "/v1/businesses", ADVISOR, businesses.add_business, "Add a business", 201),
    Operation(
        "GET",
        f"{BUSINESS}/balance",
        VIEWER,
        reads.balance,
        "Read cash, with proof",
        shape=BalanceOut,
    ),
    Operation(
        "POST",
        f"{BUSINESS}/balance/refresh",
        ADVISOR,
        reads.refresh,
        "Refresh cash, at a confirmed price",
        shape=BalanceOut,
    ),
    Operation(
        "POST",
        f"{BUSINESS}/transactions/refresh",
        ADVISOR,
        deeds.refresh_transactions,
        "Have the banks looked at, at a confirmed price",
    ),
    Operation("GET", f"{BUSINESS}/bills", VIEWER, books.list_bills, "List open bills, with proof"),
    Operation(
        "POST",
        f"{BUSINESS}/bills/batch",
        VIEWER,
        books.batch_bills,
        "Read bills by id",
        bytes_max=books.BATCH_BYTES_MAX,
    ),
    Operation(
        "GET", f"{BUSINESS}/bills/{{bill_id}}", VIEWER, books.read_bill, "Read a bill, with proof"
    ),
    Operation("GET", f"{BUSINESS}/vendors", VIEWER, books.list_vendors, "List vendors, with proof"),
    Operation(
        "GET",
        f"{BUSINESS}/books/bank-accounts",
        VIEWER,
        books.list_bank_accounts,
        "List bank accounts as the books have them",
    ),
    Operation(
        "POST", f"{BUSINESS}/calls", OPERATOR, calling.call_api, "Call one endpoint of a rail"
    ),
    Operation(
        "GET",
        f"{BUSINESS}/connections",
        VIEWER,
        businesses.list_connections,
        "List a business's logins",
    ),
    Operation(
        "POST",
        f"{BUSINESS}/connections/link-token",
        ADVISOR,
        businesses.begin_connect,
        "Begin to connect a login",
    ),
    Operation(
        "POST",
        f"{BUSINESS}/connections/consent",
        ADVISOR,
        consent.begin_consent,
        "Begin a consent at a rail's own screen",
    ),
    Operation(
        "GET",
        f"{BUSINESS}/connections/consent/{{consent_id}}",
        VIEWER,
        consent.read_consent,
        "What became of a consent",
    ),
    Operation(
        "GET",
        f"{BUSINESS}/connections/link-sessions/{{session_id}}",
        VIEWER,
        sessions.read_session,
        "What became of a hosted page or a consent",
    ),
    Operation(
        "POST", f"{BUSINESS}/connections", ADVISOR, businesses.connect, "Store a new login", 201
    ),
    Operation(
        "POST",
        f"{BUSINESS}/connections/sandbox",
        ADVISOR,
        businesses.connect_sandbox,
        "Connect a sandbox login",
        201,
    ),
    Operation(
        "GET",
        f"{BUSINESS}/accounts",
        VIEWER,
        accounts.list_accounts,
        "List a business's bank accounts",
    ),
    Operation(
        "PUT",
        f"{BUSINESS}/accounts/{{account_id}}/role",
        ADVISOR,
        accounts.set_role,
        "Say what an account is for",
    ),
    Operation(
        "POST",
        f"{BUSINESS}/accounts/sameness",
        ADVISOR,
        accounts.tell_sameness,
        "Say whether two accounts are one",
    ),
    Operation("GET", "/v1/cash", VIEWER, accounts.read_firm_cash, "The firm's cash"),
    Operation(
        "PUT",
        f"{CONNECTION}/accounts/{{remote_id}}/role",
        ADVISOR,
        businesses.set_account_role,
        "Say what a login's account is for",
    ),
    Operation(
        "POST", f"{CONNECTION}/pause", OPERATOR, businesses.pause_connection, "Pause a login"
    ),
    Operation(
        "POST", f"{CONNECTION}/resume", OPERATOR, businesses.resume_connection, "Resume a login"
    ),
    Operation("POST", f"{CONNECTION}/repair", ADVISOR, sessions.repair, "Repair a login, in place"),
    Operation(
        "POST",
        f"{CONNECTION}/accounts",
        ADVISOR,
        sessions.add_accounts,
        "Choose which accounts a login shows",
    ),
    Operation("DELETE", CONNECTION, OPERATOR, deeds.disconnect, "End a login, and its fee"),
    Operation(
        "POST", f"{CONNECTION}/webhook", OPERATOR, deeds.point_webhook, "Point a login's webhook"
    ),
    Operation("POST", f"{CONNECTION}/reset", OPERATOR, deeds.reset, "Read a login's changes anew"),
    Operation("GET", "/v1/board", VIEWER, reads.read_board, "The cash board"),
    Operation("GET", "/v1/inbox", OPERATOR, admin.list_deliveries, "List webhooks received"),
    Operation(
        "POST",
        "/v1/inbox/{delivery_id}/replay",
        OPERATOR,
        admin.replay,
        "Work a webhook through again",
    ),
    Operation(
        "GET", "/v1/unmatched", ADMIN, admin.list_unmatched, "List webhooks of unknown logins"
    ),
    Operation("GET", "/v1/calls", VIEWER, reads.list_calls, "The call log"),
    Operation("GET", "/v1/decisions", VIEWER, reads.list_decisions, "The decision log"),
    Operation(
        "GET",
        "/v1/explain/{business_id}",
        VIEWER,
        reads.read_explain,
        "Explain an answer",
        shape=ExplainOut,
    ),
    Operation("GET", "/v1/cost", VIEWER, reads.read_cost, "What a month cost"),
    Operation("GET", "/v1/pools", VIEWER, pools.read_pools, "Metered calls of a month, by app"),
    Operation("GET", "/v1/tokens", ADMIN, admin.list_tokens, "List tokens"),
    Operation("POST", "/v1/tokens", ADMIN, admin.add_token, "Create a token", 201),
    Operation("DELETE", "/v1/tokens/{token_id}", ADMIN, admin.revoke_token, "Revoke a token"),
    Operation("POST", "/v1/pause", ADMIN, admin.set_switch, "Pause or resume calls"),
    Operation("GET", "/v1/firm/settings", ADMIN, admin.read_firm, "Read the firm's settings"),
    Operation("PUT", "/v1/firm/settings", ADMIN, admin.set_firm, "Replace the firm's settings"),
    Operation("GET", "/metrics", OPERATOR, health.metrics, "Prometheus metrics"),
    Operation("GET", "/healthz", None, health.healthz, "Is the process up"),
)
WEBHOOK = "/webhooks/{rail}/{app}"
PLAIN_ROLES: dict[str, Role | None] = {
    f"POST {WEBHOOK}": None,
    f"GET {CALLBACK}": None,
    "GET /readyz": None,
    "GET /openapi.json": None,
}
"""Routes outside FastAPI's machinery."""

ROLES: dict[str, Role | None] = {o.key: o.role for o in OPERATIONS} | PLAIN_ROLES
BYTES_MAX = {o.key: o.bytes_max for o in OPERATIONS if o.bytes_max is not None}
