"""Sessions over HTTP: a hosted page is begun, its end is read, a login is repaired where it is; nobody else's is found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rowcol.api.app import create_app
from rowcol.core.ids import FirmId
from rowcol.core.records import Firm
from rowcol.services import sessions
from rowcol.services.tokens import ROLES, issue
from tests.api.books_rig import books_face
from tests.fake_plaid import BANK, CHECKING, PlaidRig, kinds, plaid_rig
from tests.rails.plaid import kit
from tests.rig import BUSINESS, FIRM

CONNECTIONS = f"/v1/businesses/{BUSINESS}/connections"
METADATA = {"institution": BANK, "accounts": [CHECKING], "link_session_id": "s", "more": 1}


@dataclass
class Client:
    """The API on the fake Plaid, with a token for each role; `them` is the admin of another firm."""

    it: PlaidRig
    http: httpx2.AsyncClient
    tokens: dict[str, str]

    async def __call__(
        self, method: str, path: str, role: str = "advisor", **more: Any
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.tokens[role]}"}
        return await self.http.request(method, path, headers=headers, **more)

    async def begin(self, **body: Any) -> dict[str, Any]:
        answer = await self("POST", f"{CONNECTIONS}/link-token", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def state(self, session: str, **after: float) -> dict[str, Any]:
        """As the service's own loop leaves it."""
        self.it.clock.advance(timedelta(**(after or {"seconds": 5})))
        for link in await self.it.plane.store.due_links(self.it.clock.now(), 8):
            await sessions.advance(self.it.plane, link)
        answer = await self("GET", f"{CONNECTIONS}/link-sessions/{session}", "viewer")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@asynccontextmanager
async def client(folder: Path) -> AsyncIterator[Client]:
    async with plaid_rig(folder) as it:
        plane, now = it.plane, it.clock.now()
        them = FirmId("firm-2")
        await plane.store.add_firm(Firm(them, "Other firm", now))
        tokens = {
            role: (await issue(plane.store, plane.rng, FIRM, (role, role), now))[0]
            for role in ROLES
        }
        tokens["them"], _ = await issue(plane.store, plane.rng, them, ("admin", "them"), now)
        transport = httpx2.ASGITransport(app=create_app(plane))
        async with httpx2.AsyncClient(transport=transport, base_url="http://rowcol") as http:
            yield Client(it, http, tokens)


