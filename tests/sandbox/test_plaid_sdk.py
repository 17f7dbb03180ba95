"""Strangers at the emulator's door: plaid-python calls every endpoint with type checks on, PyJWT verifies webhooks.

Any TypeError, ApiTypeError or ApiValueError here is a wrong shape of ours; over real sockets on loopback.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from importlib import import_module
from typing import Any

import httpx2
import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.delivery import HttpWebhookSender
from rowcol.sandbox.plaid import PlaidEmulator, Switches, plaid_app
from rowcol.sandbox.plaid.endpoints import ENDPOINTS
from rowcol.sandbox.plaid.fields import FIELDS
from rowcol.sandbox.world import World
from tests.sandbox.rig import SeedBits
from tests.sandbox.serving import serving

plaid: Any = import_module("plaid")
api: Any = import_module("plaid.api.plaid_api")


def model_type(name: str) -> Any:
    """An SDK model; its module is its name in snake case."""
    snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")
    return getattr(import_module(f"plaid.model.{snake}"), name)


def model(name: str, **values: Any) -> Any:
    """An instance of an SDK model."""
    return model_type(name)(**values)


@dataclass
class Answer:
    """What the SDK reads a model from."""

    data: str


@dataclass
class Stranger:
    """The official client at an emulator, a receiver of its webhooks, and the control API."""

    client: Any
    control: httpx2.Client
    webhook: str
    received: list[tuple[bytes, str]]
    asked: set[str]

    def steer(self, path: str, /, **body: Any) -> Any:
        answer = self.control.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def kid(self) -> str:
        kid: str = self.control.get("/_control/state").json()["signing_kid"]
        return kid

    def link(self, **options: Any) -> str:
        made = self.client.sandbox_public_token_create(
            model(
                "SandboxPublicTokenCreateRequest",
                institution_id="ins_109508",
                initial_products=[model("Products", value="transactions")],
                options=model(
                    "SandboxPublicTokenCreateRequestOptions", webhook=self.webhook, **options
                ),
            )
        )
        exchanged = self.client.item_public_token_exchange(
            model("ItemPublicTokenExchangeRequest", public_token=made.public_token)
        )
        token: str = exchanged.access_token
        return token


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    received: list[tuple[bytes, str]] = []

    async def receive(request: Request) -> PlainTextResponse:
        received.append((await request.body(), request.headers["plaid-verification"]))
        return PlainTextResponse("")

    hook = Starlette(routes=[Route("/hook", receive, methods=["POST"])])
    asked: set[str] = set()
    sender = HttpWebhookSender()
    app = plaid_app(PlaidEmulator(World(), ManualClock(), SeedBits(7), Switches(), sender))

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        asked.add(scope["path"])
        await app(scope, receive, send)

    with serving(hook) as hook_url, serving(noting, sender.aclose) as url:
        keys = {
            "clientId": "sandbox-client",
            "secret": "sandbox-secret",
            "plaidVersion": "2020-09-14",
        }
        raw = plaid.ApiClient(plaid.Configuration(host=url, api_key=keys))
        with raw, httpx2.Client(base_url=url, trust_env=False) as control:
            yield Stranger(api.PlaidApi(raw), control, f"{hook_url}/hook", received, asked)
        raw.rest_client.pool_manager.clear()


def test_every_endpoint(stranger: Stranger) -> None:
    client = stranger.client
    token = stranger.link(override_username="user_transactions_dynamic", override_password="x")
    before_ready = client.transactions_sync(model("TransactionsSyncRequest", access_token=token))
    assert before_ready.transactions_update_status.value == "NOT_READY"
    stranger.steer("clock/advance", seconds=120)
    _link_tokens(stranger, token)
    _reads(stranger, token)
    _sandbox(stranger, token)
    client.transactions_refresh(model("TransactionsRefreshRequest", access_token=token))
    webhook_update = model("ItemWebhookUpdateRequest", access_token=token, webhook=stranger.webhook)
    client.item_webhook_update(webhook_update)
    rotated = client.item_access_token_invalidate(
        model("ItemAccessTokenInvalidateRequest", access_token=token)
    )
    token = rotated.new_access_token
    client.sandbox_item_reset_login(model("SandboxItemResetLoginRequest", access_token=token))
    broken = client.item_get(model("ItemGetRequest", access_token=token))
    assert broken.item.error.error_code == "ITEM_LOGIN_REQUIRED"
    client.item_remove(model("ItemRemoveRequest", access_token=token))
    client.webhook_verification_key_get(
        model("WebhookVerificationKeyGetRequest", key_id=stranger.kid())
    )
    assert stranger.asked >= {endpoint.path for endpoint in ENDPOINTS}


def _link_tokens(stranger: Stranger, token: str) -> None:
    user = model("LinkTokenCreateRequestUser", client_user_id="u1")
    common = {
        "client_name": "RowCol",
        "language": "en",
        "country_codes": [model("CountryCode", value="US")],
        "user": user,
    }
    hosted = model(
        "LinkTokenCreateRequest",
        **common,
        products=[model("Products", value="transactions")],
        hosted_link=model("LinkTokenCreateHostedLink", url_lifetime_seconds=900),
    )
    for more in (
        {
            "products": [model("Products", value="transactions")],
            "webhook": stranger.webhook,
            "transactions": model("LinkTokenTransactions", days_requested=730),
        },
        {"access_token": token},
    ):
        answer = stranger.client.link_token_create(
            model("LinkTokenCreateRequest", **common, **more)
        )
        assert isinstance(answer.expiration, datetime)
        known = stranger.client.link_token_get(
            model("LinkTokenGetRequest", link_token=answer.link_token)
        )
        assert known.expiration == answer.expiration
        assert known.link_sessions == []
    assert stranger.client.link_token_create(hosted).hosted_link_url.startswith("http://127.0.0.1:")


def _reads(stranger: Stranger, token: str) -> None:
    client = stranger.client
    item = client.item_get(model("ItemGetRequest", access_token=token))
    assert isinstance(item.status.transactions.last_successful_update, datetime)
    accounts = client.accounts_get(model("AccountsGetRequest", access_token=token))
    live = client.accounts_balance_get(model("AccountsBalanceGetRequest", access_token=token))
    assert accounts.accounts[0].account_id == live.accounts[0].account_id
    page = client.transactions_sync(model("TransactionsSyncRequest", access_token=token, count=500))
    assert len(page.added) == 50
    assert isinstance(page.added[0].date, date)
    for bank in ("ins_56", "ins_132363", "ins_132361"):
        answer = client.institutions_get_by_id(
            model(
                "InstitutionsGetByIdRequest",
                institution_id=bank,
                country_codes=[model("CountryCode", value="US")],
                options=model(
                    "InstitutionsGetByIdRequestOptions",
                    include_status=True,
                    include_optional_metadata=True,
                ),
            )
        )
        assert answer.institution.status.transactions_updates.breakdown.refresh_interval


def _sandbox(stranger: Stranger, token: str) -> None:
    fired = stranger.client.sandbox_item_fire_webhook(
        model(
            "SandboxItemFireWebhookRequest",
            access_token=token,
            webhook_code="SYNC_UPDATES_AVAILABLE",
        )
    )
    assert fired.webhook_fired
    row = model(
        "CustomSandboxTransaction",
        date_transacted=date(2026, 1, 4),
        date_posted=date(2026, 1, 5),
        amount=12.5,
        description="Ordered",
    )
    stranger.client.sandbox_transactions_create(
        model("SandboxTransactionsCreateRequest", access_token=token, transactions=[row])
    )


def test_all_kinds_of_accounts_and_changes(stranger: Stranger) -> None:
    token = stranger.link()
    stranger.steer("clock/advance", seconds=120)
    accounts = stranger.client.accounts_get(
        model("AccountsGetRequest", access_token=token)
    ).accounts
    assert len(accounts) == 8
    dynamic = stranger.link(override_username="user_transactions_dynamic", override_password="x")
    stranger.steer("clock/advance", seconds=120)
    request = {"access_token": dynamic, "count": 500}
    first = stranger.client.transactions_sync(model("TransactionsSyncRequest", **request))
    stranger.client.transactions_refresh(model("TransactionsRefreshRequest", access_token=dynamic))
    stranger.steer("clock/advance", seconds=10)
    page = stranger.client.transactions_sync(
        model("TransactionsSyncRequest", **request, cursor=first.next_cursor)
    )
    assert page.added
    assert page.modified
    assert page.removed


def test_errors_are_read_by_the_sdk(stranger: Stranger) -> None:
    token = stranger.link()
    stranger.steer("faults", knob="outage", institution_id="ins_109508")
    request = model("AccountsBalanceGetRequest", access_token=token)
    with pytest.raises(plaid.ApiException) as failure:
        stranger.client.accounts_balance_get(request)
    assert failure.value.status == 400
    assert json.loads(failure.value.body)["error_code"] == "INSTITUTION_DOWN"
    billing = stranger.control.get("/_control/billing").json()
    assert billing["calls"] == []


LINK = {
    "client_name": "RowCol",
    "language": "en",
    "country_codes": ["US"],
    "user": {"client_user_id": "u1"},
    "products": ["transactions"],
}
JSON = {"Content-Type": "application/json"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("/link/token/create", LINK | {"language": "tlh"}, "INVALID_FIELD"),
    ("/link/token/create", LINK | {"country_codes": ["XX"]}, "INVALID_FIELD"),
    ("/link/token/create", LINK | {"products": ["balance"]}, "INVALID_PRODUCT"),
    ("/link/token/create", LINK | {"webhook": "nowhere"}, "INVALID_FIELD"),
    ("/link/token/create", LINK | {"transactions": {"days_requested": 731}}, "INVALID_FIELD"),
    ("/link/token/create", LINK | {"user": {}}, "MISSING_FIELDS"),
    ("/link/token/create", LINK | {"user": {"client_user_id": "a@b.c"}}, "INVALID_FIELD"),
    ("/link/token/create", LINK | {"access_token": "{token}"}, "INVALID_FIELD"),
    ("/accounts/get", {"access_token": "{token}", "options": {"count": 1}}, "UNKNOWN_FIELDS"),
    ("/accounts/get", {"access_token": "access-production-1"}, "INVALID_ACCESS_TOKEN"),
    ("/transactions/sync", {"access_token": "{token}", "count": 501}, "INVALID_FIELD"),
    ("/transactions/sync", {"access_token": "{token}", "cursor": "{other}"}, "INVALID_FIELD"),
    ("/item/remove", {"access_token": "{token}", "reason_code": "BORED"}, "INVALID_FIELD"),
    ("/item/webhook/update", {"access_token": "{token}", "webhook": "nowhere"}, "INVALID_FIELD"),
    ("/sandbox/public_token/create", {"institution_id": "ins_56"}, "MISSING_FIELDS"),
    (
        "/sandbox/item/fire_webhook",
        {"access_token": "{token}", "webhook_code": "PENDING_EXPIRATION"},
        "INVALID_FIELD",
    ),
]


def test_refusals_are_read_by_the_sdk(stranger: Stranger) -> None:
    """The SDK's models would not send this; what it raises has the answer in it."""
    token, other = stranger.link(), stranger.link()
    stranger.steer("clock/advance", seconds=120)
    page = stranger.client.transactions_sync(model("TransactionsSyncRequest", access_token=other))
    known = {"{token}": token, "{other}": page.next_cursor}
    for path, body, code in REFUSED:
        filled = {
            key: known.get(value, value) if isinstance(value, str) else value
            for key, value in body.items()
        }
        with pytest.raises(plaid.ApiException) as failure:
            stranger.client.api_client.call_api(
                path, "POST", header_params=JSON, body=filled, auth_settings=["clientId", "secret"]
            )
        said = json.loads(failure.value.body)
        assert (failure.value.status, said["error_code"]) == (400, code), (path, body, said)
        is_input = code in {"INVALID_PRODUCT", "INVALID_ACCESS_TOKEN"}
        assert said["error_type"] == ("INVALID_INPUT" if is_input else "INVALID_REQUEST")
        assert said["request_id"]
        assert said["display_message"] is None
    assert stranger.client.item_get(model("ItemGetRequest", access_token=token)).item.error is None


