"""Connect: a business's login at a bank, or at its books."""

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
    "Examples: rowcol connect plaid 'Harbor Dental'  |  rowcol connect plaid 'Harbor Dental' --public-token public-...  |  "
    "rowcol connect plaid 'Harbor Dental' --sandbox"
)
EXAMPLES_CONSENT = (
    "Examples: rowcol connect qbo 'Harbor Dental'  |  rowcol connect qbo 'Harbor Dental' --paste  |  "
    "rowcol connect qbo 'Harbor Dental' --callback 'http://localhost:8700/oauth/...?code=...&state=...'"
)
app = typer.Typer(help="Connect a login: plaid, qbo.", no_args_is_help=True)


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


@app.command(epilog=EXAMPLES_CONSENT)
def qbo(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    *,
    paste: Annotated[
        bool, typer.Option("--paste", help="Ask for the address that the browser was sent back to.")
    ] = False,
    callback: Annotated[
        str, typer.Option("--callback", help="That address, for a consent that was begun before.")
    ] = "",
    timeout: Annotated[
        str, typer.Option("--timeout", help="How long to wait: 90s, 15m; at most 30m.")
    ] = "30m",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Also open the link on this machine.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the person came back.")
    ] = True,
    app_name: Annotated[
        str, typer.Option("--app", help="Which keys, where there are several.")
    ] = "",
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Connect a QuickBooks Online company, or give a broken one new access: print the link to consent at, and wait.

    The rail sends the person back to ROWCOL_PUBLIC_URL. Where that is empty, to this machine: `rowcol serve`
    takes them there, else this command. With --json one object has the link, the next one the login.
    """
    from rowcol.api import shapes

    if paste and callback:
        raise BadInput("--paste asks for what --callback gives", "leave one of the two out")
    made = face.running(
        _consented(firm, business, (app_name, callback, timeout), (paste, wait, browser, json))
    )
    if made is None:
        return
    if json:
        face.emit(shapes.connection_of(made))
    else:
        face.say(f"connected {made.id}; `rowcol books bills {business!r}` reads its bills")


async def _consented(
    firm: str, word: str, given: tuple[str, str, str], flags: tuple[bool, bool, bool, bool]
) -> Connection | None:
    from rowcol.api.consent import ConsentOut
    from rowcol.cli import consenting
    from rowcol.cli.read import deadline_of
    from rowcol.core.ids import AppId
    from rowcol.services.businesses import find
    from rowcol.services.consent import LASTS

    app_name, callback, timeout = given
    paste, wait, browser, is_json = flags

    def show(grant: Grant) -> None:
        if is_json:
            face.emit(ConsentOut(grant.value, grant.url, grant.expires_at))
            return
        face.note(
            "Open this link where the person who may consent is signed in; it is good for 30 minutes:"
        )
        face.say(grant.url)

    async with desk(firm) as at:
        row = await find(at.plane, at.firm, word)
        now = at.plane.clock.now()
        until = deadline_of(timeout, now, "--timeout")
        patience = LASTS if until is None else min(until - now, LASTS)
        wish = consenting.Wish(
            "qbo",
            row.id,
            show,
            app=AppId(app_name) if app_name else None,
            address=callback,
            is_pasting=paste,
            is_waiting=wait,
            is_opening=browser,
            patience=patience,
        )
        return await consenting.connected(at, wish)
