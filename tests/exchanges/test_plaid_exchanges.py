"""Plaid's recorded texts, read by a stranger: plaid-python with type checks on.

An exchange or a delivery that the official models refuse would bind adapter and emulator to a
mistake of ours. Not here: whether our adapter and our emulator honour the texts; each has its own
test for that. The models let unknown keys and unknown enum members pass; `strays` finds them.
Start at `read_by_sdk`; the format is in `tests/exchanges/plaid/README.md`.
"""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

# Imported by name: the package ships no types, and 2,326 models load lazily this way.
plaid: Any = import_module("plaid")
model_utils: Any = import_module("plaid.model_utils")

TESTS = Path(__file__).resolve().parent.parent
EXCHANGES = sorted((TESTS / "exchanges" / "plaid").glob("*.json"))
DELIVERIES = sorted((TESTS / "deliveries" / "plaid").glob("*.json"))

# Path -> (request model, response model), both of plaid-python 46.0.0.
MODELS: dict[str, tuple[str, str]] = {
    "/accounts/balance/get": ("AccountsBalanceGetRequest", "AccountsGetResponse"),
    "/accounts/get": ("AccountsGetRequest", "AccountsGetResponse"),
    "/institutions/get_by_id": ("InstitutionsGetByIdRequest", "InstitutionsGetByIdResponse"),
    "/item/get": ("ItemGetRequest", "ItemGetResponse"),
    "/item/public_token/exchange": (
        "ItemPublicTokenExchangeRequest",
        "ItemPublicTokenExchangeResponse",
    ),
    "/item/remove": ("ItemRemoveRequest", "ItemRemoveResponse"),
    "/item/webhook/update": ("ItemWebhookUpdateRequest", "ItemWebhookUpdateResponse"),
    "/link/token/create": ("LinkTokenCreateRequest", "LinkTokenCreateResponse"),
    "/link/token/get": ("LinkTokenGetRequest", "LinkTokenGetResponse"),
    "/sandbox/item/fire_webhook": (
        "SandboxItemFireWebhookRequest",
        "SandboxItemFireWebhookResponse",
    ),
    "/sandbox/item/reset_login": ("SandboxItemResetLoginRequest", "SandboxItemResetLoginResponse"),
    "/sandbox/public_token/create": (
        "SandboxPublicTokenCreateRequest",
        "SandboxPublicTokenCreateResponse",
    ),
    "/sandbox/transactions/create": (
        "SandboxTransactionsCreateRequest",
        "SandboxTransactionsCreateResponse",
    ),
    "/transactions/refresh": ("TransactionsRefreshRequest", "TransactionsRefreshResponse"),
    "/transactions/sync": ("TransactionsSyncRequest", "TransactionsSyncResponse"),
    "/webhook_verification_key/get": (
        "WebhookVerificationKeyGetRequest",
        "WebhookVerificationKeyGetResponse",
    ),
}

# Delivery file -> webhook model.
WEBHOOK_MODELS: dict[str, str] = {
    "DASHBOARD_CONFIGURED_ALERT.INSTITUTION_STATUS_ALERT_TRIGGERED": (
        "InstitutionStatusAlertWebhook"
    ),
    "ITEM.ERROR": "ItemErrorWebhook",
    "ITEM.LOGIN_REPAIRED": "ItemLoginRepairedWebhook",
    "ITEM.NEW_ACCOUNTS_AVAILABLE": "NewAccountsAvailableWebhook",
    "ITEM.PENDING_DISCONNECT": "PendingDisconnectWebhook",
    "ITEM.PENDING_EXPIRATION": "PendingExpirationWebhook",
    "ITEM.USER_ACCOUNT_REVOKED": "UserAccountRevokedWebhook",
    "ITEM.USER_PERMISSION_REVOKED": "UserPermissionRevokedWebhook",
    "ITEM.WEBHOOK_UPDATE_ACKNOWLEDGED": "WebhookUpdateAcknowledgedWebhook",
    "LINK.EVENTS": "LinkEventsWebhook",
    "LINK.ITEM_ADD_RESULT": "ItemAddResultWebhook",
    "LINK.SESSION_FINISHED": "LinkSessionFinishedWebhook",
    "TRANSACTIONS.DEFAULT_UPDATE": "DefaultUpdateWebhook",
    "TRANSACTIONS.HISTORICAL_UPDATE": "HistoricalUpdateWebhook",
    "TRANSACTIONS.INITIAL_UPDATE": "InitialUpdateWebhook",
    "TRANSACTIONS.RECURRING_TRANSACTIONS_UPDATE": "RecurringTransactionsUpdateWebhook",
    "TRANSACTIONS.SYNC_UPDATES_AVAILABLE": "SyncUpdatesAvailableWebhook",
    "TRANSACTIONS.TRANSACTIONS_REMOVED": "TransactionsRemovedWebhook",
}

