"""Books rig: the HTTP API on the fake books, a token for each role, asked in process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from rowcol.api.app import create_app
from rowcol.services.tokens import ROLES, issue
from tests.fake_books import BooksRig, books_rig
from tests.rig import BUSINESS, FIRM

HERE = f"/v1/businesses/{BUSINESS}"


@dataclass
class BooksFace:
    """An API on books with its tokens, by role."""

    it: BooksRig
    client: httpx2.AsyncClient
    tokens: dict[str, str]

    async def ask(
        self, method: str, path: str, role: str | None = "admin", **more: Any
    ) -> httpx2.Response:
        """As the holder of a role; None: without a token. `path`: of the business where it begins with no slash."""
        token = self.tokens.get(role or "")
        headers = {**({} if token is None else {"authorization": f"Bearer {token}"})}
        headers |= more.pop("headers", {})
        where = path if path.startswith("/") else f"{HERE}/{path}"
        return await self.client.request(method, where, headers=headers, **more)


@asynccontextmanager
async def books_face(folder: Path, *, connected: bool = True) -> AsyncIterator[BooksFace]:
    """After the first reading of the company, if one is connected."""
    async with books_rig(folder, connected=connected) as it:
        await it.settle()
        plane, now = it.plane, it.clock.now()
        tokens = {
            role: (await issue(plane.store, plane.rng, FIRM, (role, role), now))[0]
            for role in ROLES
        }
        transport = httpx2.ASGITransport(app=create_app(plane))
        async with httpx2.AsyncClient(transport=transport, base_url="http://rowcol") as client:
            yield BooksFace(it, client, tokens)
