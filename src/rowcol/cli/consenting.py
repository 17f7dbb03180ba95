"""Consenting: from a link that a person opens to a stored login, wherever the rail sends them back to.

| ROWCOL_PUBLIC_URL | the callback's port    | who takes the callback               |
|-------------------|------------------------|--------------------------------------|
| set               | -                      | the service there; we ask the store  |
| empty             | free on this machine   | this command, for as long as it waits |
| empty             | taken                  | `rowcol serve`; we ask the store     |
| either            | `--paste`, `--callback`| the person brings the address        |
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from rowcol.cli import face
from rowcol.core.refusal import BadInput, Misconfigured, RailRefused
from rowcol.engine.topics import DUE
from rowcol.services import consent
from rowcol.services.integration import IntegrationService

if TYPE_CHECKING:
    from rowcol.cli.opening import Desk
    from rowcol.core.connection import Connection
    from rowcol.core.ids import AppId, BusinessId
    from rowcol.core.rail import Grant
    from rowcol.services.plane import OpenPlane

POLL = timedelta(seconds=1)
TELL_EVERY = timedelta(minutes=1)
LOOPBACK = "127.0.0.1"
_LOCAL = ("localhost", LOOPBACK)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for. `address`: where the rail sent them to, brought by hand; "" else.

    `show` is told the link as soon as there is one.
    """

    rail: str
    business: BusinessId
    show: Callable[[Grant], None]
    app: AppId | None = None
    address: str = ""
    is_pasting: bool = False
    is_waiting: bool = True
    is_opening: bool = False
    patience: timedelta = consent.LASTS


async def connected(at: Desk, wish: Wish) -> Connection | None:
    """The login; None where nobody waits for it. Raise `RailRefused` with why there is none."""
    plane = at.plane
    if wish.address:
        return await consent.complete(plane, answers_of(wish.address), wish.business)
    service = IntegrationService(plane, wish.business, firm=at.firm)
    grant = await service.begin_connect(wish.rail, app=wish.app)
    if not wish.is_waiting:
        _show(wish, grant)
        return None
    if wish.is_pasting:
        _show(wish, grant)
        face.note("After consenting, paste the whole address that the browser shows, then Enter:")
        return await consent.complete(plane, answers_of(await typed()), wish.business)
    async with taking(plane, plane.app_of(wish.rail, wish.app).callback_url) as who:
        _show(wish, grant)  # now that whoever comes back at once is taken
        face.note(f"Waiting for the consent; {who} takes the person back. Ctrl-C stops waiting.")
        return await _waited(plane, service, grant.value, wish.patience)


def _show(wish: Wish, grant: Grant) -> None:
    wish.show(grant)
    if wish.is_opening:
        webbrowser.open(grant.url)


async def typed() -> str:
    """A line of stdin. What waits for it does not keep the program: after Ctrl-C nobody has to press Enter first."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def tell(text: str) -> None:
        if not line.done():
            line.set_result(text)

    def wait() -> None:
        # A buffer of its own: the interpreter closes that of sys.stdin at its end, and would wait for it.
        with open(sys.stdin.fileno(), encoding="utf-8", errors="replace", closefd=False) as own:
            text = own.readline()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, text)

    threading.Thread(target=wait, daemon=True).start()
    return await line


def answers_of(address: str) -> dict[str, str]:
    """What an address brought back, also only what stands behind its `?`. Raise `BadInput` where that is nothing."""
    text = address.strip()
    query = urlsplit(text).query or text
    answers = {name: values[-1] for name, values in parse_qs(query).items()}
    if "state" not in answers:
        raise BadInput(
            "this is not the address that the browser was sent back to: it has no state=",
            "copy the whole address from the browser's address line, in quotes",
        )
    return answers


@contextlib.asynccontextmanager
async def taking(plane: OpenPlane, callback_url: str) -> AsyncIterator[str]:
    """Somebody takes the callback meanwhile; who, in words."""
    parts = urlsplit(callback_url)
    if parts.scheme != "http" or parts.hostname not in _LOCAL or not parts.port:
        yield f"the service at {parts.scheme}://{parts.netloc}"
        return
    try:
        from rowcol.cli import listening

        made = listening.bound(LOOPBACK, parts.port)
    except ModuleNotFoundError as error:
        face.note(
            f"Cannot listen without {error.name}: pip install 'rowcol[server]', or use --paste."
        )
        yield "`rowcol serve`, where it runs,"
    except Misconfigured:
        yield f"what listens on port {parts.port}, `rowcol serve` it seems,"
    else:
        from rowcol.api.callback import callback_app

        async with listening.beside(callback_app(plane), made):
            yield f"this command, on {parts.scheme}://{parts.netloc},"


async def _waited(
    plane: OpenPlane, service: IntegrationService, consent_id: str, patience: timedelta
) -> Connection:
    began_at = told_at = plane.clock.now()
    bell = plane.doorbell.listen(DUE)
    try:
        while (made := await service.consented(consent_id)) is None:
            now = plane.clock.now()
            left = began_at + patience - now
            if left <= timedelta(0):
                raise RailRefused(
                    "nobody came back in time",
                    "begin again, or complete it with --callback ADDRESS",
                )
            if now - told_at >= TELL_EVERY:
                told_at = now
                face.note(f"still waiting, {left // timedelta(minutes=1)} min left")
            await bell.wait(now + min(POLL, left))
        return made
    finally:
        bell.close()
