"""Bounds: what one connection, one address and all of them together may hold before anybody knows who they are.

The server library limits none of this: its parser gathers a header of any length, and waits for the rest for ever.
What a whole request may ask is judged behind this, in `api/`. Start at `Bounds`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import inf
from typing import Any

import httptools
import structlog
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rowcol.api import problem
from rowcol.core.seldom import Seldom
from rowcol.core.wire import MAX_DELIVERY_BYTES
from rowcol.settings import Settings

HEAD_BYTES_MAX = 32 * 1024
HEADERS_MAX = 100
"""A header of two bytes costs a hundred in memory, so that bytes alone bound nothing."""
MESSAGE_BYTES_MAX = HEAD_BYTES_MAX + 2 * MAX_DELIVERY_BYTES
"""As it comes over the wire, with the sizes of chunks, trailers, and what nobody reads; no route takes half of it."""
HELD_BYTES_MAX = 32 * 1024 * 1024
"""Over all connections, of requests that have no answer yet."""
PIECES_MAX = 8192
"""Of a body: chunks of a byte cost the loop more than what they bring."""
PIPELINED_MAX = 16
HEAD_S, BODY_S, WRITE_S, CLOSE_S = 10.0, 30.0, 30.0, 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections at once. `trusted`: proxies, whose connections are many people's; the total counts theirs too."""

    connections: int
    connections_per_address: int
    trusted: Sequence[str] = ()
    held_bytes: int = HELD_BYTES_MAX


def limits_of(settings: Settings) -> Limits:
    """What is set."""
    return Limits(
        settings.max_connections, settings.max_connections_per_address, settings.trusted_proxies
    )


