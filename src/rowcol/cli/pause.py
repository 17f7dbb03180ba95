"""Pause: stop paid calls, a rail or a login; reads go on with what is known."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk, opened
from rowcol.core.refusal import BadInput, NotFound

EXAMPLES = (
    "Examples: rowcol pause  |  rowcol pause paid --reason 'invoice in dispute'  |  rowcol pause rail plaid  |  "
    "rowcol resume connection con_..."
)
What = Annotated[str, typer.Argument(help="paid, rail or connection; nothing: show.")]
Which = Annotated[str, typer.Argument(help="The rail's name, or the login's id.")]


def pause(
    what: What = "",
    which: Which = "",
    reason: Annotated[str, typer.Option("--reason", help="As people will read it.")] = "",
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Pause all paid calls, a rail, or one login; or show what is paused."""
    _done(face.running(_turn(what, which, firm, reason or "paused by an operator")), json)


def resume(
    what: What = "", which: Which = "", *, firm: FirmOption = "", json: Json = False
) -> None:
    """Take a pause back."""
    out = face.running(_turn(what, which, firm, None))
    if what and not json:
        face.say(f"resumed: {what} {which}".rstrip())
    else:
        _done(out, json)


def _done(out: dict[str, Any], json: bool) -> None:
    if json:
        face.emit(out)
    elif "paused" in out:
        rows = sorted(out["paused"].items())
        face.table(("paused", "reason"), rows, empty="nothing is paused")
    else:
        face.say(f"{out['id']} is {out['state']}")


def _need_which(what: str, which: str) -> None:
    if what in ("rail", "connection") and not which:
        named = {
            "rail": "its name",
            "connection": "its id; `rowcol connection list BUSINESS` has it",
        }
        raise BadInput(f"which {what}?", f"add {named[what]}")


async def _turn(what: str, which: str, firm: str, reason: str | None) -> dict[str, Any]:
    from rowcol.core.ids import ConnectionId
    from rowcol.core.pause import PAID, switch_of_rail
    from rowcol.services.pauses import all_paused, set_login_paused

    _need_which(what, which)
    if what == "connection":
        async with desk(firm) as at:
            if not await set_login_paused(at.plane, at.firm, ConnectionId(which), reason):
                raise NotFound(f"no login {which!r} in this firm", "see `rowcol explain BUSINESS`")
        return {"id": which, "state": "running" if reason is None else "paused"}
    if which and what != "rail":
        raise BadInput(f"{what!r} has no {which!r}", "leave it out, or say rail NAME")
    async with opened() as plane:
        if what == "paid":
            await plane.store.set_switch(PAID, reason)
        elif what == "rail":
            if which not in plane.rails:
                raise BadInput(f"there is no rail {which!r}", f"rails: {', '.join(plane.rails)}")
            await plane.store.set_switch(switch_of_rail(which), reason)
        elif what:
            raise BadInput(f"{what!r} cannot be paused", "say paid, rail NAME or connection ID")
        return {"paused": await all_paused(plane.store)}
