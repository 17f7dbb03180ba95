"""Connection: a business's logins: listed, repaired in place, their webhooks pointed here, and ended."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from rowcol.cli import face
from rowcol.cli.connect import Browser, Timeout, Wait
from rowcol.cli.face import FirmOption, Json, Yes
from rowcol.cli.opening import desk
from rowcol.cli.read import moment
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId
from rowcol.core.pause import NO_REASON, resume_of, switch_of_login

if TYPE_CHECKING:
    from rowcol.api.shapes import ConnectionOut
    from rowcol.cli.hosted import Manner
    from rowcol.cli.opening import Desk
    from rowcol.core.change import ConnectionView
    from rowcol.core.connection import Connection
    from rowcol.core.money import Cost
    from rowcol.core.rail import Grant
    from rowcol.core.records import Business
    from rowcol.ports import Vault

EXAMPLES = (
    "Examples: rowcol connection list 'Harbor Dental'  |  rowcol connection repair con_...  |  "
    "rowcol connection add-accounts con_...  |  rowcol connection webhook con_...  |  rowcol connection reset con_...  |  "
    "rowcol disconnect con_..."
)
RETIRED = "RETIRED"
READ_ONLY = "its subscription ended: it can be read, not written"
app = typer.Typer(help="Logins: list, repair, add-accounts, webhook, reset.", no_args_is_help=True)
Login = Annotated[str, typer.Argument(metavar="CONNECTION", help="The login's id.")]
Resume = Annotated[
    str, typer.Option("--resume", help="Wait for a session that was begun before, by its id.")
]


@app.command("list", epilog=EXAMPLES)
def list_(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """List a business's logins, removed ones too."""
    from rowcol.adapters.clock import SystemClock
    from rowcol.api import shapes
    from rowcol.cli.findings import answer_to, live_off, repair_of, reset_of
    from rowcol.services.sealing import RESTORE

    now = SystemClock().now()
    views, switches, vault = face.running(_list(firm, business))
    rows = [shapes.login_of(view, now, vault) for view in views]
    if json:
        for row in rows:
            face.emit(row)
        return
    named = shlex.quote(business)
    face.table(
        ("id", "name", "rail", "state", "webhook gaps", "why"),
        [row_of(r, switches.get(switch_of_login(r.id), NO_REASON)) for r in rows],
        empty=f"no logins yet: `rowcol connect plaid {named}`, or `rowcol connect qbo {named}`",
    )
    for view, row in zip(views, rows, strict=True):
        if row.is_locked:
            face.say(f"{row.id}: {RESTORE}")
            continue
        if row.needs:
            face.say(f"{row.id} needs a person: {repair_of(row.id)}")
            continue
        if off := live_off(view.connection):
            face.say(f"{row.id}: {off}: {reset_of(row.id)}")
        for notice in view.connection.notices(now):
            face.say(f"{row.id}: {notice.text}: {answer_to(notice, row.id)}")


def row_of(out: ConnectionOut, paused: str = "") -> tuple[str, ...]:
    """A line of the list. `paused`: why it is, if it is."""
    gaps = f"{out.webhook_gaps}, last {moment(out.webhook_gap_at)}" if out.webhook_gaps else "0"
    reasons = (
        paused if out.is_paused else "",
        out.health_reason,
        READ_ONLY if out.is_read_only else "",
    )
    why = "; ".join(filter(None, reasons))
    state = "PAUSED" if out.is_paused else out.health
    state = "LOCKED" if out.is_locked else state
    return out.id, out.name, out.rail, state, gaps, why


async def _list(firm: str, word: str) -> tuple[tuple[ConnectionView, ...], dict[str, str], Vault]:
    """The logins, what is paused, and what opens them."""
    from rowcol.services.businesses import find

    async with desk(firm) as at:
        row = await find(at.plane, at.firm, word)
        views = await at.plane.store.read_business_views(at.firm, row.id)
        return views, await at.plane.store.read_switches(), at.plane.vault