# Exchanges whose request is wrong on purpose: the SDK would refuse to send it.
WRONG_REQUESTS = {"accounts.balance.get.missing_fields", "accounts.balance.get.unknown_fields"}

PLACEHOLDERS = {
    "access_token",
    "account_id",
    "account_id_401k",
    "account_id_credit",
    "account_id_ira",
    "account_id_other",
    "account_id_savings",
    "app_id",
    "client_id",
    "client_user_id",
    "cursor",
    "event_id",
    "institution_id",
    "item_id",
    "key_id",
    "link_session_id",
    "link_token",
    "next_cursor",
    "pending_transaction_id",
    "persistent_account_id",
    "public_token",
    "request_id",
    "secret",
    "transaction_id",
    "transaction_id_2",
    "transaction_id_3",
}

# Required by the older spec (1.697.4) and promised by the docs for /transactions/sync, yet no
# longer by the SDK's model: the emulator sends them, the adapter does without.
TRANSACTION_KEYS = {
    "account_owner",
    "location",
    "name",
    "payment_meta",
    "pending_transaction_id",
}

HEADERS = {
    "Content-Type": "application/json",
    "PLAID-CLIENT-ID": "{client_id}",
    "PLAID-SECRET": "{secret}",
    "Plaid-Version": "2020-09-14",
}


def sdk_model(name: str) -> Any:
    """Find the SDK class; its module has the same name in snake case."""
    module = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return getattr(import_module(f"plaid.model.{module}"), name)


def read_by_sdk(body: object, name: str) -> Any:
    """Read `body` as if from the wire; raises on a missing key or a wrong JSON type."""
    client = plaid.ApiClient(plaid.Configuration(host="http://sandbox.invalid"))
    return client.deserialize(SimpleNamespace(data=json.dumps(body)), (sdk_model(name),), True)


def strays(value: object, at: str = "$") -> Iterator[str]:
    """Name keys that no model declares and enum members that no model lists."""
    if isinstance(value, list):
        for index, element in enumerate(value):
            yield from strays(element, f"{at}[{index}]")
        return
    if not isinstance(value, model_utils.OpenApiModel):
        return
    name, known = type(value).__name__, type(value).attribute_map
    allowed = type(value).allowed_values
    # A composed model keeps each value in itself or in one of its parts.
    parts = [value, *vars(value).get("_composed_instances", [])]
    stored = {key: child for part in parts for key, child in vars(part)["_data_store"].items()}
    for key, child in stored.items():
        if key not in known and not isinstance(value, model_utils.ModelSimple):
            yield f"{at}.{key} is unknown to {name}"
        members = allowed.get((key,), {}).values()
        if members and child is not None and child not in members:
            yield f"{at}.{key} = {child!r} is not listed by {name}"
        yield from strays(child, f"{at}.{key}")


