"""Addresses: where a rail's tokens are given, as its own document tells: read once a day in a process, before such a call.

| the document                                | what holds                                  | it is read again |
|---------------------------------------------|---------------------------------------------|------------------|
| was good                                    | what it tells                               | after a day      |
| told an address where nobody answers        | what it tells                               | an hour after it was read |
| was not good                                | what it told last, else the rail's own spec | after an hour    |
| could not be asked for, on our side         | the same                                    | after a minute   |
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import structlog

from rowcol.core.app import App
from rowcol.core.clock_back import is_kept
from rowcol.core.ids import AppId
from rowcol.core.rail import Endpoint
from rowcol.core.secret import origin_of
from rowcol.core.wire import NoAnswer, Request, Response, Silence
from rowcol.ports import Clock

log = structlog.get_logger(__name__)

KEPT = timedelta(hours=24)
AGAIN_AFTER = timedelta(hours=1)
SOON_AFTER = timedelta(minutes=1)
NEVER = datetime.min.replace(tzinfo=UTC)
GONE = frozenset({404, 410})

Urls = Mapping[str, str]


class NotAsked(Exception):
    """The document was not asked for: it says nothing about it."""


@dataclass(slots=True)
class _Known:
    """Of one app."""

    urls: Urls = field(default_factory=dict)
    read_at: datetime = NEVER
    due_at: datetime = NEVER
    reading: asyncio.Task[None] | None = None


class Addresses:
    """What was told, by app, in memory: it is free to read, and the same for every process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_app: dict[AppId, _Known] = {}

    async def of(self, app: AppId, read: Callable[[], Awaitable[Urls | None]]) -> Urls:
        """Whole addresses by endpoint; empty while the spec's hold. However many ask, one reads; who is cancelled leaves
        it reading. `read` gives None for a document that is not good, or raises `NotAsked`.
        """
        known = self._by_app.setdefault(app, _Known())
        if not is_kept(known.due_at, self._clock.now(), KEPT):
            if known.reading is None:
                known.reading = asyncio.create_task(self._read(known, read), name="addresses")
            await asyncio.shield(known.reading)
        return known.urls

    def doubt(self, app: AppId) -> None:
        """At an address that was told nobody answers: the document may have changed."""
        known = self._by_app[app]
        known.due_at = min(known.due_at, known.read_at + AGAIN_AFTER)

    async def _read(self, known: _Known, read: Callable[[], Awaitable[Urls | None]]) -> None:
        try:
            told = await read()
        except NotAsked:
            known.due_at = self._clock.now() + SOON_AFTER
        except Exception as error:  # noqa: BLE001 - whatever it is, what is known still holds
            log.error("addresses.failed", error=origin_of(error))
            known.due_at = self._clock.now() + SOON_AFTER
        else:
            known.read_at = self._clock.now()
            known.due_at = known.read_at + (AGAIN_AFTER if told is None else KEPT)
            known.urls = known.urls if told is None else told
        finally:
            known.reading = None


def placed(app: App, endpoint: Endpoint, request: Request) -> tuple[str, Request]:
    """Base address and request, at the address that the rail told where it did."""
    if endpoint.name not in app.urls:
        return app.address(endpoint.host), request
    parts = urlsplit(app.urls[endpoint.name])
    return f"{parts.scheme}://{parts.netloc}", replace(request, path=parts.path)


def is_nobody(answer: Response | NoAnswer) -> bool:
    """Whether there seems to be nothing at that address."""
    if isinstance(answer, NoAnswer):
        return answer.silence is Silence.NOT_SENT
    return answer.status in GONE
