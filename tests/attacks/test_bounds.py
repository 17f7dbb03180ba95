"""Bounds before authentication: what strangers may hold of `rowcol serve`, here in the process, with the clock's part by hand.

Had: none of it was limited. One connection with 100 MiB of headers kept the process busy for half a minute, and 0 of 900 slow
connections were ever closed. Has: each is refused or closed as below; the figures of a whole service under each attack
are in `test_bounds_measured`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any

import pytest
import structlog

from rowcol.cli import bounds as b
from rowcol.cli.bounds import Bounds, Limits
from rowcol.cli.listening import _config, _Guest
from rowcol.core.seldom import PER_MINUTE, Seldom

WHOLE = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
BEGUN = b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: "
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"


@dataclass
class Service:
    """A server with bounds before an application that reads all, and answers once it may."""

    bounds: Bounds
    port: int
    may_answer: asyncio.Event
    may_break: asyncio.Event
    alive: Callable[[], int]
    """How many connections the server library has, whatever we count."""
    opened: list[asyncio.StreamWriter] = field(default_factory=list)

    async def dial(self, sent: bytes = b"", source: str = "127.0.0.1") -> asyncio.StreamReader:
        """A connection with its first bytes."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(source, 0)
        )
        self.opened.append(writer)
        writer.write(sent)
        await writer.drain()
        return reader

    async def status(self, sent: bytes = WHOLE, source: str = "127.0.0.1") -> int:
        """Of the answer; 0: closed without one."""
        return status_of(await ended(await self.dial(sent, source), is_closed=False))

    def later(self, seconds: float) -> None:
        """As if so much time had passed."""
        self.bounds.sweep(asyncio.get_running_loop().time() + seconds)

    async def until(self, claim: Callable[[], bool]) -> None:
        """The server has come so far."""
        while not claim():  # noqa: ASYNC110 - a socket's other side rings no bell
            await asyncio.sleep(0.001)  # noqa: TID251 - the same

    async def has(self, n_open: int) -> None:
        await self.until(lambda: len(self.bounds.open) == n_open)

    async def works_for(self, n_busy: int) -> None:
        await self.until(lambda: sum(c.deadline == inf for c in self.bounds.open) == n_busy)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


async def ended(reader: asyncio.StreamReader, *, is_closed: bool = True) -> bytes:
    """What came until the server closed; or only the first of it."""
    try:
        return await (reader.read() if is_closed else reader.read(65_536))
    except ConnectionError:
        return b""