async def test_a_page_that_was_gone_through_is_a_login(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        begun = await api.begin()
        assert begun["hosted_link_url"] == f"http://page.example/{begun['link_token']}"
        session = begun["session_id"]
        assert (await api.state(session))["state"] == "open"
        api.it.plaid.goes_through()
        found = await api.state(session)
        assert (found["state"], found["kind"], found["reason"]) == ("done", "CONNECT", "")
        listed = (await api("GET", CONNECTIONS)).json()
        assert [row["id"] for row in listed] == [found["connection"]["id"]]


async def test_a_person_who_left_is_said_with_what_to_do(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        begun = await api.begin()
        api.it.plaid.leaves()
        found = await api.state(begun["session_id"])
        assert (found["state"], found["connection"]) == ("open", None)
        assert "left the page" in found["reason"]
        assert found["what_to_do"]


async def test_reading_a_session_asks_nobody_and_tells_no_address(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        begun = await api.begin()
        api.it.plaid.goes_through()
        api.it.clock.advance(timedelta(minutes=1))
        path = f"{CONNECTIONS}/link-sessions/{begun['session_id']}"
        answer = await api("GET", path, "viewer")
        assert answer.json()["state"] == "open"
        assert "link-token" not in api.it.plaid.calls[-1]
        assert "page.example" not in answer.text
        assert begun["link_token"] not in answer.text


async def test_a_duplicate_is_said_and_allowed(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        login = await api.it.connect(CHECKING)
        begun = await api.begin()
        api.it.plaid.goes_through({**CHECKING, "id": "new"})
        found = await api.state(begun["session_id"])
        assert found["state"] == "duplicate"
        assert login.id in found["reason"]
        begun = await api.begin(allow_duplicate=True)
        api.it.plaid.goes_through({**CHECKING, "id": "new"})
        assert (await api.state(begun["session_id"]))["state"] == "done"


async def test_a_public_token_of_a_known_account_is_a_conflict(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        login = await api.it.connect(CHECKING)
        await api.begin()
        public = api.it.plaid.goes_through({**CHECKING, "id": "new"})
        body = {"public_token": public, "metadata": METADATA}
        answer = await api("POST", CONNECTIONS, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert login.id in answer.json()["detail"]
        assert public in api.it.plaid.offered
        answer = await api("POST", CONNECTIONS, json={**body, "allow_duplicate": True})
        assert answer.status_code == 201


@pytest.mark.parametrize("metadata", [{"accounts": 3}, {}, {"institution": []}])
async def test_odd_metadata_is_no_error(tmp_path: Path, metadata: dict[str, Any]) -> None:
    async with client(tmp_path) as api:
        await api.begin()
        body = {"public_token": api.it.plaid.goes_through(), "metadata": metadata}
        assert (await api("POST", CONNECTIONS, json=body)).status_code == 201


async def test_metadata_that_is_no_object_is_refused(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        body = {"public_token": "public-x", "metadata": "text"}
        assert (await api("POST", CONNECTIONS, json=body)).status_code == 422


async def test_a_login_is_repaired_where_it_is(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        login = await api.it.connect(CHECKING)
        await api.it.breaks(login)
        (told,) = (await api("GET", CONNECTIONS)).json()
        assert told["reconnect"] == f"POST /v1/connections/{login.id}/repair"
        method, path = told["reconnect"].split()
        begun = (await api(method, path)).json()
        assert begun["hosted_link_url"]
        api.it.plaid.repairs()
        found = await api.state(begun["session_id"])
        assert (found["state"], found["kind"]) == ("done", "REPAIR")
        assert (found["connection"]["id"], found["connection"]["health"]) == (login.id, "OK")
        (told,) = (await api("GET", CONNECTIONS)).json()
        assert (told["needs"], told["reconnect"]) == ("", "")


async def test_accounts_are_added_to_a_login(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        login = await api.it.connect(CHECKING)
        begun = (await api("POST", f"/v1/connections/{login.id}/accounts")).json()
        api.it.plaid.repairs()
        found = await api.state(begun["session_id"])
        assert (found["state"], found["kind"]) == ("done", "ADD_ACCOUNTS")


@pytest.mark.parametrize("step", ["repair", "accounts"])
async def test_a_viewer_and_another_firm_begin_nothing(tmp_path: Path, step: str) -> None:
    async with client(tmp_path) as api:
        login = await api.it.connect(CHECKING)
        asked = api.it.plaid.count("link.token.create")
        path = f"/v1/connections/{login.id}/{step}"
        assert (await api("POST", path, "viewer")).status_code == 403
        assert (await api("POST", path, "them")).status_code == 404
        assert api.it.plaid.count("link.token.create") == asked


async def test_another_firm_reads_no_session(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        begun = await api.begin()
        path = f"{CONNECTIONS}/link-sessions/{begun['session_id']}"
        assert (await api("GET", path, "them")).status_code == 404
        assert (await api("GET", f"{CONNECTIONS}/link-sessions/lnk_none")).status_code == 404


async def test_a_company_is_repaired_by_consent_given_anew(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        (row,) = await it.it.plane.store.list_connections(FIRM)
        begun = await it.ask("POST", f"/v1/connections/{row.id}/repair")
        body = begun.json()
        assert (body["link_token"], body["hosted_link_url"][:23]) == ("", "http://consent.example/")
        answer = await it.ask("GET", f"connections/link-sessions/{body['session_id']}")
        assert (answer.json()["state"], answer.json()["kind"]) == ("open", "CONSENT")
        refused = await it.ask("POST", f"/v1/connections/{row.id}/accounts")
        assert refused.status_code == 422


def signed(body: dict[str, Any], at: datetime) -> tuple[bytes, dict[str, str]]:
    raw = json.dumps(body, indent=2).encode()
    return raw, {"plaid-verification": kit.token(kit.HEAD, kit.claims(raw, at))}


async def test_a_signed_delivery_finishes_its_session_and_piles_up_nowhere(tmp_path: Path) -> None:
    async with client(tmp_path) as api:
        api.it.plaid.fails["webhook_verification_key.get"] = (
            200,
            {"key": kit.jwk_of(kit.SECRET), "request_id": "r"},
        )
        begun = await api.begin()
        for _ in range(12):
            await api.state(begun["session_id"], minutes=1)
        api.it.plaid.goes_through()
        body = {
            "webhook_type": "LINK",
            "webhook_code": "SESSION_FINISHED",
            "status": "SUCCESS",
            "link_session_id": "s",
            "link_token": begun["link_token"],
            "public_tokens": ["public-of-somebody-else"],
            "environment": "sandbox",
        }
        raw, headers = signed(body, api.it.clock.now())
        forged = await api.http.post("/webhooks/plaid/main", content=raw + b" ", headers=headers)
        assert forged.status_code == 401
        store, now = api.it.plane.store, api.it.clock.now()
        assert await store.due_links(now, 8) == ()
        taken = await api.http.post("/webhooks/plaid/main", content=raw, headers=headers)
        assert taken.status_code == 200
        assert [link.id for link in await store.due_links(now, 8)] == [begun["session_id"]]
        assert (await api.state(begun["session_id"], seconds=0))["state"] == "done"
        assert await store.list_unmatched() == ()
        exchanged = kinds(api.it.plaid.asked, "item.public_token.exchange")
        assert exchanged == [{"public_token": "public-sandbox-00000001"}], "not what the body said"
