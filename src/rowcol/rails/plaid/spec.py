"""Spec: Plaid as data: addresses, endpoints with their limits, events with what they hint at, assumed prices.

Limits: docs/errors/rate-limit-exceeded, looked up 2026-11-25; they may change and differ per
customer. Where production and sandbox copies conflict, the lower one stands here. Endpoints without
a published limit have none here.
"""

from __future__ import annotations

from datetime import date

from rowcol.core.delivery import NoticeKind, Signal
from rowcol.core.money import Cost
from rowcol.core.quota import QuotaRule, QuotaScope
from rowcol.core.rail import Endpoint, RailSpec
from rowcol.core.tariff import Per, Price
from rowcol.rails.plaid.facts import ACCOUNTS, HEALTH, REFUSED, TRANSACTIONS

NAME = "plaid"
BASE_URLS = {
    "sandbox": "https://sandbox.plaid.com",
    "production": "https://production.plaid.com",
}
QUICK_S, LIVE_S = 20.0, 60.0
"""Live calls take 3 s at the median, 11 s at p95, "up to 30 s or more" (docs/balance); a time-out may be billed."""

_Rules = dict[str, tuple[QuotaRule, ...]]


def _per_minute(
    production: tuple[int | None, int], sandbox: tuple[int | None, int] | None = None
) -> _Rules:
    """Rules of the published table: calls per Item (None: no limit) and per client, in a minute."""
    return {
        environment: tuple(
            QuotaRule(scope, limit, 60)
            for scope, limit in zip((QuotaScope.CONNECTION, QuotaScope.APP), limits, strict=True)
            if limit is not None
        )
        for environment, limits in (
            ("production", production),
            ("sandbox", sandbox or production),
        )
    }


def _free(
    path: str,
    summary: str,
    quotas: _Rules | None = None,
    *,
    is_callable: bool = False,
    timeout_s: float = QUICK_S,
) -> Endpoint:
    return Endpoint(
        name=path.strip("/").replace("/", "."),
        method="POST",
        path=path,
        timeout_s=timeout_s,
        quotas=quotas or {},
        is_callable=is_callable,
        summary=summary,
    )


def _paid(path: str, tariff: str, summary: str, quotas: _Rules) -> Endpoint:
    return Endpoint(
        name=path.strip("/").replace("/", "."),
        method="POST",
        path=path,
        timeout_s=LIVE_S,
        tariff=tariff,
        quotas=quotas,
        summary=summary,
    )


_LISTED = (
    _free("/link/token/create", "begin a login, its repair, or the choice of more accounts"),
    _free("/link/token/get", "how far a person came at the hosted page"),
    _free("/item/public_token/exchange", "turn a consent into an access token; creates the Item"),
    _free(
        "/item/get",
        "when Plaid last saw the bank, and whether the login works",
        _per_minute((15, 5_000), (40, 5_000)),
        is_callable=True,
    ),
    # Irreversible, and it ends the subscription: a verb of its own, never by `call_api`.
    _free(
        "/item/remove", "end the login and its monthly fee", _per_minute((30, 2_000), (100, 500))
    ),
    _free("/item/webhook/update", "where Plaid delivers to"),
    _free(
        "/accounts/get",
        "accounts and balances of Plaid's last look",
        _per_minute((15, 15_000), (100, 5_000)),
        is_callable=True,
    ),
    _paid(
        "/accounts/balance/get",
        "balance",
        "balances from the bank, now",
        _per_minute((5, 1_200), (25, 100)),
    ),
    # On an Item without Transactions it would add and bill the subscription: not by `call_api`.
    _free(
        "/transactions/sync",
        "changes since a cursor, inside the subscription",
        _per_minute((50, 2_500), (50, 1_000)),
        timeout_s=30.0,
    ),
    _paid(
        "/transactions/refresh",
        "transactions_refresh",
        "make Plaid look at the bank; answers nothing",
        _per_minute((2, 100)),
    ),
    _free(
        "/institutions/get_by_id",
        "how a bank does",
        _per_minute((None, 400)),
        is_callable=True,
    ),
    # Our own bound, against forged key ids: half of it is asked for.
    _free("/webhook_verification_key/get", "a key that signs deliveries", _per_minute((None, 24))),
    _free("/sandbox/public_token/create", "a login without a person; sandbox only"),
    _free("/sandbox/item/fire_webhook", "make a delivery come; sandbox only", is_callable=True),
    _free("/sandbox/item/reset_login", "break a login; sandbox only", is_callable=True),
)
ENDPOINTS = {endpoint.name: endpoint for endpoint in _LISTED}


