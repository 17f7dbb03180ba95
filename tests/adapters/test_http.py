"""The transport: one attempt, one whole answer, or the kind of silence; never an exception."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2

from rowcol.adapters.clock import SystemClock
from rowcol.adapters.http import CONNECTIONS_MAX, HttpTransport
from rowcol.core.wire import NoAnswer, Request, Response, Silence

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PATIENT_S = 60.0
"""Of a request whose time never ends in a test, however busy the host is: its steps may take a quarter each."""


def request(timeout_s: float = PATIENT_S) -> Request:
    return Request("POST", "/x", {"content-type": "application/json"}, b"{}", timeout_s)


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    handlers: list[asyncio.Task[None]] = []

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.append(task)
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(closing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
        await asyncio.gather(*handlers)


@asynccontextmanager
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport(SystemClock())
    try:
        yield made
    finally:
        await made.close()


async def _read_request(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _answer(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    await writer.drain()


async def test_an_answer_comes_whole_with_both_times() -> None:
    def handler(asked: httpx2.Request) -> httpx2.Response:
        assert asked.url.path == "/x"
        return httpx2.Response(200, headers={"X-Name": "v"}, content=b'{"a":1}')

    made = HttpTransport(SystemClock(), httpx2.MockTransport(handler))
    answer = await made.send("http://rail.example/", request())
    await made.close()
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.headers["x-name"]) == (200, b'{"a":1}', "v")
    assert answer.sent_at <= answer.received_at


async def test_redirects_are_answers_not_instructions() -> None:
    moved = httpx2.MockTransport(
        lambda _: httpx2.Response(302, headers={"location": "http://evil"})
    )
    made = HttpTransport(SystemClock(), moved)
    answer = await made.send("http://rail.example", request())
    await made.close()
    assert isinstance(answer, Response)
    assert answer.status == 302


async def test_a_refused_connection_was_not_sent() -> None:
    async with transport() as made:
        answer = await made.send("http://127.0.0.1:9", request())
    assert isinstance(answer, NoAnswer)
    assert answer.silence is Silence.NOT_SENT
    assert not answer.is_possibly_done


async def test_a_reset_after_the_request_may_have_been_done() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.transport.abort()

    async with served(handler) as url, transport() as made:
        answer = await made.send(url, request())
    assert isinstance(answer, NoAnswer)
    assert answer.silence is Silence.BROKEN
    assert answer.is_possibly_done


async def test_a_slow_drip_ends_at_the_request_s_timeout() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b" ")
            await asyncio.sleep(0.01)  # noqa: TID251 - the drip
            if writer.is_closing():
                return

    async with served(handler) as url, transport() as made:
        assert isinstance(await made.send(url, request()), Response), "it leaves a connection"
        answer = await made.send(url, request(timeout_s=0.2))
    assert isinstance(answer, NoAnswer)
    assert answer.silence is Silence.TIMEOUT


async def test_who_waits_for_a_free_connection_was_not_sent() -> None:
    """With every connection taken by a request the server has read, one more never leaves."""
    seen = 0
    all_taken, answered = asyncio.Event(), asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        await _read_request(reader)
        seen += 1
        if seen == CONNECTIONS_MAX:
            all_taken.set()
        await answered.wait()
        await _answer(writer)

    async with served(handler) as url, transport() as made, asyncio.TaskGroup() as group:
        held = [group.create_task(made.send(url, request())) for _ in range(CONNECTIONS_MAX)]
        await all_taken.wait()
        late = await made.send(url, request(timeout_s=0.2))
        seen_when_late = seen
        answered.set()
    assert isinstance(late, NoAnswer)
    assert late.silence is Silence.NOT_SENT
    assert seen_when_late == CONNECTIONS_MAX
    assert all(isinstance(task.result(), Response) for task in held)


async def test_a_connection_that_comes_free_in_time_is_used() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        await reader.readexactly(len(request().body))
        await _answer(writer)

    async with served(handler) as url, transport() as made:
        answers = await asyncio.gather(
            *(made.send(url, request()) for _ in range(CONNECTIONS_MAX + 8))
        )
    assert all(isinstance(answer, Response) for answer in answers)


async def test_an_endless_answer_is_cut_off() -> None:
    big = httpx2.MockTransport(lambda _: httpx2.Response(200, content=b"x" * 1001))
    made = HttpTransport(SystemClock(), big, answer_bytes_max=1000)
    answer = await made.send("http://rail.example", request())
    await made.close()
    assert isinstance(answer, NoAnswer)
    assert answer.silence is Silence.TOO_LARGE
