"""Webhook delivery over real sockets: a status, or no answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rowcol.sandbox.delivery import HttpWebhookSender
from tests.waiting import HANG_S


@asynccontextmanager
async def _served(reply: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Its URL, and the heads that it has seen. None: it reads, and says nothing."""
    seen: list[bytes] = []
    answering: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        answering.append(task)
        with contextlib.suppress(asyncio.IncompleteReadError):  # a sender that gave up before
            seen.append(await reader.readuntil(b"\r\n\r\n"))
        if reply is None:
            await reader.read()
        else:
            writer.write(reply)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/hook", seen
    finally:
        await asyncio.gather(*answering)
        server.close()


async def _send(reply: bytes | None, timeout_s: float = HANG_S) -> tuple[int | None, list[bytes]]:
    async with _served(reply) as (url, seen):
        sender = HttpWebhookSender(timeout_s)
        try:
            return await sender.send(url, b"{}", {"Plaid-Verification": "jwt"}), seen
        finally:
            await sender.aclose()


async def test_the_status_comes_back_and_headers_arrive() -> None:
    status, seen = await _send(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
    assert status == 204
    assert b"plaid-verification: jwt" in seen[0].lower()


async def test_redirects_are_not_followed() -> None:
    reply = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    assert (await _send(reply))[0] == 302


async def test_silence_is_no_answer() -> None:
    assert (await _send(None, timeout_s=0.05))[0] is None


async def test_nobody_there_is_no_answer() -> None:
    sender = HttpWebhookSender()
    assert await sender.send("http://127.0.0.1:1/", b"{}", {}) is None
    assert await sender.send("not an address", b"{}", {}) is None
    assert await sender.send("http://127.0.0.1:99999/", b"{}", {}) is None
    await sender.aclose()
    await sender.aclose()
