"""Webhook delivery over real sockets: a status, or no answer."""

from __future__ import annotations

import asyncio

from rowcol.sandbox.delivery import HttpWebhookSender


async def _serve(
    reply: bytes | None, done: asyncio.Event
) -> tuple[asyncio.Server, str, list[bytes]]:
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        if reply is None:
            await reader.read()
        else:
            writer.write(reply)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        done.set()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    return server, f"http://127.0.0.1:{port}/hook", seen


async def _send(reply: bytes | None, timeout_s: float = 5) -> tuple[int | None, list[bytes]]:
    done = asyncio.Event()
    server, url, seen = await _serve(reply, done)
    sender = HttpWebhookSender(timeout_s)
    try:
        return await sender.send(url, b"{}", {"Plaid-Verification": "jwt"}), seen
    finally:
        await sender.aclose()
        await done.wait()
        server.close()


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
