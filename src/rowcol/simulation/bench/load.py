"""Load: a keep-alive HTTP/1.1 client that sends prepared bytes as fast as answers come, and times each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from typing_extensions import override

ANSWER_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: requests answered 200 a second, latencies in milliseconds of all, and how many were answered so or otherwise."""

    rps: float
    p50_ms: float
    p99_ms: float
    ok: int
    other: int


class Sender(asyncio.Protocol):
    """One connection: one request on the way at a time, the next when the answer is whole."""

    def __init__(self, work: list[bytes], done: asyncio.Future[None]) -> None:
        self._work = work
        self._done = done
        self._buffer = b""
        self._sent_at = 0.0
        self.latencies_s: list[float] = []
        self.ok = 0
        self.other = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._next()

    @override
    def data_received(self, data: bytes) -> None:
        """Count whole answers."""
        self._buffer += data
        head_end = self._buffer.find(ANSWER_END)
        if head_end < 0:
            return
        length = _content_length(self._buffer[:head_end])
        if len(self._buffer) < head_end + len(ANSWER_END) + length:
            return
        self.latencies_s.append(time.perf_counter() - self._sent_at)
        if self._buffer.startswith(b"HTTP/1.1 200"):
            self.ok += 1
        else:
            self.other += 1
        self._buffer = b""
        self._next()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed: what was under way is not acknowledged."""
        if not self._done.done():
            self._done.set_result(None)

    def _next(self) -> None:
        if not self._work:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._work.pop())


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0


async def send_all(host: str, port: int, requests: Sequence[bytes], connections: int) -> Measured:
    """Send every request once over `connections` kept connections."""
    loop = asyncio.get_running_loop()
    work = list(reversed(requests))
    started_at = time.perf_counter()
    waiting, senders = [], []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        sender = Sender(work, done)
        await loop.create_connection(lambda s=sender: s, host, port)  # type: ignore[misc]
        waiting.append(done)
        senders.append(sender)
    await asyncio.gather(*waiting)
    took_s = time.perf_counter() - started_at
    latencies = sorted(s for sender in senders for s in sender.latencies_s)
    ok, other = sum(s.ok for s in senders), sum(s.other for s in senders)
    return Measured(
        rps=ok / took_s,
        p50_ms=_percentile_ms(latencies, 50),
        p99_ms=_percentile_ms(latencies, 99),
        ok=ok,
        other=other,
    )


def _percentile_ms(ordered_s: Sequence[float], percent: int) -> float:
    if not ordered_s:
        return 0.0
    return ordered_s[min(len(ordered_s) - 1, len(ordered_s) * percent // 100)] * 1000
