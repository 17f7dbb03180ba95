"""Connect: a business's login at a bank, or at its books."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.core.ids import AppId
from rowcol.core.refusal import BadInput

if TYPE_CHECKING:
    from rowcol.core.connection import Connection
    from rowcol.core.rail import Grant

EXAMPLES = (
    "Examples: rowcol connect plaid 'Harbor Dental'  |  rowcol connect plaid 'Harbor Dental' --no-wait --json  |  "
    "rowcol connect plaid 'Harbor Dental' --resume lnk_...  |  rowcol connect plaid 'Harbor Dental' --sandbox"
)
EXAMPLES_CONSENT = (
    "Examples: rowcol connect qbo 'Harbor Dental'  |  rowcol connect qbo 'Harbor Dental' --paste  |  "
    "rowcol connect qbo 'Harbor Dental' --callback 'http://localhost:8700/oauth/...?code=...&state=...'"
)
app = typer.Typer(help="Connect a login: plaid, qbo.", no_args_is_help=True)


Timeout = Annotated[
    str, typer.Option("--timeout", help="How long to wait: 90s, 15m; else until it expires.")
]
Browser = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Also open the page on this machine.")
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until the person went through it.")
]


@app.command(epilog=EXAMPLES)
def plaid(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    public_token: Annotated[
        str, typer.Option("--public-token", help="What a Link page of your own gave.")
    ] = "",
    metadata: Annotated[
        str,
        typer.Option(
            "--metadata", help="With --public-token: what onSuccess gave beside it, JSON."
        ),
    ] = "",
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="A test login without a browser.")
    ] = False,
    institution: Annotated[
        str, typer.Option("--institution", help="With --sandbox: the bank's id.")
    ] = "",
    resume: Annotated[
        str, typer.Option("--resume", help="Wait for a session that was begun before, by its id.")
    ] = "",
    *,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also where a login shows one of the accounts already.")
    ] = False,
    wait: Wait = True,
    timeout: Timeout = "",
    browser: Browser = False,
    app_name: Annotated[
        str, typer.Option("--app", help="Which keys, where there are several.")
    ] = "",
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Connect a bank login: print the page to log in at, and wait until somebody did.

    With --json one object has the page, the next one the login. `rowcol serve` finishes what nobody waits for.
    """
    if sum(map(bool, (sandbox, public_token, resume))) > 1:
        raise BadInput("--sandbox, --public-token and --resume are three ways", "take one of them")
    if institution and not sandbox:
        raise BadInput("--institution goes with --sandbox", "a person chooses the bank on the page")
    if metadata and not public_token:
        raise BadInput("--metadata goes with --public-token", "the hosted page tells its own")
    given = _Given(firm, business, app_name, public_token, _object(metadata), institution, anyway)
    if sandbox or public_token:
        made = face.running(_connect(given))
    else:
        flags = (wait, browser, json)
        waited = face.running(_hosted(given, resume, timeout, flags))
        if waited is None:
            return
        made = waited
    _tell(made, business, is_json=json)


def _tell(made: Connection, business: str, *, is_json: bool) -> None:
    from rowcol.adapters.clock import SystemClock
    from rowcol.api import shapes

    if is_json:
        face.emit(shapes.connection_of(made, SystemClock().now()))
    else:
        named = shlex.quote(business)
        face.say(f"connected {made.id}; `rowcol read {named}` asks for its first look")


@dataclass(frozen=True, slots=True)
class _Given:
    """What a person typed."""

    firm: str
    word: str
    app_name: str
    public_token: str
    metadata: dict[str, object] | None
    institution: str
    is_double_allowed: bool

    @property
    def app(self) -> AppId | None:
        """The keys by name, None for the only ones."""
        return AppId(self.app_name) if self.app_name else None


def _object(text: str) -> dict[str, object] | None:
    """The JSON object that a person gave. Raise `BadInput` for anything else."""
    import msgspec

    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (ValueError, RecursionError) as error:
        raise BadInput(
            "--metadata is no JSON object", "give what onSuccess gave, in quotes"
        ) from error


async def _hosted(
    given: _Given, resume: str, timeout: str, flags: tuple[bool, bool, bool]
) -> Connection | None:
    from rowcol.api import shapes
    from rowcol.cli import hosted
    from rowcol.cli.read import deadline_of
    from rowcol.services.businesses import find
    from rowcol.services.integration import IntegrationService

    wait, browser, is_json = flags
    async with desk(given.firm) as at:
        row = await find(at.plane, at.firm, given.word)
        service = IntegrationService(at.plane, row.id, firm=at.firm)
        until = deadline_of(timeout, at.plane.clock.now(), "--timeout")
        command = f"rowcol connect plaid {shlex.quote(given.word)}"
        manner = hosted.Manner(command, is_json, wait, browser, until)
        if resume:
            return await hosted.resumed(
                at.plane, service, resume, manner, allow_duplicate=given.is_double_allowed
            )
        others = await at.plane.store.list_open_links(at.firm, row.id)
        grant = await service.begin_connect(
            "plaid", app=given.app, allow_duplicate=given.is_double_allowed
        )
        for link in others:
            face.note(f"{link.id} is open, too, until {link.expires_at:%H:%M} UTC (--resume)")
        is_hosted = hosted.show(shapes.link_token_of(grant), manner)
        if not (is_hosted and wait):
            return None
        return await hosted.waited(at.plane, service, grant.session, manner)


async def _connect(given: _Given) -> Connection:
    from rowcol.services.businesses import find
    from rowcol.services.integration import SANDBOX_INSTITUTION, IntegrationService

    async with desk(given.firm) as at:
        row = await find(at.plane, at.firm, given.word)
        service = IntegrationService(at.plane, row.id, firm=at.firm)
        if given.public_token:
            return await service.connect(
                "plaid",
                given.public_token,
                app=given.app,
                metadata=given.metadata,
                allow_duplicate=given.is_double_allowed,
            )
        bank = given.institution or SANDBOX_INSTITUTION
        return await service.connect_sandbox("plaid", institution=bank, app=given.app)


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
    if paste and callback:
        raise BadInput("--paste asks for what --callback gives", "leave one of the two out")
    made = face.running(
        _consented(firm, business, (app_name, callback, timeout), (paste, wait, browser, json))
    )
    if made is None:
        return
    if json:
        _tell(made, business, is_json=True)
    else:
        face.say(f"connected {made.id}; `rowcol books bills {business!r}` reads its bills")


async def _consented(
    firm: str, word: str, given: tuple[str, str, str], flags: tuple[bool, bool, bool, bool]
) -> Connection | None:
    from rowcol.api.consent import consent_of
    from rowcol.cli import consenting
    from rowcol.cli.read import deadline_of
    from rowcol.services.businesses import find
    from rowcol.services.consent import LASTS

    app_name, callback, timeout = given
    paste, wait, browser, is_json = flags

    def show(grant: Grant) -> None:
        if is_json:
            face.emit(consent_of(grant))
            return
        face.note(
            "Open this link where the person who may consent is signed in; it is good for 30 minutes:"
        )
        face.say(grant.url)
        if not wait:
            its = f"rowcol connect qbo {shlex.quote(word)} --callback ADDRESS"
            face.note(f"session {grant.value}; where nobody takes the person back, `{its}` does")

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
