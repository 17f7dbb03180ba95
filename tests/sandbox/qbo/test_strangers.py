"""Strangers at the emulator's door: python-quickbooks and intuit-oauth, unmodified, over real sockets on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.delivery import HttpWebhookSender
from rowcol.sandbox.qbo import QboClient, QboEmulator, Switches, qbo_app
from rowcol.sandbox.qbo.bodies import check
from rowcol.sandbox.qbo.catalog import KINDS
from rowcol.sandbox.qbo.company import Company
from tests.sandbox.qbo.rig import bill_body
from tests.sandbox.rig import SeedBits
from tests.sandbox.serving import serving
from tests.waiting import HANG_S

REDIRECT = "http://127.0.0.1:9/callback"


def sdk(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def objects(name: str) -> Any:
    return sdk(f"quickbooks.objects.{name.lower()}", name)


@dataclass
class Stranger:
    """The official clients at an emulator, and what its webhooks brought."""

    emulator: QboEmulator
    company: Company
    auth: Any
    url: str
    control: httpx2.Client
    received: list[tuple[bytes, str]]
    books_client: Any = None

    def authorize(self, *scopes: str) -> None:
        enum = sdk("intuitlib.enums", "Scopes")
        url = self.auth.get_authorization_url([getattr(enum, scope) for scope in scopes])
        back = httpx2.get(url, follow_redirects=False, trust_env=False)
        assert back.status_code == 302
        query = parse_qs(urlsplit(back.headers["location"]).query)
        assert query["state"] == [self.auth.state_token]
        self.auth.get_bearer_token(query["code"][0], query["realmId"][0])

    def open(self) -> Any:
        self.authorize("ACCOUNTING")
        client_class = sdk("quickbooks", "QuickBooks")
        base = {"api_url_v3": f"{self.url}/v3", "sandbox_api_url_v3": f"{self.url}/v3"}
        local = type("LocalQB", (client_class,), base)
        self.books_client = local(
            auth_client=self.auth,
            refresh_token=self.auth.refresh_token,
            company_id=self.company.realm_id,
            minorversion=75,
            use_decimal=True,
            verifier_token="qbo-verifier",
        )
        return self.books_client


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stranger]:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("NO_PROXY", "*")
    received: list[tuple[bytes, str]] = []
    # The official client checks an id token by the system's clock, so the emulator's begins there.
    start = datetime.fromtimestamp(tmp_path.stat().st_mtime, UTC)

    async def receive(request: Request) -> PlainTextResponse:
        received.append((await request.body(), request.headers["intuit-signature"]))
        return PlainTextResponse("")

    hook = Starlette(routes=[Route("/hook", receive, methods=["POST"])])
    sender = HttpWebhookSender(timeout_s=HANG_S)
    emulator = QboEmulator(ManualClock(start), SeedBits(7), Switches(), sender)
    company = emulator.add_company("Craig's Landscaping")
    with serving(hook) as hook_url, serving(qbo_app(emulator), sender.aclose) as url:
        client = QboClient(redirect_uris=(REDIRECT,), webhook_url=f"{hook_url}/hook")
        emulator.add_client("qbo-client", client)
        auth = sdk("intuitlib.client", "AuthClient")(
            "qbo-client", "qbo-secret", REDIRECT, f"{url}/.well-known/openid_configuration/"
        )
        with auth, httpx2.Client(base_url=url, trust_env=False) as control:
            one = Stranger(emulator, company, auth, url, control, received)
            yield one
            if one.books_client is not None:
                one.books_client.session.close()


def test_consent_renewal_and_revocation(stranger: Stranger) -> None:
    auth = stranger.auth
    stranger.authorize("OPENID", "ACCOUNTING")
    assert auth.realm_id == stranger.company.realm_id
    assert auth.x_refresh_token_expires_in == 8_726_400
    assert auth.id_token is not None
    assert auth.get_user_info().json()["realmid"] == stranger.company.realm_id
    first = auth.access_token, auth.refresh_token
    auth.refresh()
    assert auth.access_token != first[0]
    assert auth.refresh_token == first[1]
    assert auth.revoke() is True
    with pytest.raises(sdk("intuitlib.exceptions", "AuthClientError")):
        auth.refresh()


def test_reading(stranger: Stranger) -> None:
    qb = stranger.open()
    books = stranger.company.books
    vendor = books.create("Vendor", {"DisplayName": "O'Neil"})["Id"]
    ids = [books.create("Bill", bill_body(vendor, f"{n}.10"))["Id"] for n in (1, 2, 3)]
    books.update("Bill", ids[0], {"DocNumber": "O'Neil"})
    bill = objects("Bill")
    assert bill.get(ids[2], qb=qb).Balance == Decimal("3.10")
    assert [one.Id for one in bill.choose(ids[:2], qb=qb)] == ids[:2]
    assert [one.Id for one in bill.filter(DocNumber="O'Neil", max_results=10, qb=qb)] == [ids[0]]
    assert [one.Id for one in bill.all(order_by="TotalAmt DESC", qb=qb)] == ids[::-1]
    assert bill.count(qb=qb) == 3
    assert objects("Item").all(qb=qb)[0].Name == "Services"
    assert (
        sdk("quickbooks.objects.company_info", "CompanyInfo")
        .get(stranger.company.realm_id, qb=qb)
        .Country
        == "US"
    )
    assert qb.get_report("BalanceSheet")["Header"]["ReportName"] == "BalanceSheet"


def test_preferences(stranger: Stranger) -> None:
    qb = stranger.open()
    made = {"name": "Tokyo", "country": "JP", "multicurrency": True}
    answer = stranger.control.post("/_control/companies", json=made).json()
    stranger.company = stranger.emulator.companies[answer["realm_id"]]
    found = objects("Preferences").get(qb=qb)
    assert (found.CurrencyPrefs.HomeCurrency.value, found.Id) == ("USD", "1")
    assert found.CurrencyPrefs.MultiCurrencyEnabled is False
    assert found.SalesFormsPrefs.DefaultTerms.value == "3"
    qb.session.close()
    qb = stranger.open()
    [row] = qb.query("SELECT * FROM Preferences")["QueryResponse"]["Preferences"]
    asked = objects("Preferences").from_json(row)
    assert asked.CurrencyPrefs.HomeCurrency.value == "JPY"
    assert asked.CurrencyPrefs.MultiCurrencyEnabled is True


def test_changes(stranger: Stranger) -> None:
    qb = stranger.open()
    books = stranger.company.books
    vendor = books.create("Vendor", {"DisplayName": "V"})["Id"]
    ids = [books.create("Bill", bill_body(vendor, "5"))["Id"] for _ in "ab"]
    books.delete("Bill", ids[0])
    change = sdk("quickbooks.cdc", "change_data_capture")
    since = (stranger.emulator.clock.now() - timedelta(days=1)).isoformat()
    found = change([objects("Bill"), objects("Vendor")], since, qb=qb)
    assert [one.Id for one in found.Bill] == [ids[1], ids[0]]
    assert found.Bill[1].status == "Deleted"
    assert [one.Balance for one in found.Vendor] == [Decimal(5)]


def test_writing(stranger: Stranger) -> None:
    qb = stranger.open()
    vendor = objects("Vendor")()
    vendor.DisplayName = "Made by the SDK"
    saved = vendor.save(qb=qb)
    saved.CompanyName = "Renamed"
    assert saved.save(qb=qb).SyncToken == "1"
    body = stranger.company.books.create("Bill", bill_body(saved.Id, "12.34"))
    bill = objects("Bill").get(body["Id"], qb=qb)
    bill.PrivateNote = "decimals go out as strings"
    assert bill.save(qb=qb, request_id="r1").TotalAmt == Decimal("12.34")
    bill = objects("Bill").get(body["Id"], qb=qb)
    assert bill.delete(qb=qb)["Bill"]["status"] == "Deleted"
    with pytest.raises(sdk("quickbooks.exceptions", "ObjectNotFoundException")):
        objects("Bill").get(body["Id"], qb=qb)


def test_a_property_that_there_is_not(stranger: Stranger) -> None:
    qb = stranger.open()
    vendor = objects("Vendor")()
    vendor.DisplayName, vendor.Surprise = "V", "x"
    with pytest.raises(sdk("quickbooks.exceptions", "ValidationException")) as caught:
        vendor.save(qb=qb)
    assert caught.value.error_code == 2010
    assert stranger.company.books.rows("Vendor") == []


def test_everything_that_the_sdk_has_may_be_written() -> None:
    """Every attribute of its classes, set to what it is set to at first, inside those of its parts as well."""
    for name in KINDS:
        module = {"Class": "trackingclass", "CompanyInfo": "company_info"}.get(name, name.lower())
        one = sdk(f"quickbooks.objects.{module}", name)()
        for key, part in one.class_dict.items():
            setattr(one, key, part())
        details = getattr(one, "detail_dict", {}).values()
        for key, part in one.list_dict.items():
            parts = [part(), *(detail() for detail in details if key == "Line")]
            setattr(one, key, parts)
            for inner in parts:
                for deep_key, deep in inner.class_dict.items():
                    setattr(inner, deep_key, deep())
        if hasattr(one, "AttachableRef") and not isinstance(one.AttachableRef, list):
            one.AttachableRef = []  # the schema has a list
        check(name, json.loads(one.to_json()))


def test_batch_and_void(stranger: Stranger) -> None:
    qb = stranger.open()
    customers = []
    for name in ("A", "B", "A"):
        one = objects("Customer")()
        one.DisplayName = name
        customers.append(one)
    result = sdk("quickbooks.batch", "batch_create")(customers, qb=qb)
    assert [one.DisplayName for one in result.successes] == ["A", "B"]
    assert result.faults[0].Error[0].code == "6240"
    payment = objects("Payment")()
    payment.CustomerRef = result.successes[0].to_ref()
    payment.TotalAmt = 50
    payment = payment.save(qb=qb)
    assert payment.void(qb=qb)["Payment"]["PrivateNote"] == "Voided"
    realm = stranger.company.realm_id
    assert stranger.emulator.meter.by_realm[realm] == 3


def test_a_webhook_is_signed_as_the_sdk_expects(stranger: Stranger) -> None:
    qb = stranger.open()
    stranger.company.books.create("Vendor", {"DisplayName": "V"})
    assert stranger.control.post("/_control/deliver").json() == {"n_delivered": 1}
    body, signature = stranger.received[0]
    assert qb.validate_webhook_signature(body.decode(), signature) is True
    assert qb.validate_webhook_signature(body.decode() + " ", signature) is False
