"""Nonsense in requests: refused with Plaid's code at HTTP 400, and nothing has changed by it.

Of these 109 requests 25 were accepted before there was one table of fields (`fields`), two were refused when half of what
they asked was done, and 30 had another code (a wrong type was INVALID_BODY, which the docs keep for what is no JSON).
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.fields import FIELDS
from tests.sandbox.rig import CREDENTIALS, WEBHOOK, Rig, ask

LINK = {
    "client_name": "RowCol",
    "language": "en",
    "country_codes": ["US"],
    "user": {"client_user_id": "u1"},
    "products": ["transactions"],
}
ROW = {
    "date_transacted": "2026-01-04",
    "date_posted": "2026-01-04",
    "amount": 1,
    "description": "Tea",
}
SANDBOX = {"institution_id": "ins_56", "initial_products": ["transactions"]}
GOOD: dict[str, dict[str, Any]] = {
    "/link/token/create": LINK,
    "/sandbox/public_token/create": SANDBOX,
    "/institutions/get_by_id": {"institution_id": "ins_56", "country_codes": ["US"]},
    "/sandbox/transactions/create": {"transactions": [ROW]},
    "/sandbox/item/fire_webhook": {"webhook_code": "LOGIN_REPAIRED"},
    "/webhook_verification_key/get": {"key_id": "x"},
}
WITHOUT_ITEM = {*GOOD} - {"/sandbox/transactions/create", "/sandbox/item/fire_webhook"}
FIELD, MISSING, UNKNOWN = "INVALID_FIELD", "MISSING_FIELDS", "UNKNOWN_FIELDS"
ACCOUNT, BANK, PRODUCT = "INVALID_ACCOUNT_ID", "INVALID_INSTITUTION", "INVALID_PRODUCT"

LINK_CASES: list[tuple[dict[str, Any], str]] = [
    ({"client_name": ""}, FIELD),
    ({"client_name": None}, MISSING),
    ({"client_name": 5}, FIELD),
    ({"language": "xx"}, FIELD),
    ({"language": "en-US"}, FIELD),
    ({"language": ["en"]}, FIELD),
    ({"country_codes": []}, FIELD),
    ({"country_codes": ["USA"]}, FIELD),
    ({"country_codes": ["us"]}, FIELD),
    ({"country_codes": "US"}, FIELD),
    ({"country_codes": [1]}, FIELD),
    ({"products": []}, MISSING),
    ({"products": None}, MISSING),
    ({"products": ["balance"]}, PRODUCT),
    ({"products": ["transaction"]}, PRODUCT),
    ({"products": ["auth", "auth"]}, FIELD),
    ({"products": "transactions"}, FIELD),
    ({"optional_products": ["balance"]}, PRODUCT),
    ({"additional_consented_products": ["nothing"]}, PRODUCT),
    ({"webhook": "example.com"}, FIELD),
    ({"webhook": "ftp://example.com"}, FIELD),
    ({"webhook": "https://"}, FIELD),
    ({"webhook": "https://ex ample.com"}, FIELD),
    ({"webhook": 5}, FIELD),
    ({"redirect_uri": "nowhere"}, FIELD),
    ({"transactions": {"days_requested": 0}}, FIELD),
    ({"transactions": {"days_requested": 731}}, FIELD),
    ({"transactions": {"days_requested": "90"}}, FIELD),
    ({"transactions": {"days_requested": True}}, FIELD),
    ({"transactions": {"days_requestd": 90}}, UNKNOWN),
    ({"transactions": []}, FIELD),
    ({"user": {}}, MISSING),
    ({"user": None}, MISSING),
    ({"user": {"client_user_id": ""}}, FIELD),
    ({"user": {"client_user_id": 7}}, FIELD),
    ({"user": {"client_user_id": "u1", "nick": "x"}}, UNKNOWN),
    ({"user": "u1"}, FIELD),
    ({"user": {"client_user_id": "ann@example.com"}}, FIELD),
    ({"user_id": "u1"}, FIELD),
    ({"access_token": ""}, FIELD),
    ({"update": {"account_selection_enabled": True}}, FIELD),
    ({"hosted_link": {"url_lifetime_seconds": 0}}, FIELD),
    ({"hosted_link": {"url_lifetime_seconds": "9"}}, FIELD),
    ({"hosted_link": {"delivery_method": "sms"}}, FIELD),
    ({"hosted_link": {"nothing": 1}}, UNKNOWN),
    ({"account_filters": {"savings": {}}}, UNKNOWN),
    ({"account_filters": {"depository": {"account_subtype": []}}}, UNKNOWN),
    ({"account_filters": {"depository": {"account_subtypes": "all"}}}, FIELD),
    ({"webhok": WEBHOOK}, UNKNOWN),
]
CASES: list[tuple[str, dict[str, Any], str]] = [
    *(("/link/token/create", body, code) for body, code in LINK_CASES),
    ("/item/get", {"options": {}}, UNKNOWN),
    ("/item/get", {"access_token": ""}, "INVALID_ACCESS_TOKEN"),
    ("/item/get", {"access_token": None}, MISSING),
    ("/accounts/get", {"options": {"account_ids": ["x"]}}, ACCOUNT),
    ("/accounts/get", {"options": {"account_id": "x"}}, UNKNOWN),
    ("/accounts/get", {"options": []}, FIELD),
    (
        "/accounts/get",
        {"options": {"min_last_updated_datetime": "2026-01-01T00:00:00Z"}},
        UNKNOWN,
    ),
    ("/accounts/balance/get", {"options": {"account_ids": ["x"]}}, ACCOUNT),
    ("/accounts/balance/get", {"options": {"min_last_updated_datetime": "soon"}}, FIELD),
    (
        "/accounts/balance/get",
        {"options": {"min_last_updated_datetime": "2026-01-01T00:00:00"}},
        FIELD,
    ),
    ("/accounts/balance/get", {"options": {"min_last_updated_datetime": 1}}, FIELD),
    ("/transactions/sync", {"count": 0}, FIELD),
    ("/transactions/sync", {"count": 501}, FIELD),
    ("/transactions/sync", {"count": "500"}, FIELD),
    ("/transactions/sync", {"count": 5.5}, FIELD),
    ("/transactions/sync", {"cursor": "nonsense"}, FIELD),
    ("/transactions/sync", {"cursor": 5}, FIELD),
    ("/transactions/sync", {"options": {"days_requested": 731}}, FIELD),
    ("/transactions/sync", {"options": {"account_id": "x"}}, ACCOUNT),
    ("/transactions/sync", {"options": {"personal_finance_category_version": "v9"}}, FIELD),
    ("/transactions/sync", {"options": {"account_ids": []}}, UNKNOWN),
    ("/transactions/refresh", {"options": {}}, UNKNOWN),
    ("/item/remove", {"reason_code": "BORED"}, FIELD),
    ("/item/remove", {"reason_code": 5}, FIELD),
    ("/item/remove", {"reason_note": "x" * 513}, FIELD),
    ("/item/webhook/update", {"webhook": "nowhere"}, FIELD),
    ("/sandbox/public_token/create", {"institution_id": "ins_0"}, BANK),
    ("/sandbox/public_token/create", {"initial_products": []}, FIELD),
    ("/sandbox/public_token/create", {"initial_products": ["balance"]}, PRODUCT),
    ("/sandbox/public_token/create", {"initial_products": ["nothing"]}, PRODUCT),
    ("/sandbox/public_token/create", {"options": {"webhook": "nowhere"}}, FIELD),
    ("/sandbox/public_token/create", {"options": {"overide_username": "x"}}, UNKNOWN),
    (
        "/sandbox/public_token/create",
        {"options": {"transactions": {"days_requested": True}}},
        FIELD,
    ),
    ("/sandbox/public_token/create", {"options": {"transactions": {"start_date": "soon"}}}, FIELD),
    ("/sandbox/item/fire_webhook", {"webhook_code": "NOTHING"}, FIELD),
    ("/sandbox/item/fire_webhook", {"webhook_code": "PENDING_EXPIRATION"}, FIELD),
    ("/sandbox/item/fire_webhook", {"webhook_type": "NOTHING"}, FIELD),
    ("/sandbox/item/fire_webhook", {"webhook_type": "TRANSACTIONS"}, FIELD),
    ("/sandbox/item/fire_webhook", {"options": {"new_transactions": "2"}}, FIELD),
    ("/sandbox/transactions/create", {"transactions": []}, FIELD),
    ("/sandbox/transactions/create", {"transactions": [ROW] * 11}, FIELD),
    ("/sandbox/transactions/create", {"transactions": [ROW, ROW | {"amount": "x"}]}, FIELD),
    ("/sandbox/transactions/create", {"transactions": [ROW, ROW | {"amount": True}]}, FIELD),
    ("/sandbox/transactions/create", {"transactions": [ROW, ROW | {"note": "x"}]}, UNKNOWN),
    ("/sandbox/transactions/create", {"transactions": [ROW, {"amount": 1}]}, MISSING),
    (
        "/sandbox/transactions/create",
        {"transactions": [ROW, ROW | {"date_posted": "soon"}]},
        FIELD,
    ),
    (
        "/sandbox/transactions/create",
        {"transactions": [ROW, ROW | {"date_transacted": "2026-01-09"}]},
        FIELD,
    ),
    (
        "/sandbox/transactions/create",
        {"transactions": [ROW, ROW | {"date_transacted": "2025-12-01"}]},
        FIELD,
    ),
    ("/sandbox/transactions/create", {"transactions": [ROW, ROW | {"account_id": "x"}]}, ACCOUNT),
    ("/institutions/get_by_id", {"institution_id": "ins_0"}, BANK),
    ("/institutions/get_by_id", {"country_codes": ["XX"]}, FIELD),
    ("/institutions/get_by_id", {"country_codes": []}, FIELD),
    ("/institutions/get_by_id", {"country_codes": ["GB"]}, BANK),
    ("/institutions/get_by_id", {"options": {"include_status": "yes"}}, FIELD),
    ("/institutions/get_by_id", {"options": {"include_state": True}}, UNKNOWN),
    ("/webhook_verification_key/get", {"key_id": 5}, FIELD),
    ("/webhook_verification_key/get", {}, "INVALID_WEBHOOK_VERIFICATION_KEY_ID"),
    ("/item/public_token/exchange", {"public_token": "nonsense"}, "INVALID_PUBLIC_TOKEN"),
    ("/item/public_token/exchange", {"public_token": "public-sandbox-1"}, "INVALID_PUBLIC_TOKEN"),
    ("/link/token/get", {"link_token": "nonsense"}, "INVALID_LINK_TOKEN"),
]


def state_of(rig: Rig) -> Any:
    """What a refused request must leave alone."""
    emulator = rig.emulator
    ledgers = [rig.world.ledger(account_id) for account_id in rig.world.account_ids()]
    return (
        [(item.webhook, item.removed_at, item.error) for item in emulator.items.values()],
        [ledger.balance_at(datetime.max.replace(tzinfo=rig.now.tzinfo)) for ledger in ledgers],
        len(emulator.link_tokens.all()),
        len(emulator.outbox),
        emulator.billing.report(rig.now),
    )


@pytest.mark.parametrize(("path", "body", "code"), CASES)
async def test_nonsense_is_refused(rig: Rig, path: str, body: dict[str, Any], code: str) -> None:
    item = rig.item()
    before = state_of(rig)
    is_other = path in WITHOUT_ITEM or not _takes_token(path)
    token = {} if is_other else {"access_token": item.access_token}
    status, answer = await rig.call(path, **{**token, **GOOD.get(path, {}), **body})
    assert (status, answer.get("error_code")) == (400, code), answer
    kind = "INVALID_REQUEST" if code in {FIELD, MISSING, UNKNOWN} else "INVALID_INPUT"
    assert answer["error_type"] == kind
    assert state_of(rig) == before


def _takes_token(path: str) -> bool:
    return path in FIELDS and FIELDS[path].get("access_token") is not None


@pytest.mark.parametrize("path", FIELDS)
async def test_every_endpoint_names_what_it_misses_and_what_it_does_not_know(
    rig: Rig, path: str
) -> None:
    required = [name for name, field in FIELDS[path].items() if field.is_required]
    status, answer = await rig.call(path)
    assert (status, answer["error_code"]) == (400, MISSING)
    assert all(name in answer["error_message"] for name in required)
    token = {"access_token": rig.item().access_token} if _takes_token(path) else {}
    good = dict.fromkeys(required, "x") | token | GOOD.get(path, {})
    status, answer = await rig.call(path, **good, surplus=1)
    assert (status, answer["error_code"]) == (400, UNKNOWN)
    assert "surplus" in answer["error_message"]


async def test_what_is_not_declared_as_json_is_not_read(rig: Rig) -> None:
    raw = json.dumps(CREDENTIALS).encode()
    for path in FIELDS:
        for declared in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
            status, answer = await ask(rig.app, path, raw, headers=[("Content-Type", declared)])
            assert (status, json.loads(answer)["error_code"]) == (400, "INVALID_BODY")


async def test_a_request_says_what_it_is(rig: Rig) -> None:
    raw = json.dumps(CREDENTIALS).encode()
    status, answer = await ask(rig.app, "/item/get", raw, headers=[("Accept", "*/*")])
    assert (status, json.loads(answer)["error_code"]) == (400, "INVALID_HEADERS")
    declared = [("Content-Type", "application/json; charset=utf-8")]
    status, answer = await ask(rig.app, "/item/get", raw, headers=declared)
    assert json.loads(answer)["error_code"] == MISSING


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_another_method_is_not_found(rig: Rig, method: str) -> None:
    status, raw = await ask(rig.app, "/item/get", CREDENTIALS, method)
    assert (status, json.loads(raw)["error_code"]) == (404, "NOT_FOUND")


async def test_keys_of_the_wrong_type_are_no_keys(rig: Rig) -> None:
    for wrong in ({"client_id": 5}, {"secret": ["sandbox-secret"]}):
        status, raw = await ask(rig.app, "/item/get", CREDENTIALS | wrong)
        assert (status, json.loads(raw)["error_code"]) == (400, FIELD)


async def test_the_cursor_of_another_item_is_refused_in_plaids_words(rig: Rig) -> None:
    one, other = rig.item(), rig.item(rig.account("other"))
    cursor = (await rig.ok("/transactions/sync", access_token=one.access_token))["next_cursor"]
    body = {"access_token": other.access_token, "cursor": cursor}
    status, answer = await rig.call("/transactions/sync", **body)
    assert (status, answer["error_code"]) == (400, FIELD)
    assert answer["error_message"] == "cursor not associated with access_token"


async def test_a_cursor_beyond_the_log_is_refused(rig: Rig) -> None:
    from rowcol.sandbox.plaid.transactions import Cursor

    item = rig.item()
    for base, position in ((0, 10_000), (-1, 0), (5, 0)):
        cursor = Cursor(item.item_id, "*", base, position).encode()
        body = {"access_token": item.access_token, "cursor": cursor}
        assert await rig.error("/transactions/sync", **body) == FIELD


async def test_update_mode_names_an_item_and_no_products(rig: Rig) -> None:
    body = LINK | {"access_token": rig.item().access_token}
    assert await rig.error("/link/token/create", **body) == FIELD
    await rig.ok("/link/token/create", **{**body, "products": None})
    lenient = Rig(Switches(update_mode_is_strict=False))
    await lenient.ok("/link/token/create", **LINK, access_token=lenient.item().access_token)
    await lenient.ok("/link/token/create", **LINK, update={"account_selection_enabled": True})


async def test_what_an_empty_list_of_accounts_means_is_a_switch(rig: Rig) -> None:
    strict = Rig(Switches(empty_account_ids_mean_all=False))
    item, other = rig.item(), strict.item()
    for path in ("/accounts/get", "/accounts/balance/get"):
        nobody: dict[str, Any] = {"options": {"account_ids": []}}
        answer = await rig.ok(path, access_token=item.access_token, **nobody)
        assert len(answer["accounts"]) == 1
        assert await strict.error(path, access_token=other.access_token, **nobody) == FIELD
