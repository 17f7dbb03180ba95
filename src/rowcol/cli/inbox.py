"""Inbox: webhooks as they came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk, opened
from rowcol.cli.read import moment
from rowcol.core.refusal import BadInput

if TYPE_CHECKING:
    from rowcol.api import lines

EXAMPLES = "Examples: rowcol inbox list --state PARKED  |  rowcol inbox replay del_...  |  rowcol inbox unmatched"
app = typer.Typer(help="Webhooks received: list, replay, unmatched.", no_args_is_help=True)
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many.")]
After = Annotated[str, typer.Option("--after", help="The last id of the page before.")]


@app.command("list", epilog=EXAMPLES)
def list_(
    state: Annotated[str, typer.Option("--state", help="RECEIVED, DRAINED or PARKED.")] = "",
    limit: Limit = 100,
    after: After = "",
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """List deliveries of the firm's logins, newest first."""
    face.running(_list(firm, state, (after, limit), is_json=json))


async def _list(firm: str, state: str, page: tuple[str, int], *, is_json: bool) -> None:
    from rowcol.api import lines
    from rowcol.core.delivery import RouteState

    states = [s.value for s in RouteState if s is not RouteState.UNMATCHED]
    if state and state.upper() not in states:
        raise BadInput(f"there is no state {state!r}", f"states: {', '.join(states)}")
    wanted = RouteState(state.upper()) if state else None
    async with desk(firm) as at:
        rows = await at.plane.store.list_deliveries(
            at.firm, state=wanted, after=page[0], limit=page[1]
        )
    _show([lines.delivery_of(row) for row in rows], is_json=is_json)


@app.command(epilog=EXAMPLES)
def unmatched(limit: Limit = 100, after: After = "", *, json: Json = False) -> None:
    """List deliveries for logins that nobody knows. Where a rail charges for each login, they may still be billed."""
    face.running(_unmatched((after, limit), is_json=json))


async def _unmatched(page: tuple[str, int], *, is_json: bool) -> None:
    from rowcol.api import lines

    async with opened() as plane:
        rows = await plane.store.list_unmatched(after=page[0], limit=page[1])
    _show([lines.delivery_of(row) for row in rows], is_json=is_json)


@app.command(epilog=EXAMPLES)
def replay(
    delivery: Annotated[str, typer.Argument(help="Id, as `inbox list` shows it.")],
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Work a delivery through again; the service does it, or the next command that asks of its business."""
    face.running(_replay(firm, delivery))
    if json:
        face.emit({"id": delivery, "state": "RECEIVED"})
    else:
        face.say(f"{delivery} is due again")


async def _replay(firm: str, delivery: str) -> None:
    from rowcol.core.ids import DeliveryId
    from rowcol.services.inbox import replay as again

    async with desk(firm) as at:
        await again(at.plane, at.firm, DeliveryId(delivery))


def _show(rows: list[lines.DeliveryOut], *, is_json: bool) -> None:
    if is_json:
        for row in rows:
            face.emit(row)
        return
    face.table(
        ("id", "state", "received at", "kind", "login", "note"),
        [
            (r.id, r.state, moment(r.received_at), r.kind, r.connection or r.remote_id, r.note)
            for r in rows
        ],
        empty="no deliveries",
    )
