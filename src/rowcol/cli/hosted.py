"""Hosted: from the address of a rail's own page, shown to a person, to what came of it.

Whoever is there finishes the session: this command while it waits, else `rowcol serve`. Begun and not waited for, it
is good until it expires; `--resume` waits for it again. Running a command anew begins another session: the address of the
first one may be with somebody.
"""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rowcol.cli import face
from rowcol.core.refusal import Conflict, RailRefused
from rowcol.engine.topics import DUE
from rowcol.services.sessions import NOT_ASKED

if TYPE_CHECKING:
    from rowcol.api.shapes import LinkTokenOut
    from rowcol.core.connection import Connection
    from rowcol.services.integration import IntegrationService
    from rowcol.services.plane import OpenPlane
    from rowcol.services.sessions import Session

POLL = timedelta(seconds=1)
TELL_EVERY = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a command shows the page and waits. `until` None: until the session expires."""

    command: str
    """The command that `--resume` goes after."""
    is_json: bool = False
    is_waiting: bool = True
    is_opening: bool = False
    until: datetime | None = None


def show(begun: LinkTokenOut, manner: Manner) -> bool:
    """The address on stdout. Whether there is one: else a page of one's own has to open the widget."""
    if manner.is_json:
        face.emit(begun)
    elif not begun.hosted_link_url:
        face.say(begun.link_token)
        face.note("Open Plaid Link with it, then repeat with --public-token.")
    else:
        end = "" if begun.expires_at is None else f" until {begun.expires_at:%H:%M} UTC"
        face.note(f"Send this page to the person who may consent; it is good{end}, for one use:")
        face.say(begun.hosted_link_url)
    if not (manner.is_json or manner.is_waiting):
        face.note(
            f"session {begun.session_id}; go on with `{manner.command} --resume {begun.session_id}`"
        )
    if manner.is_opening and begun.hosted_link_url:
        webbrowser.open(begun.hosted_link_url)
    return bool(begun.hosted_link_url)


async def resumed(
    plane: OpenPlane,
    service: IntegrationService,
    session: str,
    manner: Manner,
    *,
    allow_duplicate: bool = False,
) -> Connection | None:
    """A session that was begun before: its page again while it is open, and what came of it. None where nobody waits."""
    from rowcol.api.shapes import LinkTokenOut

    found = await service.session(session, allow_duplicate=allow_duplicate)
    if found.ended is None:
        show(LinkTokenOut(session, "", found.url, found.expires_at), manner)
    elif not manner.is_waiting:
        return _login_of(found, manner)
    return await waited(plane, service, session, manner) if manner.is_waiting else None


async def waited(
    plane: OpenPlane, service: IntegrationService, session: str, manner: Manner
) -> Connection:
    """The login that came of it. Raise `Conflict` where one shows the account already, `RailRefused` with why there is none."""
    told_at = plane.clock.now()
    is_told = False
    bell = plane.doorbell.listen(DUE)
    before = (
        await service.session(session)
    ).reason  # of an earlier visit, when it is waited for again
    try:
        while (found := await service.session(session)).ended is None:
            now = plane.clock.now()
            if found.reason not in ("", before):
                if not found.reason.startswith(NOT_ASKED):
                    again = f"the page is good until {found.expires_at:%H:%M} UTC: `{manner.command} --resume {session}`"
                    raise RailRefused(found.reason, again)
                before = found.reason
                face.note(f"{found.reason}; it goes on waiting")
            if not is_told:
                is_told = True
                face.note(
                    f"Waiting. Ctrl-C stops that; `{manner.command} --resume {session}` goes on."
                )
            if manner.until is not None and now >= manner.until:
                raise RailRefused(
                    "nobody went through the page in time",
                    f"`rowcol serve` finishes it when somebody does; `{manner.command} --resume {session}` waits again",
                )
            if now - told_at >= TELL_EVERY:
                told_at = now
                face.note(
                    f"still waiting, {max(found.expires_at - now, MINUTE) // MINUTE} min left"
                )
            await bell.wait(now + POLL if manner.until is None else min(now + POLL, manner.until))
    finally:
        bell.close()
    return _login_of(found, manner)


def _login_of(found: Session, manner: Manner) -> Connection:
    if found.login is not None:
        if found.reason:
            face.note(f"not everything was connected: {found.reason}")
        return found.login
    if found.ended == "DUPLICATE":
        again = f"{found.what_to_do}: `{manner.command} --resume {found.id} --anyway`"
        raise Conflict(found.reason, again)
    raise RailRefused(found.reason or "no login came of it", found.what_to_do)
