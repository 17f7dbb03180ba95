"""HTTP: the only module that opens sockets to a rail. One kept client; no retries, no redirects, bounded answers."""

from __future__ import annotations

import asyncio

import httpx2

from rowcol.core.wire import MAX_ANSWER_BYTES, NoAnswer, Request, Response, Silence
from rowcol.ports import Clock

CONNECT_TIMEOUT_S = 5.0
"""For each step before the request leaves: a free connection of ours, the rail's socket, its certificate."""
CONNECT_SHARE = 0.25
"""Of a shorter timeout: the three steps together end before the whole does, so what is cut off there was never sent."""
CONNECTIONS_MAX = 64


class HttpTransport:
    """Sends one request and reads one whole answer, or says why there is none.

    The request's `timeout_s` bounds the whole exchange, so a bank that drips bytes cannot hold a
    worker. Whoever waits for a connection while all are taken was not sent, and ends as that. Construction of the client takes about 50 ms: it is made once, on first use, and kept.
    """

    def __init__(
        self,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
        answer_bytes_max: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._clock = clock
        self._answer_bytes_max = answer_bytes_max
        self._transport = transport
        self._client: httpx2.AsyncClient | None = None

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        """One attempt. Raises nothing for whatever the network does."""
        sent_at = self._clock.now()
        silence = Silence.BROKEN
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._exchange(base_url, request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.InvalidURL):
            silence = Silence.NOT_SENT
        except _TooLargeError:
            silence = Silence.TOO_LARGE
        except (TimeoutError, httpx2.TimeoutException):
            silence = Silence.TIMEOUT
        except httpx2.HTTPError:
            silence = Silence.BROKEN
        return NoAnswer(silence, sent_at, self._clock.now())

    async def close(self) -> None:
        """Close the kept connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _exchange(self, base_url: str, request: Request) -> Response:
        client = self._client or self._open()
        sent_at = self._clock.now()
        async with client.stream(
            request.method,
            base_url.rstrip("/") + request.path,
            headers=dict(request.headers),
            content=request.body,
            timeout=_timeouts(request.timeout_s),
        ) as answer:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > self._answer_bytes_max:
                    raise _TooLargeError
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, bytes(body), sent_at, self._clock.now())

    def _open(self) -> httpx2.AsyncClient:
        self._client = httpx2.AsyncClient(
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=32),
            follow_redirects=False,
            trust_env=False,
            transport=self._transport,
        )
        return self._client


def _timeouts(timeout_s: float) -> httpx2.Timeout:
    """Of the steps before the request leaves; the rest is bounded as a whole."""
    step_s = min(CONNECT_TIMEOUT_S, timeout_s * CONNECT_SHARE)
    return httpx2.Timeout(None, connect=step_s, pool=step_s)


class _TooLargeError(Exception):
    """The answer passed `MAX_ANSWER_BYTES`."""
