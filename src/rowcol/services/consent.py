"""Consent: a person is sent to the rail's own screen and comes back with a code, or not.

| the consent is | when                                   | then                                      |
|----------------|----------------------------------------|-------------------------------------------|
| begun          | `begin` made its secret `state`        | 30 minutes to come back                   |
| used           | a callback brought that `state`, once  | the code is exchanged                     |
| ended          | the login is stored, or the rail said no | `connection` or `failure` says which    |

The callback needs no token of ours: the secret `state` is what it is trusted by. Only its hash is stored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import timedelta

from rowcol.core.app import App
from rowcol.core.connection import Connection
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.rail import Grant
from rowcol.core.records import Link
from rowcol.core.refusal import (
    BadInput,
    Busy,
    Misconfigured,
    NotFound,
    RailRefused,
    Refusal,
)
from rowcol.core.secret import hash_of
from rowcol.engine.busy import retried_while_busy
from rowcol.engine.unstored import NotStoredYet
from rowcol.services import linking
from rowcol.services.plane import OpenPlane

LASTS = timedelta(minutes=30)
EXCHANGE_TAKES = timedelta(minutes=5)
"""Longer than any exchange: a used consent without an ending by then has none to come."""


async def begin(plane: OpenPlane, firm: FirmId, business: BusinessId, app: App) -> Grant:
    """A consent with its link. `value` is its id. Raise `Misconfigured` where nobody could come back."""
    if not app.callback_url:
        raise Misconfigured(
            f"{app.rail} has no address to send people back to", "set ROWCOL_PUBLIC_URL"
        )
    await linking.link_arguments(plane, firm, business, app)
    state, now = plane.rng.secret(), plane.clock.now()
    link = Link(plane.rng.new_id("lnk"), hash_of(state), firm, business, app.id, now, now + LASTS)
    await plane.store.add_link(firm, link)
    url = plane.rails[app.rail].consent_url(await plane.gateway.located(app), state)
    return Grant(link.id, expires_at=link.expires_at, url=url, session=link.id)


async def complete(
    plane: OpenPlane, answers: Mapping[str, str], business: BusinessId | None = None
) -> Connection:
    """What a callback brought becomes a login. Raise `BadInput` for a `state` that is unknown, used or too old.

    `business`: whose consent it must be, where the caller knows. Nobody's cancellation cuts it: a
    `state` is good once.
    """
    return await plane.renewer.unbroken.run(_complete(plane, answers, business), "consent")


async def _complete(
    plane: OpenPlane, answers: Mapping[str, str], business: BusinessId | None
) -> Connection:
    state = answers.get("state", "")
    link = await plane.store.take_link(hash_of(state), plane.clock.now()) if state else None
    if link is None:
        raise BadInput(
            "this link was used already, or is older than 30 minutes",
            "begin again with `rowcol connect`",
        )

    async def ended(done: Connection | Refusal) -> None:
        connection, failure = (None, done.message) if isinstance(done, Refusal) else (done.id, "")
        with contextlib.suppress(Busy):  # a login that is stored is what counts
            await retried_while_busy(
                lambda: plane.store.end_link(link.firm, link.id, connection, failure)
            )

    try:
        if business not in (None, link.business):
            raise BadInput(
                "this consent was begun for another business", "begin again for this one"
            )
        app = plane.gateway.app(link.app)
        return await linking.exchange(plane, link.firm, link.business, app, answers, ended)
    except NotStoredYet:
        raise  # it ends with the login
    except Refusal as error:
        await ended(error)
        raise


async def outcome(
    plane: OpenPlane, firm: FirmId, business: BusinessId, consent_id: str
) -> Connection | None:
    """The login that came of it; None while the person is away."""
    link = await plane.store.read_link(firm, consent_id)
    if link is None or link.business != business:
        raise NotFound("this business has no such consent", "begin one with `rowcol connect`")
    if link.failure:
        raise RailRefused(link.failure, "begin again with `rowcol connect`")
    if link.connection is not None:
        view = await plane.store.read_view(firm, link.connection)
        return None if view is None else view.connection
    spare = timedelta(0) if link.used_at is None else EXCHANGE_TAKES
    if plane.clock.now() >= link.expires_at + spare:
        what = "nobody came back within 30 minutes"
        if link.used_at is not None:
            what = "the login is not stored yet, or the service stopped while it connected"
        raise RailRefused(
            what, "see `rowcol connection list BUSINESS`; else begin again with `rowcol connect`"
        )
    return None