def load(path: Path) -> dict[str, Any]:
    """Read one file, as an object."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def named(paths: list[Path]) -> pytest.MarkDecorator:
    """Run a test once per file, under the name of the file."""
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


@named(EXCHANGES)
def test_exchange_is_complete(path: Path) -> None:
    """Where it comes from, when it was checked, and both halves."""
    exchange = load(path)
    assert exchange["source"]
    assert all(exchange["source"])
    assert exchange["checked_on"] >= "2026-11-25"
    assert exchange["note"]
    assert exchange["shape_only"] is True
    assert set(exchange["request"]) == {"method", "path", "headers", "body"}
    assert exchange["request"]["method"] == "POST"
    assert exchange["request"]["headers"] == HEADERS
    assert set(exchange["response"]) == {"status", "body"}
    assert exchange["response"]["body"]["request_id"] == "{request_id}"


@named(EXCHANGES)
def test_exchange_is_named_after_its_path(path: Path) -> None:
    """A listing of the folder is a table of contents."""
    wire_path = load(path)["request"]["path"]
    assert wire_path in MODELS
    assert re.fullmatch(
        re.escape(wire_path.strip("/").replace("/", ".")) + r"\.[a-z0-9_]+", path.stem
    )


@named(EXCHANGES)
def test_emulator_setup_agrees_with_the_response(path: Path) -> None:
    """A fault is named by the code it answers with; no fault means 200."""
    exchange = load(path)
    setup = exchange["emulator_setup"]
    assert {"item", "fault"} <= set(setup) <= {"item", "state", "fault"}
    assert setup["fault"] == exchange["response"]["body"].get("error_code")
    assert (setup["fault"] is None) == (exchange["response"]["status"] == 200)


@named(EXCHANGES)
def test_placeholders_are_the_documented_ones(path: Path) -> None:
    """A new name is a new promise between two programs; add it to the list first."""
    used = set(re.findall(r"\{([a-z0-9_]+)\}", path.read_text(encoding="utf-8")))
    assert used <= PLACEHOLDERS


@named([path for path in EXCHANGES if path.stem not in WRONG_REQUESTS])
def test_sdk_accepts_the_request(path: Path) -> None:
    """Our request is one that the official client could have sent, without keys of our own."""
    request = load(path)["request"]
    assert list(strays(read_by_sdk(request["body"], MODELS[request["path"]][0]))) == []


@named(EXCHANGES)
def test_sdk_reads_the_response(path: Path) -> None:
    """2xx by the endpoint's model, everything else by the error model."""
    exchange = load(path)
    is_error = exchange["response"]["status"] >= 300
    model = "PlaidError" if is_error else MODELS[exchange["request"]["path"]][1]
    assert list(strays(read_by_sdk(exchange["response"]["body"], model))) == []


def test_transactions_have_the_keys_the_sdk_dropped() -> None:
    """The stricter of the two contracts binds the emulator."""
    pages = [
        exchange["response"]["body"]
        for exchange in map(load, EXCHANGES)
        if "next_cursor" in exchange["response"]["body"]
    ]
    transactions = [row for page in pages for row in (*page["added"], *page["modified"])]
    assert transactions
    assert [row["name"] for row in transactions if not row.keys() >= TRANSACTION_KEYS] == []


def test_each_endpoint_has_a_success() -> None:
    """No endpoint is known by its faults alone."""
    succeeded = {
        exchange["request"]["path"]
        for exchange in map(load, EXCHANGES)
        if exchange["emulator_setup"]["fault"] is None
    }
    assert succeeded == set(MODELS)


def test_each_webhook_has_a_delivery() -> None:
    """Declared without a file, or a file undeclared: both fail."""
    assert {path.stem for path in DELIVERIES} == set(WEBHOOK_MODELS)


@named(DELIVERIES)
def test_delivery_is_the_signed_bytes(path: Path) -> None:
    """Two spaces of indentation, no newline at the end: one more byte and the hash is another."""
    raw = path.read_bytes()
    body = json.loads(raw)
    assert raw == json.dumps(body, indent=2).encode()
    assert path.stem == f"{body['webhook_type']}.{body['webhook_code']}"


@named(DELIVERIES)
def test_sdk_reads_the_delivery(path: Path) -> None:
    """Every body is one that the webhook model takes."""
    assert list(strays(read_by_sdk(load(path), WEBHOOK_MODELS[path.stem]))) == []


def test_deliveries_speak_of_one_item() -> None:
    """So a test may set up a single connection for all of them."""
    items = {body["item_id"] for body in map(load, DELIVERIES) if "item_id" in body}
    assert len(items) == 1
    assert re.fullmatch(r"[A-Za-z0-9]{37}", items.pop())