def test_every_field_of_the_sdk_is_known() -> None:
    """What the official client may send is never refused as unknown."""
    for path, fields in FIELDS.items():
        name = "".join(part.title() for part in path.replace("_", "/").split("/")) + "Request"
        sent = set(model_type(name).attribute_map.values()) - {"client_id", "secret"}
        assert sent == set(fields), path
        options = fields.get("options")
        if options is not None and path != "/sandbox/item/fire_webhook":
            inner = set(model_type(f"{name}Options").attribute_map.values())
            assert inner == set(options.inside or {}), path


def test_webhooks_are_what_the_sdk_says_they_are(stranger: Stranger) -> None:
    """Each body has exactly what the model of the official client requires, errors as its PlaidError."""
    made = stranger.steer(
        "items",
        institution_id="ins_13",
        accounts=[{"name": "One"}, {"name": "Two"}],
        webhook=stranger.webhook,
    )
    item = {"item_id": made["item_id"]}
    for knob, more in (
        ("break_login", {"reason": "OAUTH_INVALID_TOKEN"}),
        ("repair", {}),
        ("consent_expires", {"at": "2026-02-01T00:00:00Z"}),
        ("pending_expiration", {}),
        ("new_account", {"account": {"name": "Three"}}),
        ("revoke_account", {"account_id": made["accounts"][0]["account_id"]}),
        ("revoke", {}),
    ):
        stranger.steer("faults", knob=knob, **item, **more)
    stranger.steer("deliver")
    names = (
        "ItemErrorWebhook",
        "ItemLoginRepairedWebhook",
        "PendingDisconnectWebhook",
        "PendingExpirationWebhook",
        "NewAccountsAvailableWebhook",
        "UserAccountRevokedWebhook",
        "UserPermissionRevokedWebhook",
    )
    bodies = {(body := json.loads(raw))["webhook_code"]: body for raw, _ in stranger.received}
    assert len(bodies) == len(names)
    read = stranger.client.api_client
    for name, (code, body) in zip(names, bodies.items(), strict=True):
        sent = Answer(json.dumps(body))
        webhook = read.deserialize(sent, (model_type(name),), True)
        assert (webhook.webhook_type, webhook.webhook_code) == ("ITEM", code)
        assert set(body) <= set(model_type(name).attribute_map.values()), code
    for code, error in (("ERROR", "ITEM_LOGIN_REQUIRED"), ("USER_PERMISSION_REVOKED", "")):
        said = bodies[code]["error"]
        assert (said["error_type"], said["error_code"]) == ("ITEM_ERROR", error or code)
        assert said["status"] == 400
        assert "request_id" not in said
    assert bodies["PENDING_DISCONNECT"]["disconnect_time"] == "2026-02-01T00:00:00Z"
    assert bodies["PENDING_EXPIRATION"]["consent_expiration_time"] == "2026-01-12T09:00:00Z"


