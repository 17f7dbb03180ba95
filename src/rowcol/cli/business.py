"""Business: the firm's clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk

if TYPE_CHECKING:
    from rowcol.core.records import Business

EXAMPLES = (
    "Examples: rowcol business add 'Harbor Dental' --external-id C-1017  |  rowcol business list"
)
app = typer.Typer(help="Client businesses: add, list.", no_args_is_help=True)


@app.command(epilog=EXAMPLES)
def add(
    name: Annotated[str, typer.Argument(help="How the firm calls it.")],
    external_id: Annotated[
        str, typer.Option("--external-id", help="The firm's own id for it; default: the name.")
    ] = "",
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Add a business. Adding the same external id again changes nothing."""
    from rowcol.api import shapes

    row, is_new = face.running(_add(firm, name, external_id or name))
    if json:
        face.emit(shapes.business_of(row))
    else:
        face.say(f"{row.id}  {row.name}" + ("" if is_new else "  (was there already)"))


async def _add(firm: str, name: str, external_id: str) -> tuple[Business, bool]:
    from rowcol.services.businesses import find_or_add

    async with desk(firm) as at:
        return await find_or_add(at.plane, at.firm, name, external_id)


@app.command("list", epilog=EXAMPLES)
def list_(*, firm: FirmOption = "", json: Json = False) -> None:
    """List the firm's businesses."""
    from rowcol.api import shapes

    rows = face.running(_list(firm))
    if json:
        for row in rows:
            face.emit(shapes.business_of(row))
        return
    face.table(
        ("id", "name", "external id"),
        [(r.id, r.name, r.external_id) for r in rows],
        empty="no businesses yet: `rowcol business add NAME`",
    )


async def _list(firm: str) -> tuple[Business, ...]:
    from rowcol.services.businesses import every

    async with desk(firm) as at:
        return await every(at.plane, at.firm)
