"""Account: what each bank account is for. Operating accounts count as cash."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.core.refusal import BadInput, NotFound

EXAMPLES = (
    "Examples: rowcol account list 'Harbor Dental'  |  rowcol account role con_... BxBXx... reserve"
)
app = typer.Typer(help="Bank accounts: list, role.", no_args_is_help=True)


@app.command("list", epilog=EXAMPLES)
def list_(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """List a business's bank accounts with their roles."""
    rows = face.running(_list(firm, business))
    if json:
        for row in rows:
            face.emit(row)
        return
    face.table(
        ("login", "account", "name", "type", "role"),
        [
            (
                r["connection"],
                r["remote_id"],
                f"{r['name']} {r['mask']}".strip(),
                f"{r['type']} {r['subtype']}".strip(),
                r["role"] + (" (suggested)" if r["is_role_suggested"] else ""),
            )
            for r in rows
        ],
        empty="no accounts seen yet: `rowcol connect plaid`, then `rowcol read`",
    )


async def _list(firm: str, word: str) -> list[dict[str, Any]]:
    from rowcol.core.cash import role_of
    from rowcol.services.businesses import find

    async with desk(firm) as at:
        row = await find(at.plane, at.firm, word)
        views = await at.plane.store.read_business_views(at.firm, row.id)
    return [
        {
            "connection": a.connection,
            "remote_id": a.remote_id,
            "name": a.name,
            "mask": a.mask,
            "type": a.type,
            "subtype": a.subtype,
            "role": role_of(a).value,
            "is_role_suggested": a.role is None,
            "is_closed": a.is_closed,
        }
        for view in views
        for a in view.accounts
    ]


@app.command(epilog=EXAMPLES)
def role(
    connection: Annotated[str, typer.Argument(help="The login's id.")],
    account: Annotated[str, typer.Argument(help="The account's id at the bank.")],
    role: Annotated[str, typer.Argument(help="operating, reserve, trust, debt or ignored.")],
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Say what an account is for."""
    face.running(_role(firm, connection, account, role.upper()))
    if json:
        face.emit({"id": account, "state": role.upper()})
    else:
        face.say(f"{account} is {role.upper()}")


async def _role(firm: str, connection: str, account: str, role: str) -> None:
    from rowcol.core.cash import Role
    from rowcol.core.ids import ConnectionId, RemoteId

    if role not in tuple(Role):
        raise BadInput(f"there is no role {role!r}", f"roles: {', '.join(Role).lower()}")
    async with desk(firm) as at:
        done = await at.plane.store.set_account_role(
            at.firm, ConnectionId(connection), RemoteId(account), role
        )
        if not done:
            raise NotFound("no such account in this firm", "see `rowcol account list`")
