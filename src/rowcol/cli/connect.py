"""Connect: a business's bank login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.core.refusal import BadInput

if TYPE_CHECKING:
    from rowcol.core.connection import Connection
    from rowcol.core.rail import Grant

EXAMPLES = (
    "Examples: rowcol connect plaid 'Harbor Dental'  |  rowcol connect plaid harbor --public-token public-...  |  "
    "rowcol connect plaid harbor --sandbox"
)
app = typer.Typer(help="Connect a login: plaid.", no_args_is_help=True)


@app.command(epilog=EXAMPLES)
def plaid(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    public_token: Annotated[
        str, typer.Option("--public-token", help="What Link gave after the person consented.")
    ] = "",
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="A test login without a browser.")
    ] = False,
    institution: Annotated[
        str, typer.Option("--institution", help="With --sandbox: the bank's id.")
    ] = "",
    app_name: Annotated[
        str, typer.Option("--app", help="Which keys, where there are several.")
    ] = "",
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Connect a Plaid login. Without a token: begin, and print the link token for Plaid Link."""
    from rowcol.api import shapes

    if sandbox and public_token:
        raise BadInput("--sandbox makes its own public token", "leave one of the two out")
    if institution and not sandbox:
        raise BadInput("--institution goes with --sandbox", "a person chooses the bank in Link")
    if not sandbox and not public_token:
        grant = face.running(_begin(firm, business, app_name))
        if json:
            face.emit({"link_token": grant.value, "expires_at": grant.expires_at})
        else:
            face.say(grant.value)
            face.note("Open Plaid Link with it, then repeat with --public-token.")
        return
    made = face.running(_connect(firm, business, (app_name, public_token, institution)))
    if json:
        face.emit(shapes.connection_of(made))
    else:
        face.say(f"connected {made.id}; `rowcol read {business}` asks for its first look")


async def _begin(firm: str, word: str, app_name: str) -> Grant:
    from rowcol.core.ids import AppId
    from rowcol.services.businesses import find
    from rowcol.services.integration import IntegrationService

    async with desk(firm) as at:
        row = await find(at.plane, at.firm, word)
        service = IntegrationService(at.plane, row.id, firm=at.firm)
        return await service.begin_connect("plaid", app=AppId(app_name) if app_name else None)


async def _connect(firm: str, word: str, given: tuple[str, str, str]) -> Connection:
    from rowcol.core.ids import AppId
    from rowcol.services.businesses import find
    from rowcol.services.integration import SANDBOX_INSTITUTION, IntegrationService

    app_name, public_token, institution = given
    chosen = AppId(app_name) if app_name else None
    async with desk(firm) as at:
        row = await find(at.plane, at.firm, word)
        service = IntegrationService(at.plane, row.id, firm=at.firm)
        if public_token:
            return await service.connect("plaid", public_token, app=chosen)
        bank = institution or SANDBOX_INSTITUTION
        return await service.connect_sandbox("plaid", institution=bank, app=chosen)