@asynccontextmanager
async def service(
    limits: Limits | None = None, body: bytes = b"ok", family: int = socket.AF_INET
) -> AsyncIterator[Service]:
    may_answer, may_break = asyncio.Event(), asyncio.Event()
    may_answer.set()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        if scope["path"] != "/now":
            await may_answer.wait()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        is_broken = scope["path"] == "/broken"
        await send({"type": "http.response.body", "body": body, "more_body": is_broken})
        if is_broken:
            await may_break.wait()
            raise ValueError

    bounds = Bounds(limits or Limits(50, 10, ("127.0.0.1",)))
    server = _Guest(_config(app, bounds))
    host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    with socket.create_server((host, 0), family=family) as made:
        made.setblocking(False)
        serving = asyncio.create_task(server.serve(sockets=[made]))
        alive = lambda: len(server.server_state.connections)  # noqa: E731
        it = Service(bounds, made.getsockname()[1], may_answer, may_break, alive)
        try:
            yield it
        finally:
            for writer in it.opened:
                writer.close()
            may_answer.set()
            server.should_exit = True
            await serving


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (BEGUN + b"x" * 40_000, 431),
        (BEGUN + b"x" * 400_000, 431),
        (b"GET /" + b"x" * 40_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"a: \r\n" * 101 + b"\r\n", 431),
        (POST + b"content-length: 9999999999\r\n\r\n" + b"x" * b.MESSAGE_BYTES_MAX, 413),
        (
            POST
            + b"transfer-encoding: chunked\r\n\r\n"
            + b"1\r\nx\r\n" * (b.MESSAGE_BYTES_MAX // 6),
            413,
        ),
        (POST + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"a: \r\n" * 200, 431),
        (b"\x16\x03\x01\x02\x00", 400),
        (b"CONNECT x:1 HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (b"GET /%00%ff HTTP/1.1\r\nhost: x\r\n\r\n", 200),
        (WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"), 200),
        (WHOLE, 200),
    ],
)
async def test_what_is_too_much_is_refused(sent: bytes, status: int) -> None:
    async with service() as it:
        # A server that closes while more is on its way may take its own answer back.
        assert await it.status(sent) in ({status, 0} if status in (413, 431) else {status})
        await it.has(1 if status == 200 and b"upgrade" not in sent else 0)
        assert await it.status() == 200
        assert it.bounds.held == 0


async def test_who_is_slow_is_closed_and_nobody_else() -> None:
    """Had: 0 of 900. A byte every few seconds, empty lines and a half-read body are slow too."""
    async with service() as it:
        silent = await it.dial()
        slow = [await it.dial(BEGUN) for _ in range(8)]
        stuck = await it.dial(POST + b"content-length: 9\r\n\r\nx")
        await it.has(10)
        it.may_answer.clear()
        busy = await it.dial(WHOLE)
        await it.works_for(1)
        held = it.bounds.held
        for writer in it.opened[:9]:
            writer.write(b"\r\n" if writer is it.opened[0] else b"x")
        await it.until(lambda: it.bounds.held == held + 8)
        it.later(b.HEAD_S + 1)
        assert await ended(silent) == b""
        assert {status_of(await ended(each)) for each in slow} == {408}
        await it.has(2)
        it.later(b.BODY_S + 1)
        assert status_of(await ended(stuck)) == 408
        it.later(3600)
        it.may_answer.set()
        assert status_of(await ended(busy, is_closed=False)) == 200


async def test_an_idle_connection_is_not_kept_by_empty_lines() -> None:
    async with service() as it:
        reader = await it.dial(WHOLE)
        assert status_of(await ended(reader, is_closed=False)) == 200
        it.opened[0].write(b"\r\n\r\n")
        await it.opened[0].drain()
        it.later(6)
        assert await ended(reader) == b""


async def test_an_address_has_so_many_and_the_others_theirs() -> None:
    async with service() as it:
        readers = [await it.dial(BEGUN, "127.0.0.2") for _ in range(12)]
        assert {status_of(await ended(each)) for each in readers[10:]} <= {503, 0}
        await it.has(10)
        assert await it.status(source="127.0.0.3") == 200
        assert [await it.status() for _ in range(12)] == [200] * 12  # a proxy that is trusted
        it.later(b.HEAD_S + 1)
        await it.has(0)
        assert await it.status(source="127.0.0.2") == 200


async def test_where_all_are_taken_who_waited_longest_makes_room() -> None:
    """Also where a trusted proxy brings them, which no limit of an address concerns."""
    async with service() as it:
        slow = [await it.dial(BEGUN) for _ in range(60)]
        assert await it.status() == 200
        assert len(it.bounds.open) <= 50
        assert status_of(await ended(slow[0])) in {503, 0}
        it.later(b.HEAD_S + 1)
        await it.has(0)


async def test_what_works_for_somebody_makes_no_room() -> None:
    async with service(Limits(8, 10)) as it:
        it.may_answer.clear()
        busy = [await it.dial(WHOLE, f"127.0.0.{n}") for n in range(2, 10)]
        await it.works_for(8)
        assert await it.status() in {503, 0}
        it.may_answer.set()
        assert {status_of(await ended(each, is_closed=False)) for each in busy} == {200}


async def test_an_honest_newcomer_makes_no_room_for_who_waited_longer() -> None:
    """Had: the honest one went, as it had the least time left: ten seconds for its headers, bodies thirty."""
    async with service(Limits(9, 50)) as it:
        bodies = [await it.dial(POST + b"content-length: 9\r\n\r\nx") for _ in range(8)]
        await it.until(lambda: sum(c.held > 0 for c in it.bounds.open) == 8)
        honest = await it.dial(WHOLE)
        assert status_of(await ended(honest, is_closed=False)) == 200
        await it.dial(BEGUN)
        assert status_of(await ended(bodies[0])) == 503
        it.opened[8].write(WHOLE)
        assert status_of(await ended(honest, is_closed=False)) == 200


async def paused(it: Service, n: int) -> None:
    """So many answers wait to be read."""
    await it.until(lambda: sum(c.flow.write_paused for c in it.bounds.open) == n)


async def test_who_does_not_read_makes_room_and_is_gone() -> None:
    """Had: out of our count, and open for ever; 53 of 60 beside a limit of 8, with 275 MB."""
    async with service(Limits(4, 50), b"x" * 12_000_000) as it:
        for n in range(12):
            await it.dial(WHOLE)
            await paused(it, min(n + 1, 4))
        assert it.alive() <= 4
        it.later(b.WRITE_S + 1)
        await it.until(lambda: it.alive() == 0)


async def test_who_does_not_read_and_holds_the_most_is_gone() -> None:
    async with service(Limits(50, 50, held_bytes=100_000), b"x" * 12_000_000) as it:
        for _ in range(4):
            await it.dial(WHOLE + POST + b"content-length: 90000\r\n\r\n" + b"x" * 50_000)
        await it.until(lambda: it.bounds.held > 50_000)
        await paused(it, 1)
        await it.until(lambda: it.alive() == 1)


@pytest.mark.parametrize(
    "sent",
    [WHOLE, WHOLE.replace(b"/", b"/broken", 1), WHOLE.replace(b"x", b"x\r\nconnection: close")],
)
async def test_who_reads_a_part_is_gone_too(sent: bytes) -> None:
    """Had: once the last of an answer was less than the library calls full, nothing awaited its end."""
    async with service(body=b"x" * 12_000_000) as it:
        await it.dial(sent)
        await paused(it, 1)
        (connection,) = it.bounds.open
        connection.resume_writing()
        it.may_break.set()
        await it.until(lambda: connection.deadline < inf or connection.transport.is_closing())
        for minute in (1, 2, 3):
            it.later(60 * minute)
        await it.until(lambda: it.alive() == 0)


async def test_unfinished_bytes_of_all_are_bounded() -> None:
    async with service(Limits(50, 50, held_bytes=1_000_000)) as it:
        half = POST + b"content-length: 200000\r\n\r\n" + b"x" * 150_000
        large = [asyncio.create_task(ended(await it.dial(half))) for _ in range(20)]
        await asyncio.wait(large, return_when=asyncio.FIRST_COMPLETED)
        assert await it.status(POST + b"content-length: 2\r\n\r\nok") == 200
        assert it.bounds.held <= 1_000_000
        it.later(b.BODY_S + 1)
        assert {status_of(each) for each in await asyncio.gather(*large)} <= {503, 408, 0}
        assert it.bounds.held == 0


async def test_a_pipeline_has_an_end() -> None:
    async with service() as it:
        it.may_answer.clear()
        reader = await it.dial(WHOLE * 1000)
        assert status_of(await ended(reader)) in {503, 0}


async def test_a_pipeline_is_counted_whole_and_its_last_answer_awaited() -> None:
    """Had: 0 bytes, and the last request closed as if nobody had asked, five seconds after it had begun."""
    async with service() as it:
        it.may_answer.clear()
        post = b"POST /%s HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\n" + b"x" * 2000
        sent = post % b"now" * 2 + post % b"later"
        reader = await it.dial(sent)
        for _ in range(2):
            assert (await reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200")
        (connection,) = it.bounds.open
        assert (connection.deadline, it.bounds.held) == (inf, len(sent))
        it.may_answer.set()
        assert status_of(await ended(reader, is_closed=False)) == 200
        await it.until(lambda: it.bounds.held == 0)


async def test_bad_requests_are_few_lines() -> None:
    """Had: a line each."""
    async with service() as it:
        with structlog.testing.capture_logs() as lines:
            assert {await it.status(b"\0\0\r\n\r\n") for _ in range(40)} == {400}
        assert [line["event"] for line in lines] == ["http.refused"] * PER_MINUTE


@pytest.mark.parametrize(
    ("host", "party"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_an_address_stands_for_a_subscriber(host: str, party: str) -> None:
    assert b._party(host) == party


@pytest.mark.parametrize(
    ("trusted", "host"),
    [
        ("::1", "::1"),
        ("2001:db8:1:2:3:4:5:6/128", "2001:db8:1:2:3:4:5:6"),
        ("2001:db8:1::/48", "2001:db8:1:2:3:4:5:6"),
        ("10.0.0.7", "::ffff:10.0.0.7"),
        ("::ffff:10.0.0.0/104", "::ffff:10.0.0.7"),
        ("fe80::/10", "fe80::1%eth0"),
    ],
)
def test_a_proxy_is_trusted_by_its_own_address(trusted: str, host: str) -> None:
    """Had: of IPv6 none, not even ::1, as it was compared once cut to its /64."""
    bounds = Bounds(Limits(50, 10, (trusted,)))
    assert bounds.trusts(host)
    assert not bounds.trusts("2001:db8:2:2:3:4:5:6")
    assert not Bounds(Limits(50, 10, ("2001:db8:1:2::7",))).trusts("2001:db8:1:2::8")


async def test_a_proxy_on_ipv6_loopback_has_as_many_as_it_needs() -> None:
    """Had: 503 from the third."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    async with service(Limits(50, 2, ("::1",)), family=socket.AF_INET6) as it:
        for _ in range(5):
            reader, writer = await asyncio.open_connection("::1", it.port)
            it.opened.append(writer)
            writer.write(WHOLE)
            assert status_of(await ended(reader, is_closed=False)) == 200


def test_a_clock_set_back_does_not_silence_the_log() -> None:
    """Had: no line until the old time had come again."""
    seldom = Seldom()
    assert [seldom.times("a", 9000.0) for _ in range(PER_MINUTE + 3)][-1] == 0
    assert seldom.times("a", 10.0) == 4
    assert seldom.times("a", 11.0) == 1
