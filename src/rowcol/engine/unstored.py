"""Unstored: secrets that a rail gave and the store has not taken yet. Each is kept, and stored as soon as the store works.

Renewed tokens, and what a consent or a public token was exchanged for, go through here: they exist nowhere else, and the
rail gives them once. Until one is stored nothing uses it, and other work of its login waits. Whatever is raised meanwhile
(no store, a pause, our own limits), it waits on; only the end of the process loses one: `finish` tries until the grace
ends, then says so in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog

from rowcol.core.refusal import Busy, Refusal
from rowcol.core.secret import origin_of
from rowcol.ports import Clock

T = TypeVar("T")
TRIES = 5
"""At once, for whoever waits; the store itself waits some seconds a try."""
TRIES_WITHIN = timedelta(seconds=10)
PAUSE, PAUSE_MAX = timedelta(seconds=1), timedelta(seconds=15)
UNSTORED = "a new token is not stored yet, and would be lost if this process ended"
"""What `/readyz` begins its reason with, and `doctor` knows it by."""
LOST = "it needs a reconnect: `rowcol connection repair`, or `rowcol connect` where it was new"

log = structlog.get_logger(__name__)


class NotStoredYet(Busy):
    """What the rail gave is kept in memory until the store takes it."""

    def __init__(self, why: Refusal | None = None) -> None:
        what = "the token that the rail just gave is not stored yet; it is kept and stored as soon as that works"
        advice = "let this process run, see what is in the way (`rowcol doctor`), then ask again"
        if why is not None:
            what, advice = f"{what}: {why.message}", f"{why.what_to_do}; {advice}"
        super().__init__(what, advice, int(PAUSE_MAX.total_seconds()))


@dataclass(eq=False, slots=True)
class _Write:
    """One secret on its way. `write` holds it, and may be repeated; `done`: what it returned."""

    subject: str
    write: Callable[[], Awaitable[Any]] = field(repr=False)
    since: datetime
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    done: Any = None


_OWN: ContextVar[_Write | None] = ContextVar("own", default=None)
"""What this very task writes: waiting for it would never end."""


class Unstored:
    """What this process holds that is nowhere else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[_Write] = []
        self._retrying: asyncio.Task[None] | None = None

    @property
    def subjects(self) -> tuple[str, ...]:
        """Whose secrets wait: ids of connections, also of one to be made."""
        return tuple(it.subject for it in self._waiting)

    async def store(self, subject: str, write: Callable[[], Awaitable[T]]) -> T:
        """What `write` returns, whoever's try it was; a `Refusal` that it returns is for good, one that it raises is not.
        Raise `NotStoredYet`: then it is tried until it is done."""
        it = _Write(subject, write, self._clock.now())
        self._waiting.append(it)
        why: Refusal | None = None
        for _ in range(TRIES):
            why = await self._tried(it)
            if it not in self._waiting:
                return it.done  # type: ignore[no-any-return] # what `write` gave
            if self._clock.now() - it.since > TRIES_WITHIN or not isinstance(why, Busy | None):
                break
        log.error("token.not_stored", connection=subject, what_to_do="do not stop this process")
        if self._retrying is None or self._retrying.done():
            self._retrying = asyncio.create_task(self._retry(), name="unstored")
        raise NotStoredYet(why)

    async def settle(self, subject: str = "") -> bool:
        """Try what waits for this subject, or all. Whether nothing is left."""
        await asyncio.gather(*(self._settled(it) for it in self._of(subject)))
        return not self._of(subject)

    async def require(self, subject: str) -> None:
        """Raise `NotStoredYet` while something of this subject waits."""
        if not await self.settle(subject):
            raise NotStoredYet

    async def finish(self, at_most: timedelta) -> None:
        """Before the process ends: try until all is stored, or this long; then say whose is lost."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most.total_seconds()):
                while not await self.settle():
                    await self._clock.sleep_until(self._clock.now() + PAUSE)
        for it in self._waiting:
            log.error("token.lost", connection=it.subject, since=it.since, what_to_do=LOST)

    def _of(self, subject: str) -> list[_Write]:
        own = _OWN.get()
        return [it for it in self._waiting if it is not own and subject in ("", it.subject)]

    async def _retry(self) -> None:
        pause = PAUSE
        while self._waiting:
            await self._clock.sleep_until(self._clock.now() + pause)
            await self.settle()
            pause = min(2 * pause, PAUSE_MAX)

    async def _settled(self, it: _Write) -> None:
        """Nobody may wait for its result any more."""
        await self._tried(it)
        if it in self._waiting:
            return
        if isinstance(it.done, Refusal):
            log.error("token.dropped", connection=it.subject, code=it.done.code)
        else:
            log.info("token.stored", connection=it.subject, since=it.since)

    async def _tried(self, it: _Write) -> Refusal | None:
        """One try, and what was in its way. It waits on unless it is done."""
        async with it.lock:
            if it not in self._waiting:
                return None
            before = _OWN.set(it)
            try:
                it.done = await it.write()
            except Refusal as error:
                return error
            except Exception as error:  # noqa: BLE001 - a mistake of ours, or of the store's, must not cost a login
                log.error("token.not_stored", connection=it.subject, error=origin_of(error))
                return None
            except BaseException as error:
                if not isinstance(error, asyncio.CancelledError):  # this process dies
                    self._waiting.remove(it)
                raise
            finally:
                _OWN.reset(before)
            self._waiting.remove(it)
            return None
