"""Webhooks of QuickBooks over HTTP: both forms, several companies in one body, and nothing that stops what comes after."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from rowcol.api.app import create_app
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.connection import Connection
from rowcol.core.delivery import RouteState
from rowcol.core.ids import AppId, BusinessId, ConnectionId, RemoteId
from rowcol.core.records import Business, Firm
from rowcol.services.plane import OpenPlane
from rowcol.simulation.sockets import bound, serving, url_of
from tests.fakes import T0, FakeClock
from tests.rig import FIRM, settings

VERIFIER = "verifier"
APP = App(
    AppId("qbo-main"),
    "qbo",
    "production",
    "http://127.0.0.1:9",
    {"client_id": "", "secret": "", "verifier_token": VERIFIER},
    name="main",
)
PATH = "/webhooks/qbo/main"
REALMS = ("9341452831234567891", "9130357992221046")
"""The first has 19 digits: as a float it would be another company."""


@dataclass
class Hook:
    """A service on a port with two companies."""

    plane: OpenPlane
    client: httpx2.AsyncClient

    async def post(self, body: bytes, **headers: str) -> int:
        signed = b64encode(hmac.digest(VERIFIER.encode(), body, "sha256")).decode()
        given = {"intuit-signature": signed, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return (await self.client.post(PATH, content=body, headers=given)).status_code

    async def routes(self) -> set[tuple[str, str, RouteState]]:
        rows = await self.plane.store.list_deliveries(FIRM)
        return {(row.remote_id, row.kind, row.state) for row in rows}


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[Hook]:
    parts = Parts(clock=FakeClock(), apps=(APP,))
    async with Plane.open(settings(tmp_path), parts=parts, run=False, may_be_new=True) as plane:
        await plane.store.add_firm(Firm(FIRM, "Firm", T0))
        for n, realm in enumerate(REALMS):
            business, login = BusinessId(f"biz-{n}"), ConnectionId(f"con-{n}")
            await plane.store.add_business(FIRM, Business(business, FIRM, f"B {n}", f"b{n}", T0))
            row = Connection(
                login, FIRM, business, "qbo", APP.id, "production", RemoteId(realm), "", "", T0
            )
            await plane.store.add_connection(FIRM, row, b"sealed")
        port = bound()
        async with (
            serving(create_app(plane), port),
            httpx2.AsyncClient(base_url=url_of(port), trust_env=False) as client,
        ):
            yield Hook(plane, client)


def event(realm: str, kind: str = "qbo.bill.updated.v1", n: int = 1) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"88cd52aa-33b6-4351-9aa4-{n:012}",
        "source": "intuit.x",
        "type": kind,
        "time": "2026-11-02T12:00:00Z",
        "intuitentityid": "5",
        "intuitaccountid": realm,
        "data": {},
    }


@pytest.mark.parametrize("content_type", ["application/json", "application/cloudevents+json"])
async def test_one_body_speaks_of_several_companies(hook: Hook, content_type: str) -> None:
    body = json.dumps([event(realm) for realm in REALMS]).encode()
    assert await hook.post(body, content_type=content_type) == 200
    assert await hook.routes() == {
        (realm, "qbo.bill.updated", RouteState.RECEIVED) for realm in REALMS
    }


async def test_a_copy_is_stored_once_and_another_event_is_another(hook: Hook) -> None:
    first, second = (json.dumps([event(REALMS[0], n=n)]).encode() for n in (1, 2))
    assert [await hook.post(each) for each in (second, first, first, second)] == [200] * 4
    assert len(await hook.plane.store.list_deliveries(FIRM)) == 2


async def test_the_older_form_is_read_too(hook: Hook) -> None:
    entities = [{"name": "Bill", "id": "5", "operation": "Update"}]
    notice = {"realmId": REALMS[0], "dataChangeEvent": {"entities": entities}}
    assert await hook.post(json.dumps({"eventNotifications": [notice]}).encode()) == 200
    assert {realm for realm, _, _ in await hook.routes()} == {REALMS[0]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"not json",
        b'{"hello": 1}',
        json.dumps([event("123")]).encode(),
        json.dumps([event("123", "qbo.unheard.of.v9")]).encode(),
    ],
    ids=["nothing", "empty", "not-json", "neither-form", "another-company", "unknown-kind"],
)
async def test_whatever_is_signed_is_kept_and_answered_200(hook: Hook, body: bytes) -> None:
    """Anything else holds back every later event of the app."""
    assert await hook.post(body) == 200
    assert await hook.routes() == set()
    assert len(await hook.plane.store.list_unmatched()) == 1


async def test_what_is_not_signed_is_refused(hook: Hook) -> None:
    body = json.dumps([event(REALMS[0])]).encode()
    assert await hook.post(body, intuit_signature="AAAA") == 401
    assert await hook.post(body, intuit_signature="") == 401
    assert await hook.routes() == set()
