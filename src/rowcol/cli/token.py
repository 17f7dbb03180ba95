"""Token: who may use the HTTP API. A token is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.cli.read import moment
from rowcol.core.refusal import NotFound

if TYPE_CHECKING:
    from rowcol.core.records import Token

EXAMPLES = "Examples: rowcol token create Dana --role advisor  |  rowcol token list  |  rowcol token revoke Dana"
app = typer.Typer(help="Tokens of the HTTP API: create, list, revoke.", no_args_is_help=True)


@app.command(epilog=EXAMPLES)
def create(
    label: Annotated[str, typer.Argument(help="Whose it is.")],
    role: Annotated[
        str, typer.Option("--role", help="viewer, advisor, operator or admin.")
    ] = "viewer",
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Make a token. It is printed this once; only its hash is kept."""
    secret, row = face.running(_create(firm, role, label))
    if json:
        face.emit({"token": secret, "id": row.token_hash, "role": row.role, "label": row.label})
    else:
        face.say(secret)
        face.note(f"{row.role} token of {row.label!r}; it is not shown again")


async def _create(firm: str, role: str, label: str) -> tuple[str, Token]:
    from rowcol.services.tokens import issue

    async with desk(firm) as at:
        plane = at.plane
        return await issue(plane.store, plane.rng, at.firm, (role, label), plane.clock.now())


@app.command("list", epilog=EXAMPLES)
def list_(*, firm: FirmOption = "", json: Json = False) -> None:
    """List tokens; the tokens themselves are known to their holders only."""
    from rowcol.api import lines

    rows = face.running(_list(firm))
    if json:
        for row in rows:
            face.emit(lines.token_of(row))
        return
    face.table(
        ("label", "role", "created at", "revoked at", "id"),
        [
            (r.label, r.role, moment(r.created_at), moment(r.revoked_at), r.token_hash[:12])
            for r in rows
        ],
        empty="no tokens: `rowcol token create LABEL`",
    )


async def _list(firm: str) -> tuple[Token, ...]:
    async with desk(firm) as at:
        return await at.plane.store.list_tokens(at.firm)


@app.command(epilog=EXAMPLES)
def revoke(
    which: Annotated[str, typer.Argument(help="Label, or the beginning of the id.")],
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Revoke a token; a running service sees it within a second."""
    row = face.running(_revoke(firm, which))
    if json:
        face.emit({"id": row.token_hash, "state": "revoked"})
    else:
        face.say(f"revoked {row.label!r}")


async def _revoke(firm: str, which: str) -> Token:
    async with desk(firm) as at:
        live = [t for t in await at.plane.store.list_tokens(at.firm) if t.revoked_at is None]
        found = [t for t in live if t.label == which]
        if not found and len(which) >= 6:
            found = [t for t in live if t.token_hash.startswith(which)]
        if len(found) != 1:
            raise NotFound(f"no live token {which!r} in this firm", "see `rowcol token list`")
        await at.plane.store.revoke_token(at.firm, found[0].token_hash, at.plane.clock.now())
        return found[0]