def _hints(reason: str, *streams: str) -> tuple[Signal, ...]:
    return tuple(Signal(stream, reason) for stream in streams)


EVENTS: dict[tuple[str, str], tuple[Signal, ...]] = {
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): _hints(
        "Plaid says that transactions changed", HEALTH, TRANSACTIONS
    ),
    # Legacy ones are sent too; the look that they cause tells whether anything is to be read.
    ("TRANSACTIONS", "INITIAL_UPDATE"): _hints("Plaid says that its first pull is done", HEALTH),
    ("TRANSACTIONS", "HISTORICAL_UPDATE"): _hints(
        "Plaid says that the history is complete", HEALTH
    ),
    ("TRANSACTIONS", "DEFAULT_UPDATE"): _hints("Plaid says that transactions came", HEALTH),
    ("TRANSACTIONS", "TRANSACTIONS_REMOVED"): _hints(
        "Plaid says that transactions went", HEALTH, TRANSACTIONS
    ),
    ("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"): (),
    ("ITEM", "ERROR"): _hints("Plaid says that the login does not work", HEALTH),
    ("ITEM", "LOGIN_REPAIRED"): _hints(
        "Plaid says that the login works again", HEALTH, ACCOUNTS, REFUSED
    ),
    ("ITEM", "PENDING_DISCONNECT"): _hints("Plaid says that the login will end soon", HEALTH),
    ("ITEM", "PENDING_EXPIRATION"): _hints("Plaid says that the consent will end soon", HEALTH),
    ("ITEM", "USER_PERMISSION_REVOKED"): _hints(
        "Plaid says that the person took the consent back", HEALTH
    ),
    ("ITEM", "USER_ACCOUNT_REVOKED"): _hints(
        "Plaid says that the person took an account back", HEALTH, ACCOUNTS
    ),
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): _hints("Plaid says that there are new accounts", ACCOUNTS),
    ("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"): _hints(
        "Plaid says that it delivers to another address", HEALTH
    ),
    # They name a link token and no Item: whoever waits for that session asks how it ended.
    ("LINK", "SESSION_FINISHED"): (),
    ("LINK", "ITEM_ADD_RESULT"): (),
    ("LINK", "EVENTS"): (),
    # Configured in Plaid's dashboard; names a bank and no Item.
    ("DASHBOARD_CONFIGURED_ALERT", "INSTITUTION_STATUS_ALERT_TRIGGERED"): _hints(
        "Plaid says that the bank does badly", HEALTH
    ),
}
NOTICES = {
    ("ITEM", "PENDING_DISCONNECT"): NoticeKind.DISCONNECT,
    ("ITEM", "PENDING_EXPIRATION"): NoticeKind.CONSENT_ENDS,
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): NoticeKind.NEW_ACCOUNTS,
}
"""Events that announce what no call can tell."""
EVERYTHING = (HEALTH, TRANSACTIONS, ACCOUNTS)
"""What an event that is not declared may mean."""

_ALWAYS = date(1970, 1, 1)
"""No report says since when, and every day needs a price."""
_CHECKED_ON = date(2026, 11, 25)


def _assumed(item: str, per: Per, micros: int, source: str) -> Price:
    return Price(NAME, item, per, Cost(micros), _ALWAYS, source, _CHECKED_ON, is_assumed=True)


PRICES = (
    _assumed(
        "balance", Per.CALL, 100_000, "an application form of 2026 on GitHub; Plaid lists no prices"
    ),
    _assumed("transactions_refresh", Per.CALL, 120_000, "one public report; Plaid lists no prices"),
    _assumed(
        "connection",
        Per.CONNECTION_MONTH,
        300_000,
        "GitHub firefly-iii/firefly-iii#7790 (January 2024),"
        " dvankley/firefly-plaid-connector-2#67 (February 2024); Plaid lists no prices",
    ),
)

SPEC = RailSpec(
    name=NAME,
    base_urls=BASE_URLS,
    endpoints=ENDPOINTS,
    events=EVENTS,
    prices=PRICES,
    live="accounts.balance.get",
    repaired=_hints("a person went through the login's page again", HEALTH, ACCOUNTS, REFUSED),
)
