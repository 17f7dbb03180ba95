"""Webhook delivery: the one place of the sandbox that opens a socket to somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import httpx2

WEBHOOK_TIMEOUT_S: Final = 10.0


class WebhookSender(Protocol):
    """Sends a signed delivery once."""

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        """The HTTP status, or None when there was no answer in 10 s."""


class HttpWebhookSender:
    """Over real sockets, with one client that is kept: building one costs about 50 ms."""

    def __init__(self, timeout_s: float = WEBHOOK_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._client: httpx2.AsyncClient | None = None

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        """POST without following redirects; any transport failure is no answer."""
        import httpx2  # noqa: PLC0415  (slow to import; the in-process sandbox never needs it)

        if self._client is None:
            self._client = httpx2.AsyncClient(
                timeout=self._timeout_s, follow_redirects=False, trust_env=False
            )
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.post(url, content=body, headers=dict(headers))
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ExceptionGroup):
            return None  # a group: a port beyond 65535 gets as far as the resolver
        return response.status_code

    async def aclose(self) -> None:
        """Close the kept connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
