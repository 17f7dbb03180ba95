"""Load: every request is sent once, and only whole answers count."""

import asyncio

from rowcol.simulation.bench.load import send_all

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
NO = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


async def test_answers_are_counted_by_their_status() -> None:
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await reader.readuntil(b"\r\n")
            seen.append(line)
            answer = NO if b"/no" in line else OK
            writer.write(answer[:20])
            await writer.drain()
            await asyncio.sleep(0)  # noqa: TID251 - the answer comes in two parts
            writer.write(answer[20:])
        writer.close()

    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    requests = [f"GET /{n} HTTP/1.1\r\n\r\n".encode() for n in range(9)] + [
        b"GET /no HTTP/1.1\r\n\r\n"
    ]
    measured = await send_all("127.0.0.1", port, requests, connections=3)
    server.close()
    await server.wait_closed()
    assert (measured.ok, measured.other) == (9, 1)
    assert len(set(seen)) == 10
    assert measured.rps > 0
    assert 0 < measured.p50_ms <= measured.p99_ms
