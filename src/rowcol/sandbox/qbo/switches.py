"""Switches: what nobody could verify about QuickBooks Online, one field each, so that tests run under both answers.

| switch | default | the question it answers |
|---|---|---|
| cdc_metering | call | Does one `/cdc` cost one CorePlus call, or one per listed `entity`? |
| batch_metering | item | Does `/batch` cost one CorePlus call per `item` (Intuit's sample says so), or per `request`? |
| rotation_grace_s | 0 | How long a superseded refresh token still works (older docs: 86400). |
| auth_code_life_s | 600 | How long the code of a consent may be exchanged. |
| retry_after | None | Seconds in a `Retry-After` header of 429 answers; None sends no header. |
| throttle_status | 429 | HTTP status of a throttle; 403 with code 3001 was seen in 2016. |
| throttle_body | json | Body of a throttle; `xml` was seen in spite of `Accept: application/json`. |
| wrong_company_status | 401 | HTTP status of code 3100, a token used on another company. |
| invalid_client_status | 401 | HTTP status of `invalid_client`, a wrong id or secret: OAuth wants 401, Intuit may say 400. |
| cdc_has_derived_balances | True | Does `/cdc` return rows that changed by their derived balance only? |
| cdc_has_inactive | True | Does `/cdc` return name-list rows that were made inactive? |
| cdc_has_deposit | True | Does `/cdc` know Deposit (Intuit: yes, Nango: no)? |
| cdc_over_30_days | fault_400 | What an older `changedSince` gets: `fault_400`, `fault_500`, or `clamp` to 30 days. |
| cdc_future | fault_400 | What a `changedSince` after the company's own clock gets: `fault_400`, or an `empty` answer. |
| changed_since | inclusive | Is a change at that very second part of the answer (`exclusive`: no)? |
| webhook_format | cloudevents | Body of webhooks; `legacy` is the `eventNotifications` form. |
| webhook_content_type | application/json | `application/cloudevents+json` may come, too. |
| void_suffix | void | Spelling in the event type: `void` or `voided`. |
| echo_own_writes | True | Do writes by the API come back as webhooks to the app that made them? |
| webhook_linked_changes | False | Are there events for what changed along: the Bill of a BillPayment, derived balances? |
| multi_realm_posts | False | May one POST hold events of several companies? |
| webhook_gather_s | 0 | How long events are gathered into one POST. |
| webhook_retries_s | 10 s ... 6 h | The retry ladder; its last step repeats. |
| head_of_line_blocking | True | Does a failed POST hold back all later ones of the app? |
| merge_touches_references | True | Do transactions of a merged name get a new LastUpdatedTime? |
| merge_has_tombstone | True | Does `/cdc` tell of the name that a merge ended? |
| numeric_strings | True | Are amounts in writes accepted as JSON strings, as python-quickbooks sends them? |
| currency_ref | always | Which companies send `CurrencyRef`: `always` (recorded in sandboxes), or with `multicurrency` only; these others refuse it in writes of an app. |
| amount_decimals | currency | How fine may an amount be: as its `currency` (JPY: none), or `two` decimals in every one, as the help page of a vendor says? |
| high_minorversion | refuse | Is a `minorversion` above 75 a 400 (`refuse`), or does it `serve` 75? 1 to 74 serve 75; what is no positive number is always refused. |
| unknown_parameters | refuse | Is an unknown query parameter a 400 (`refuse`), or is it not looked at (`ignore`)? Those of reports are always refused. |
| reports_limit | None | Reports per minute and company; third parties say 200. |
| in_list_max | None | Values an IN list may hold; more is a 400. |
| statement_max | None | Characters of a query; more is a 400. |
| requestid_retention_s | None | How long a `requestid` replays its answer; None: for ever. |
| enforce_limits | True | Answer 429, or only count. |

Not modelled: concurrency beyond requests per second, e-mail limits, gains and losses of exchange, minor versions other
than 75.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """The table above; a value is set once, for the life of an emulator."""

    cdc_metering: Literal["call", "entity"] = "call"
    batch_metering: Literal["item", "request"] = "item"
    rotation_grace_s: int = 0
    auth_code_life_s: int = 600
    retry_after: int | None = None
    throttle_status: Literal[429, 403] = 429
    throttle_body: Literal["json", "xml"] = "json"
    wrong_company_status: int = 401
    invalid_client_status: Literal[401, 400] = 401
    cdc_has_derived_balances: bool = True
    cdc_has_inactive: bool = True
    cdc_has_deposit: bool = True
    cdc_over_30_days: Literal["fault_400", "fault_500", "clamp"] = "fault_400"
    cdc_future: Literal["fault_400", "empty"] = "fault_400"
    changed_since: Literal["inclusive", "exclusive"] = "inclusive"
    webhook_format: Literal["cloudevents", "legacy"] = "cloudevents"
    webhook_content_type: str = "application/json"
    void_suffix: Literal["void", "voided"] = "void"
    echo_own_writes: bool = True
    webhook_linked_changes: bool = False
    multi_realm_posts: bool = False
    webhook_gather_s: float = 0.0
    webhook_retries_s: tuple[int, ...] = (10, 20, 30, 300, 1_200, 7_200, 14_400, 21_600)
    head_of_line_blocking: bool = True
    merge_touches_references: bool = True
    merge_has_tombstone: bool = True
    numeric_strings: bool = True
    currency_ref: Literal["always", "multicurrency"] = "always"
    amount_decimals: Literal["currency", "two"] = "currency"
    high_minorversion: Literal["refuse", "serve"] = "refuse"
    unknown_parameters: Literal["refuse", "ignore"] = "refuse"
    reports_limit: int | None = None
    in_list_max: int | None = None
    statement_max: int | None = None
    requestid_retention_s: int | None = None
    enforce_limits: bool = True
