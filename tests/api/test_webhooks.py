"""Webhooks over real HTTP, signed as Plaid signs: what is stored, what is refused, and how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from rowcol.api.app import create_app
from rowcol.bootstrap import Parts, Plane
from rowcol.core.app import App
from rowcol.core.connection import Connection
from rowcol.core.delivery import RouteState
from rowcol.core.ids import AppId
from rowcol.core.records import Business, Firm
from rowcol.core.seldom import PER_MINUTE
from rowcol.services.plane import OpenPlane
from rowcol.simulation.bench.signing import Es256
from rowcol.simulation.sockets import bound, serving, url_of
from tests.fakes import T0, FakeClock
from tests.rig import BUSINESS, CONNECTION, FIRM, ITEM, settings

APP = App(
    AppId("main"), "plaid", "production", "http://127.0.0.1:9", {"client_id": "", "secret": ""}
)
PATH = "/webhooks/plaid/main"


@dataclass
class Hook:
    """A service on a port, and somebody who can sign."""

    plane: OpenPlane
    signer: Es256
    client: httpx2.AsyncClient
    url: str
    clock: FakeClock

    def signed(
        self, number: int = 0, age: timedelta = timedelta(0)
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a delivery."""
        raw = self.signer.request(PATH, ITEM, number, T0 - age)
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
        headers = {
            name: value for name, _, value in lines if name.startswith(("plaid", "content-t"))
        }
        return headers, body

    async def post(self, headers: dict[str, str], body: bytes, path: str = PATH) -> httpx2.Response:
        return await self.client.post(path, headers=headers, content=body)

    async def stored(self) -> int:
        return len(await self.plane.store.list_deliveries(FIRM))


@asynccontextmanager
async def hook(folder: Path) -> AsyncIterator[Hook]:
    signer = Es256()
    clock = FakeClock()
    parts = Parts(clock=clock, apps=(APP,))
    async with Plane.open(settings(folder), parts=parts, run=False, may_be_new=True) as plane:
        await plane.store.add_firm(Firm(FIRM, "Firm", T0))
        await plane.store.add_business(FIRM, Business(BUSINESS, FIRM, "Business", "b", T0))
        login = Connection(
            CONNECTION, FIRM, BUSINESS, "plaid", APP.id, "production", ITEM, "bank", "Bank", T0
        )
        await plane.store.add_connection(FIRM, login, b"sealed")
        await plane.store.store_key(signer.verification_key(APP.id, T0))
        port = bound()
        async with (
            serving(create_app(plane), port),
            httpx2.AsyncClient(base_url=url_of(port), trust_env=False) as client,
        ):
            yield Hook(plane, signer, client, url_of(port), clock)


async def test_200_means_it_is_on_disk_once(tmp_path: Path) -> None:
    async with hook(tmp_path) as it:
        for _ in range(3):
            answer = await it.post(*it.signed())
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        (row,) = await it.plane.store.list_deliveries(FIRM)
        assert (row.state, row.remote_id) == (RouteState.RECEIVED, ITEM)


async def test_forged_stale_and_unsigned_are_401(tmp_path: Path) -> None:
    async with hook(tmp_path) as it:
        headers, body = it.signed()
        stale = it.signed(age=timedelta(minutes=6))
        for case in (
            (headers, body + b" "),
            stale,
            ({}, body),
            ({"plaid-verification": "x.y.z"}, body),
        ):
            answer = await it.post(*case)
            assert answer.status_code == 401, case
            assert answer.headers["content-type"] == "application/problem+json"
        assert await it.stored() == 0


async def test_signed_bytes_that_are_no_json_are_kept(tmp_path: Path) -> None:
    import hashlib

    import jwt

    async with hook(tmp_path) as it:
        body = b"<html>"
        claims = {
            "iat": int(T0.timestamp()),
            "request_body_sha256": hashlib.sha256(body).hexdigest(),
        }
        token = jwt.encode(claims, it.signer._key, algorithm="ES256", headers={"kid": "bench-key"})
        answer = await it.post({"plaid-verification": token}, body)
        assert answer.status_code == 200
        (kept,) = await it.plane.store.list_unmatched()
        assert kept.kind == "unreadable"


async def test_more_than_a_mebibyte_is_413_however_it_comes(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    async with hook(tmp_path) as it:
        for content in (b"x" * (1024 * 1024 + 1), chunks()):
            try:
                answer = await it.client.post(PATH, content=content)
            except httpx2.HTTPError:
                continue  # it hung up while we were still sending
            assert answer.status_code == 413
        assert await it.stored() == 0
        assert (await it.post(*it.signed())).status_code == 200


async def test_a_body_cut_short_is_not_stored(tmp_path: Path) -> None:
    async with hook(tmp_path) as it:
        place = urlsplit(it.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        raw = it.signer.request(PATH, ITEM, 0, T0)
        writer.write(raw[:-20])
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        assert await it.stored() == 0


@pytest.mark.parametrize(
    "path", ["/webhooks/plaid/other", "/webhooks/qbo/main", "/webhooks/plaid", "/webhooks/"]
)
async def test_unknown_apps_are_404(tmp_path: Path, path: str) -> None:
    async with hook(tmp_path) as it:
        assert (await it.post(*it.signed(), path=path)).status_code == 404


async def test_only_posts_are_taken(tmp_path: Path) -> None:
    async with hook(tmp_path) as it:
        answer = await it.client.get(PATH)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    async with hook(tmp_path) as it:
        it.plane.inbox._batcher._queue_max = 0
        answer = await it.post(*it.signed())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_what_breaks_inside_is_500_without_its_text(tmp_path: Path) -> None:
    async with hook(tmp_path) as it:
        inbox = it.plane.inbox
        it.plane.inbox = None  # type: ignore[assignment]
        answer = await it.post(*it.signed())
        it.plane.inbox = inbox
        assert answer.status_code == 500
        assert "NoneType" not in answer.text


async def test_a_flood_of_forgeries_is_no_flood_of_log_lines(tmp_path: Path) -> None:
    import structlog

    async with hook(tmp_path) as it:
        _, body = it.signed()
        with structlog.testing.capture_logs() as lines:
            for _ in range(20):
                await it.post({}, body)
            it.clock.advance(timedelta(minutes=1))
            await it.post({}, body)
        assert {line["event"] for line in lines} == {"webhook.not_taken"}
        assert [line["times"] for line in lines] == [1] * PER_MINUTE + [21 - PER_MINUTE]
