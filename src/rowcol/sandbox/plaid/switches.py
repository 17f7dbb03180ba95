"""Switches: what nobody could verify about Plaid, one field each, so that tests run under both answers.

| switch | default | the question it answers |
|---|---|---|
| live_call_refreshes_cache | False | Does `/accounts/balance/get` renew what `/accounts/get` serves? |
| refresh_renews_unchanged | True | Does a refresh that found no transaction renew cached balances and the update time? |
| pulls_move_last_update | True | Does the real Sandbox move `last_successful_update` on background pulls? |
| broken_item_serves_cache | True | Do free data endpoints still answer for an Item in error? |
| capital_one_rule_by_item | True | Does any non-depository account on the Item demand the floor, or only requested ones? |
| apple_card_rule | True | Does Apple Card (newer SDK text) demand the floor too? |
| out_of_range_type | INVALID_RESULT | Type of LAST_UPDATED_DATETIME_OUT_OF_RANGE (older: INVALID_REQUEST). |
| out_of_range_http_status | 400 | Its HTTP status. |
| sandbox_error_http_status | 400 | HTTP status of SANDBOX_WEBHOOK_INVALID. |
| unset_webhook_is_empty | True | Is an Item without webhook shown with `""` (SDK 46) or null (older)? |
| sends_retry_after | False | Do 429 answers carry `Retry-After`? |
| limit_window | sliding | Shape of the rate-limit minute: `sliding` or `fixed`. |
| limits_table | production | Which documented table counts: `production` or `sandbox`. |
| enforce_limits | True | Answer 429, or only count (violations and peaks are kept either way). |
| retry_delays_s | 30 s x4 | How often and when an unanswered webhook is tried again. |
| suppression_share | 0.9 | No retries when more than this share was rejected in 24 h ... |
| suppression_sample_min | 10 | ... among at least so many attempts. |
| fire_generates_transactions | False | Does firing SYNC_UPDATES_AVAILABLE also make transactions (seen 17 Jul 2026)? |
| login_expires_days | None | Do Items fall into ITEM_LOGIN_REQUIRED by themselves (real Sandbox: 30)? |
| fresh_item_status_is_null | False | Is `status` of an Item to which nothing happened null, or an object with null times? |
| hosted_link_life_s | None | Life of a Hosted Link token if the request names none: as any link token (4 h), or 1800 (docs)? |
| update_mode_has_public_token | False | Does a session of update mode report a public token, which nobody may exchange? |
| update_mode_sends_session_finished | True | Is SESSION_FINISHED sent for update mode, to the Item's webhook? |
| session_status_is_lower | False | Is `status` of SESSION_FINISHED `success` (SDK 46) or `SUCCESS` (docs)? |
| sends_link_events | True | Does LINK/EVENTS precede each SESSION_FINISHED (docs: yes, for Hosted Link)? |
| duplicate_breaks_older | False | Does linking an account again break the older Item, at the banks that the docs name? |
| institution_status | True | Does `/institutions/get_by_id` give a status (Production yes, real Sandbox no)? |
| update_mode_is_strict | True | Are `products` refused beside an `access_token`, and `update` without one? |
| empty_account_ids_mean_all | True | Does `options.account_ids: []` mean every account, or is it INVALID_FIELD? |
| latency | none | Live calls answer at once, or `typical`: p50 3 s, p95 11 s, at most 30 s, on the clock. |
| live_failure_share | 0.0 | Share of live calls that end in INSTITUTION_NOT_RESPONDING. |
| initial_update_s, historical_update_s | 8, 60 | When the first 30 days and the rest are there after linking. |
| refresh_s | 5 | When the pull of `/transactions/refresh` is done. |

Prices are `billing.Prices`. Not modelled, as no endpoint shows them: plans and Trial slots, `/user/*/refresh`,
`/beta/webhook_events/list`, the cheapest product for an Item that only reads balances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """The table above; a value is set once, for the life of an emulator."""

    live_call_refreshes_cache: bool = False
    refresh_renews_unchanged: bool = True
    pulls_move_last_update: bool = True
    broken_item_serves_cache: bool = True
    capital_one_rule_by_item: bool = True
    apple_card_rule: bool = True
    out_of_range_type: str = "INVALID_RESULT"
    out_of_range_http_status: int = 400
    sandbox_error_http_status: int = 400
    unset_webhook_is_empty: bool = True
    sends_retry_after: bool = False
    limit_window: Literal["sliding", "fixed"] = "sliding"
    limits_table: Literal["production", "sandbox"] = "production"
    enforce_limits: bool = True
    retry_delays_s: tuple[int, ...] = (30, 120, 480, 1_920, 7_680, 30_720)
    suppression_share: float = 0.9
    suppression_sample_min: int = 10
    fire_generates_transactions: bool = False
    login_expires_days: int | None = None
    fresh_item_status_is_null: bool = False
    hosted_link_life_s: int | None = None
    update_mode_has_public_token: bool = False
    update_mode_sends_session_finished: bool = True
    session_status_is_lower: bool = False
    sends_link_events: bool = True
    duplicate_breaks_older: bool = False
    institution_status: bool = True
    update_mode_is_strict: bool = True
    empty_account_ids_mean_all: bool = True
    latency: Literal["none", "typical"] = "none"
    live_failure_share: float = 0.0
    initial_update_s: int = 8
    historical_update_s: int = 60
    refresh_s: int = 5
