"""Account: what each bank account is for, and which of those that several logins show are one."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.core.refusal import BadInput

if TYPE_CHECKING:
    from rowcol.api.accounts import AccountsOut

EXAMPLES = (
    "Examples: rowcol account list 'Harbor Dental'  |  rowcol account role acc_... reserve  |  "
    "rowcol account role con_... BxBXx... trust"
)
EXAMPLES_SAME = (
    "Examples: rowcol account same acc_... acc_...  |  rowcol account same con_... con_...  |  "
    "rowcol account different acc_... acc_..."
)
app = typer.Typer(help="Bank accounts: list, role, same, different.", no_args_is_help=True)

First = Annotated[str, typer.Argument(help="An account's id, as `rowcol account list` shows it.")]
Second = Annotated[str, typer.Argument(help="The other account's id.")]


@app.command("list", epilog=EXAMPLES)
def list_(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """List a business's bank accounts with their roles and balances, and those that may be one."""
    out = face.running(_list(firm, business))
    rows = _rows(out)
    if json:
        for row in rows:
            face.emit(row)
        return
    face.table(
        ("account", "name", "bank", "role", "counts", "current", "available", "the same as"),
        [
            (
                r["id"],
                f"{r['name']} {r['mask']}".strip() + (" (gone)" if r["is_closed"] else ""),
                r["bank"],
                r["role"] + (" (suggested)" if r["is_role_suggested"] else ""),
                "yes" if r["counts"] else "",
                _amount(r["current"]) if r["speaks"] else "",
                _amount(r["available"]) if r["speaks"] else "",
                ("perhaps " if r["doubts"] else "") + r["account"]
                if r["account"] != r["id"]
                else "",
            )
            for r in rows
        ],
        empty="no accounts seen yet: `rowcol connect plaid`, then `rowcol read`",
    )
    for doubt in out.doubts:
        face.note(f"{'HOLDS decisions: ' if doubt.is_material else ''}{doubt.reason}")
    for first, second in _alike_throughout(out):
        face.note(
            f"all of theirs at once, if each is the same: `rowcol account same {first} {second}`"
        )
    for shared in out.shared:
        face.note(shared)


def _rows(out: AccountsOut) -> list[dict[str, Any]]:
    """A row per look: an account that two logins show has two, with one `account`. `speaks`: its balances are the
    account's; `doubts`: looks that may be the same, by their `id`."""
    doubted: defaultdict[str, list[str]] = defaultdict(list)
    for doubt in out.doubts:
        doubted[doubt.first].append(doubt.second)
        doubted[doubt.second].append(doubt.first)
    return [
        {
            "id": shown.id,
            "account": one.id,
            "bank": shown.bank,
            "speaks": n == 0,
            "doubts": doubted[shown.id],
            "connection": shown.connection,
            "remote_id": shown.remote_id,
            "name": one.name,
            "mask": one.mask,
            "type": one.type,
            "subtype": one.subtype,
            "role": one.role,
            "is_role_suggested": one.is_role_suggested,
            "counts": one.counts and n == 0,
            "is_closed": shown.is_closed,
            "current": one.current,
            "available": one.available,
            "as_of": one.as_of,
            "uncounted": one.uncounted,
        }
        for one in out.items
        for n, shown in enumerate(one.shown)
    ]


def _alike_throughout(out: AccountsOut) -> list[tuple[str, str]]:
    """Two logins each, of which more than one account is in doubt with one of the other's."""
    login_of = {shown.id: shown.connection for one in out.items for shown in one.shown}
    pairs = Counter(
        (min(logins), max(logins))
        for doubt in out.doubts
        if len(logins := {login_of[doubt.first], login_of[doubt.second]}) > 1
    )
    return [pair for pair, n_doubts in pairs.items() if n_doubts > 1]


def _amount(amount: Any) -> str:
    from rowcol.cli.read import amount_of

    return "" if amount is None else amount_of(amount.amount_minor, amount.currency)


async def _list(firm: str, word: str) -> AccountsOut:
    from rowcol.api.accounts import accounts_out_of
    from rowcol.services.accounts import read_accounts
    from rowcol.services.businesses import find

    async with desk(firm) as at:
        row = await find(at.plane, at.firm, word)
        return accounts_out_of(await read_accounts(at.plane, at.firm, row.id))


@app.command(epilog=EXAMPLES)
def role(
    account: Annotated[
        list[str],
        typer.Argument(
            help="The account's id; or its login's id and its own id there.", metavar="ACCOUNT..."
        ),
    ],
    role: Annotated[str, typer.Argument(help="operating, reserve, trust, debt or ignored.")],
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Say what an account is for. It holds in every login that shows the account, and outlives them."""
    if len(account) > 2:
        raise BadInput(
            f"{len(account)} words before the role",
            "give the account's id, or its login's and its own",
        )
    face.running(_role(firm, account, role))
    if json:
        face.emit({"id": account[-1], "state": role.upper()})
    else:
        face.say(f"{account[-1]} is {role.upper()}")


async def _role(firm: str, account: list[str], role: str) -> None:
    from rowcol.core.ids import ConnectionId, RemoteId
    from rowcol.services.accounts import business_of, set_role, set_role_at_login

    async with desk(firm) as at:
        if len(account) == 2:
            connection, remote = ConnectionId(account[0]), RemoteId(account[1])
            await set_role_at_login(at.plane, at.firm, connection, remote, role)
            return
        business = await business_of(at.plane, at.firm, account[0])
        await set_role(at.plane, at.firm, business, account[0], role)


@app.command(epilog=EXAMPLES_SAME)
def same(first: First, second: Second, *, firm: FirmOption = "", json: Json = False) -> None:
    """Say that two accounts are one, shown by two logins or renumbered by the bank: counted once from now on. Two
    logins by their ids: that all which looks alike in them is the same."""
    _tell(firm, (first, second), is_same=True, is_json=json)


@app.command(epilog=EXAMPLES_SAME)
def different(first: First, second: Second, *, firm: FirmOption = "", json: Json = False) -> None:
    """Say that two accounts are two, however alike they look: each counts from now on."""
    _tell(firm, (first, second), is_same=False, is_json=json)


def _tell(firm: str, pair: tuple[str, str], *, is_same: bool, is_json: bool) -> None:
    out = face.running(_told(firm, pair, is_same=is_same))
    if is_json:
        face.emit(out)
        return
    face.say(f"{pair[0]} and {pair[1]} are {'the same' if is_same else 'two accounts'}")
    for one in out.items:
        if {*pair} & {word for shown in one.shown for word in (shown.id, shown.connection)}:
            counts = "counts as cash" if one.counts else "does not count as cash"
            face.say(f"{one.id} {one.name} {one.mask}: {one.role}, {counts}")
    for doubt in out.doubts:
        face.note(f"still open: {doubt.reason}")


async def _told(firm: str, pair: tuple[str, str], *, is_same: bool) -> AccountsOut:
    from rowcol.api.accounts import accounts_out_of
    from rowcol.services.accounts import business_of, tell_sameness

    async with desk(firm) as at:
        business = await business_of(at.plane, at.firm, pair[0])
        found = await tell_sameness(
            at.plane, at.firm, business, *pair, is_same=is_same, decided_by="command line"
        )
        return accounts_out_of(found)