class Bounds:
    """The connections of one server. Where all are taken, the one that has kept us waiting longest makes room."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.held = 0
        self.open: set[BoundedProtocol] = set()
        self._per_address: Counter[str] = Counter()
        self._trusted = tuple(ip_network(each) for each in limits.trusted)
        self._seldom = Seldom()

    def protocol(self, **given: Any) -> BoundedProtocol:
        """What uvicorn makes for each connection."""
        return BoundedProtocol(self, **given)

    def enter(self, connection: BoundedProtocol, host: str) -> None:
        """Take a connection in; refuse it where its address has too many, or all are busy with whole requests."""
        peer = connection.peer
        is_many = self._per_address[peer] >= self.limits.connections_per_address
        is_many = is_many and not self.trusts(host)
        has_room = is_many or self._make_room()
        self._per_address[peer] += 1
        self.open.add(connection)
        if is_many:
            connection.refuse(503, "connections of one address")
        elif not has_room:
            connection.refuse(503, "connections")

    def trusts(self, host: str) -> bool:
        """Whether it is a proxy of ours: by the address itself, not by whom that stands for."""
        return any(each in network for each in _addresses(host) for network in self._trusted)

    def _make_room(self) -> bool:
        """Whether there is room. One that is refused goes at once; if it cannot, the next who comes cuts it off."""
        while len(self.open) >= self.limits.connections:
            waiting = [each for each in self.open if each.deadline < inf]
            if not waiting:
                return False
            if not self._evict(min(waiting, key=lambda each: each.since), "connections"):
                break
        return True

    def _evict(self, connection: BoundedProtocol, why: str) -> bool:
        """Refuse it. Whether it is gone already: whoever does not read what there is would never be rid of it."""
        is_deaf = connection.transport.is_closing() or connection.has_unsent()
        if is_deaf:
            self.log_refused(connection, 503, why)
            connection.transport.abort()
            self.leave(connection)
        else:
            connection.refuse(503, why)
        return is_deaf

    def leave(self, connection: BoundedProtocol) -> None:
        """It is closed, or as good as."""
        if connection not in self.open:
            return
        self.open.discard(connection)
        self.held -= connection.held
        connection.held = 0
        self._per_address[connection.peer] -= 1
        if not self._per_address[connection.peer]:
            del self._per_address[connection.peer]

    def hold(self, connection: BoundedProtocol, n_bytes: int) -> None:
        """So much of a request without an answer; past the total whoever holds the most is refused."""
        if connection not in self.open:
            return
        self.held += n_bytes - connection.held
        connection.held = n_bytes
        if self.held > self.limits.held_bytes:
            self._evict(max(self.open, key=lambda each: each.held), "bytes of requests")

    def sweep(self, now: float) -> None:
        """Close what is late. Call it once a second."""
        for connection in tuple(self.open):
            if connection.deadline <= now:
                connection.end()
            elif connection.deadline == inf and connection.transport.is_closing():
                connection.deadline = now + CLOSE_S  # the library closed it, and flushes for ever

    def log_refused(self, connection: BoundedProtocol, status: int, why: str) -> None:
        """A line for the log, a few a minute for each kind: a flood of bad requests is no flood of lines."""
        times = self._seldom.times(why, connection.loop.time())
        if times:
            log.warning(
                "http.refused", status=status, reason=why, address=connection.peer, times=times
            )


class BoundedProtocol(HttpToolsProtocol):
    """One connection. We wait for it `since`, until `deadline`, by the loop's clock; `inf`: it waits for us."""

    def __init__(self, bounds: Bounds, **given: Any) -> None:
        super().__init__(**given)
        self._bounds = bounds
        self.peer = ""
        self.held = 0
        self.since, self.deadline = 0.0, inf
        self._in_head = self._is_reading = False
        self._bytes = self._fresh = self._pieces = 0
        self._whole = 0
        """Bytes of whole requests that have no answer."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        host = self.client[0] if self.client else "0.0.0.0"  # noqa: S104 - gone already
        self.peer = _party(host)
        self._within(HEAD_S)
        self._bounds.enter(self, host)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._bounds.leave(self)
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Not the library's: there each byte, also one that begins nothing, keeps an idle connection."""
        if self.transport.is_closing():
            return
        self._fresh = 0 if self._is_reading else len(data)
        if self._is_reading:
            self._bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False  # it is answered as if it had not asked
            return
        except httptools.HttpParserError:
            self.refuse(400, "not HTTP")
            return
        if self._is_reading:
            self._measure()

    def _measure(self) -> None:
        """After each piece: the parser hands out a header, or a trailer, only once it is whole."""
        self._bounds.hold(self, self._whole + self._bytes)
        if self._in_head and self._bytes > HEAD_BYTES_MAX:
            self.refuse(431, "headers too large")
        elif self._bytes > MESSAGE_BYTES_MAX:
            self.refuse(413, "request too large")

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._in_head = self._is_reading = True
        self._bytes, self._fresh = self._fresh, 0
        self._pieces = 0
        self._within(HEAD_S)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > HEADERS_MAX:  # trailers too, which nobody reads
            self.refuse(431, "headers too large")
            raise ValueError("refused")  # the parser stops here

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD_BYTES_MAX:
            self.refuse(431, "headers too large")
        if len(self.pipeline) >= PIPELINED_MAX:
            self.refuse(503, "pipelined requests")
        if self.transport.is_closing():
            raise ValueError("refused")
        self._within(BODY_S)
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._pieces += 1
        if self._pieces > PIECES_MAX:
            self.refuse(413, "request too large")
            raise ValueError("refused")
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._is_reading = False
        self._whole, self._bytes = self._whole + self._bytes, 0
        self._bounds.hold(self, self._whole)
        super().on_message_complete()
        self._wait()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._wait()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._within(WRITE_S)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._wait()

    def _wait(self) -> None:
        """For us, or, after the last answer, for the next request."""
        if self._is_reading or self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:  # it is the last of the pipeline
            self._whole = 0
            self._bounds.hold(self, 0)
            if not self.flow.write_paused:
                self._within(self.timeout_keep_alive)
        elif not self.flow.write_paused:
            self.deadline = inf

    def has_unsent(self) -> bool:
        """Whether something of an answer has not left, as nobody reads it."""
        return self.flow.write_paused or self.transport.get_write_buffer_size() > 0

    def end(self) -> None:
        """The deadline has passed: say so where a request has begun and no answer has."""
        if self.transport.is_closing() or self.flow.write_paused:
            self.transport.abort()  # whoever does not read would hold it for ever
        elif self._is_reading:
            self.refuse(408, "too slow")
        else:
            self.transport.close()
            self._close_by()

    def refuse(self, status: int, why: str) -> None:
        """Answer, unless an answer is on its way already, and close."""
        if self.transport.is_closing():
            return
        self._bounds.log_refused(self, status, why)
        cycle = self.cycle
        is_amid = cycle is not None and not cycle.response_complete
        if not self.pipeline and not (is_amid and cycle.response_started):
            self.transport.write(_answer(status))
        if is_amid:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()
        self._close_by()

    def _close_by(self) -> None:
        self.deadline = self.loop.time() + CLOSE_S  # it has kept us waiting since before

    def _within(self, seconds: float) -> None:
        self.since = self.loop.time()
        self.deadline = self.since + seconds


@lru_cache(maxsize=16)
def _answer(status: int) -> bytes:
    phrase = HTTPStatus(status).phrase
    made = problem.response_of(
        problem.body_of(status, problem.code_of(status), phrase.lower(), "send less, or come back")
    )
    again = "retry-after: 2\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {phrase}\r\ncontent-type: {problem.MEDIA_TYPE}\r\n{again}"
        f"content-length: {len(made.body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + bytes(made.body)


@lru_cache(maxsize=4096)
def _party(host: str) -> str:
    """Whom an address stands for: of IPv6 a whole /64 is one subscriber's."""
    address = _addresses(host)[-1]
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address) >> 64 << 64, 64)).network_address)
    return str(address)


def _addresses(host: str) -> tuple[IPv4Address | IPv6Address, ...]:
    """As it is written, and last as it is: IPv4 may be mapped into IPv6."""
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (address,) if mapped is None else (address, mapped)
