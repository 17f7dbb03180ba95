"""Connection: a business's logins: listed, their webhooks pointed here, and ended."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json, Yes
from rowcol.cli.opening import desk
from rowcol.cli.read import moment

if TYPE_CHECKING:
    from rowcol.api.shapes import ConnectionOut
    from rowcol.core.connection import Connection
    from rowcol.core.money import Cost
    from rowcol.core.records import Business

EXAMPLES = (
    "Examples: rowcol connection list 'Harbor Dental'  |  rowcol connection webhook con_...  |  "
    "rowcol disconnect con_..."
)
RETIRED = "RETIRED"
READ_ONLY = "its subscription ended: it can be read, not written"
app = typer.Typer(help="Logins: list, webhook.", no_args_is_help=True)
Login = Annotated[str, typer.Argument(metavar="CONNECTION", help="The login's id.")]


@app.command("list", epilog=EXAMPLES)
def list_(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """List a business's logins, removed ones too."""
    from rowcol.api import shapes
    from rowcol.cli.findings import repair_of

    rows = [shapes.connection_of(row) for row in face.running(_list(firm, business))]
    if json:
        for row in rows:
            face.emit(row)
        return
    named = shlex.quote(business)
    face.table(
        ("id", "name", "rail", "state", "webhook gaps", "why"),
        [row_of(r) for r in rows],
        empty=f"no logins yet: `rowcol connect plaid {named}`, or `rowcol connect qbo {named}`",
    )
    for row in rows:
        if row.needs:
            face.say(f"{row.id} needs a person: {repair_of(row.rail, row.id, business)}")


def row_of(out: ConnectionOut) -> tuple[str, ...]:
    """A line of the list."""
    gaps = f"{out.webhook_gaps}, last {moment(out.webhook_gap_at)}" if out.webhook_gaps else "0"
    why = "; ".join(filter(None, (out.health_reason, READ_ONLY if out.is_read_only else "")))
    state = "paused" if out.is_paused else out.health
    return out.id, out.name, out.rail, state, gaps, why


async def _list(firm: str, word: str) -> tuple[Connection, ...]:
    from rowcol.services.businesses import find

    async with desk(firm) as at:
        row = await find(at.plane, at.firm, word)
        return await at.plane.store.list_connections(at.firm, row.id)


@app.command(epilog=EXAMPLES)
def webhook(connection: Login, *, firm: FirmOption = "", json: Json = False) -> None:
    """Have a login's webhooks sent to ROWCOL_PUBLIC_URL, as after a move of the service."""
    face.running(_point(firm, connection))
    if json:
        face.emit({"id": connection, "state": "pointed"})
    else:
        face.say(f"webhooks of {connection} come here now")


async def _point(firm: str, connection: str) -> None:
    from rowcol.services.deeds import find_login
    from rowcol.services.integration import IntegrationService

    async with desk(firm) as at:
        row = (await find_login(at.plane, at.firm, connection)).connection
        await IntegrationService(at.plane, row.business, firm=at.firm).point_webhook(row.id)


def disconnect(
    connection: Login, *, yes: Yes = False, firm: FirmOption = "", json: Json = False
) -> None:
    """End a login at its rail, and its monthly fee. It cannot be taken back; its history stays."""
    row, business, price = face.running(_ended(firm, connection))
    if row.state.health.value == RETIRED:
        _removed(row, "was removed before", is_json=json)
        return
    month = f"{face.money(price.micros)} a month" if price.micros else "no fee"
    face.confirm(
        f"This ends {business.name}'s login at {row.label} ({row.rail}, {month}) for good.", yes=yes
    )
    face.running(_disconnect(firm, row))
    _removed(row, "was removed", is_json=json)


def _removed(row: Connection, how: str, *, is_json: bool) -> None:
    if is_json:
        face.emit({"id": row.id, "state": "removed"})
    else:
        face.say(f"{row.id} {how}; what is known of it stays")


async def _ended(firm: str, connection: str) -> tuple[Connection, Business, Cost]:
    """What a removal ends."""
    from rowcol.services.businesses import find
    from rowcol.services.deeds import find_login, price_of_month

    async with desk(firm) as at:
        row = (await find_login(at.plane, at.firm, connection)).connection
        business = await find(at.plane, at.firm, row.business)
        return row, business, await price_of_month(at.plane, row)


async def _disconnect(firm: str, row: Connection) -> None:
    from rowcol.services.integration import IntegrationService

    async with desk(firm) as at:
        await IntegrationService(at.plane, row.business, firm=at.firm).disconnect(row.id)