@app.command(epilog=EXAMPLES)
def repair(
    connection: Login,
    *,
    wait: Wait = True,
    timeout: Timeout = "",
    browser: Browser = False,
    resume: Resume = "",
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Give a login new access, in place: print the page to log in at, and wait. It stays the same login, with its accounts,
    roles and history.

    Also before it breaks, where its consent is about to end. A second login would be billed and counted beside the first.
    """
    made = face.running(_again(firm, connection, resume, timeout, (wait, browser, json), "repair"))
    if made is not None:
        _say_repaired(made, is_json=json)


@app.command("add-accounts", epilog=EXAMPLES)
def add_accounts(
    connection: Login,
    *,
    wait: Wait = True,
    timeout: Timeout = "",
    browser: Browser = False,
    resume: Resume = "",
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Choose which accounts a login shows: print the page to choose at, and wait. What is no longer chosen closes."""
    made = face.running(_again(firm, connection, resume, timeout, (wait, browser, json), "add"))
    if made is not None:
        _say_repaired(made, is_json=json)


def _say_repaired(made: Connection, *, is_json: bool) -> None:
    from rowcol.adapters.clock import SystemClock
    from rowcol.api import shapes

    is_well = made.state.health is Health.OK
    if is_json:
        face.emit(shapes.connection_of(made, SystemClock().now()))
    else:
        why = f" ({made.state.health_reason})" if made.state.health_reason else ""
        then = "it is read anew with the next look" if is_well else "see `rowcol doctor`"
        face.say(f"{made.id} is {made.state.health.value}{why}; {then}")
    if not is_well:
        raise typer.Exit(face.Exit.NOT_DONE)


async def _again(
    firm: str,
    connection: str,
    resume: str,
    timeout: str,
    flags: tuple[bool, bool, bool],
    what: str,
) -> Connection | None:
    """The login after its page was gone through again; None where nobody waits for that."""
    from rowcol.api import shapes
    from rowcol.cli import hosted
    from rowcol.cli.read import deadline_of
    from rowcol.core.rail import CONSENT
    from rowcol.services.deeds import find_login
    from rowcol.services.integration import IntegrationService

    wait, browser, is_json = flags
    async with desk(firm) as at:
        row = (await find_login(at.plane, at.firm, connection)).connection
        service = IntegrationService(at.plane, row.business, firm=at.firm)
        until = deadline_of(timeout, at.plane.clock.now(), "--timeout")
        verb = "repair" if what == "repair" else "add-accounts"
        command = f"rowcol connection {verb} {row.id}"
        manner = hosted.Manner(command, is_json, wait, browser, until)
        if resume:
            return await hosted.resumed(at.plane, service, resume, manner)
        if what == "repair" and CONSENT in at.plane.rails[row.rail].spec.hosts:
            return await _consented(at, row, manner)
        begin = service.repair if what == "repair" else service.add_accounts
        begun = shapes.link_token_of(await begin(row.id))
        hosted.show(begun, manner)
        if not wait:
            return None
        return await hosted.waited(at.plane, service, begun.session_id, manner)


async def _consented(at: Desk, row: Connection, manner: Manner) -> Connection | None:
    """A rail with a consent screen of its own: consent given anew there reopens the same login."""
    from rowcol.api import shapes
    from rowcol.cli import consenting, hosted
    from rowcol.services.consent import LASTS

    def show(grant: Grant) -> None:
        hosted.show(shapes.link_token_of(grant), manner)

    left = LASTS if manner.until is None else manner.until - at.plane.clock.now()
    wish = consenting.Wish(
        row.rail,
        row.business,
        show,
        app=row.app,
        is_waiting=manner.is_waiting,
        patience=min(left, LASTS),
    )
    return await consenting.connected(at, wish)


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


@app.command(epilog=EXAMPLES)
def reset(
    connection: Login, *, yes: Yes = False, firm: FirmOption = "", json: Json = False
) -> None:
    """Read a login's changes anew from the start, where its rail refuses to go on: what is no more becomes a deletion, and
    what the rail refused is tried again.

    No money. QuickBooks' books are listed whole: a metered call per 1,000 rows of each kind.
    """
    from rowcol.rails.registry import RAILS
    from rowcol.services.deeds import is_read_anew

    row = face.running(_found(firm, connection))
    is_running = is_read_anew(row.state)
    if not is_running and RAILS[row.rail].spec.pool is not None:
        face.confirm(
            f"This lists the books of {row.label} whole: a call of the month's pool per 1,000 rows of each kind.",
            yes=yes,
        )
    face.running(_reset(firm, connection))
    if json:
        face.emit({"id": connection, "state": "restarting"})
    else:
        how = "already being read anew" if is_running else "read anew from the start"
        when = f", when it is resumed (`{resume_of(switch_of_login(row.id))}`)"
        when = when if row.is_paused else ""
        face.say(f"{connection} is {how}{when}; `rowcol doctor` says when it is done")


async def _found(firm: str, connection: str) -> Connection:
    from rowcol.services.deeds import find_login

    async with desk(firm) as at:
        return (await find_login(at.plane, at.firm, connection)).connection


async def _reset(firm: str, connection: str) -> None:
    from rowcol.services.deeds import read_anew

    async with desk(firm) as at:
        await read_anew(at.plane, at.firm, ConnectionId(connection))


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