def test_a_fresh_item_has_a_status_of_null_times(stranger: Stranger) -> None:
    token = stranger.link()
    answer = stranger.client.item_get(model("ItemGetRequest", access_token=token))
    transactions = answer.status.transactions
    assert (transactions.last_successful_update, transactions.last_failed_update) == (None, None)
    assert answer.status.last_webhook is None


def test_webhooks_are_verified_by_pyjwt(stranger: Stranger) -> None:
    stranger.link()
    stranger.steer("clock/advance", seconds=120)
    assert [json.loads(body)["webhook_code"] for body, _ in stranger.received] == [
        "INITIAL_UPDATE",
        "HISTORICAL_UPDATE",
    ]
    for body, token in stranger.received:
        header = jwt.get_unverified_header(token)
        assert (header["alg"], header["typ"]) == ("ES256", "JWT")
        answer = stranger.client.webhook_verification_key_get(
            model("WebhookVerificationKeyGetRequest", key_id=header["kid"])
        )
        key = {name: answer.key[name] for name in ("kty", "crv", "x", "y", "alg", "use", "kid")}
        claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=["ES256"])
        assert claims["request_body_sha256"] == sha256(body).hexdigest()


def test_a_reset_connection_was_billed(stranger: Stranger) -> None:
    token = stranger.link()
    stranger.steer("faults", knob="corrupt", path="/accounts/balance/get", kind="reset")
    request = {"client_id": "sandbox-client", "secret": "sandbox-secret", "access_token": token}
    with pytest.raises(httpx2.TransportError):
        stranger.control.post("/accounts/balance/get", json=request)
    billing = stranger.control.get("/_control/billing").json()
    assert billing["clients"]["sandbox-client"]["balance_calls"] == 1
