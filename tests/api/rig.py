"""Rig: the HTTP API on the engine's rig, two firms, a token for each role, asked in process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

from rowcol.api.app import create_app
from rowcol.api.examples import REQUESTS
from rowcol.api.operations import OPERATIONS, Operation
from rowcol.core.identity import account_id_of
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.records import Business, Firm
from rowcol.services.tokens import ROLES, issue
from tests.fakes import ACCOUNT
from tests.rig import BUSINESS, CONNECTION, FIRM, Rig, rig

OTHER_FIRM = FirmId("firm-2")
OTHER_BUSINESS = BusinessId("biz-2")
PATHS = {
    "business_id": BUSINESS,
    "connection_id": CONNECTION,
    "remote_id": ACCOUNT,
    "account_id": account_id_of(CONNECTION, ACCOUNT),
    "delivery_id": "del-none",
    "token_id": "0" * 64,
    "bill_id": "b1",
    "consent_id": "lnk-none",
    "session_id": "lnk-none",
}
GUARDED = [o for o in OPERATIONS if o.role is not None]


@dataclass
class Face:
    """An API with its tokens, by role; `other` is the admin of another firm."""

    it: Rig
    app: FastAPI
    client: httpx2.AsyncClient
    tokens: dict[str, str]
    other: str = ""

    async def ask(
        self, method: str, path: str, role: str | None = "admin", **more: Any
    ) -> httpx2.Response:
        """As the holder of a role; None: without a token."""
        token = self.tokens.get(role or "", role)
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return await self.client.request(method, path, headers=headers, **more)

    async def do(self, operation: Operation, role: str | None) -> httpx2.Response:
        """An operation with its example, on the first firm's things."""
        body = REQUESTS.get(operation.key)
        more = {} if body is None else {"json": body}
        return await self.ask(operation.method, operation.path.format(**PATHS), role, **more)


@asynccontextmanager
async def face(folder: Path, *, firms: int = 1) -> AsyncIterator[Face]:
    """After the first look at the login."""
    async with rig(folder) as it:
        await it.settle()
        plane, now = it.plane, it.clock.now()
        tokens = {
            role: (await issue(plane.store, plane.rng, FIRM, (role, role), now))[0]
            for role in ROLES
        }
        other = ""
        if firms > 1:
            await plane.store.add_firm(Firm(OTHER_FIRM, "Other firm", now))
            row = Business(OTHER_BUSINESS, OTHER_FIRM, "Other client", "b-2", now)
            await plane.store.add_business(OTHER_FIRM, row)
            other, _ = await issue(plane.store, plane.rng, OTHER_FIRM, ("admin", "them"), now)
        app = create_app(plane)
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://rowcol") as client:
            yield Face(it, app, client, tokens, other)
