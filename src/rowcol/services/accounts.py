"""Accounts: what each bank account of a business is for, and what a person says of two that may be one."""

from __future__ import annotations

from rowcol.core.cash import DEBT_TYPES, Role, named
from rowcol.core.change import Account
from rowcol.core.identity import BankAccount, Identified, account_id_of
from rowcol.core.ids import BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.rail import Role as RailRole
from rowcol.core.refusal import BadInput, Conflict, NotFound
from rowcol.core.sameness import AccountVerdict, are_together
from rowcol.engine.accounts import AccountReader
from rowcol.services.businesses import every
from rowcol.services.plane import OpenPlane

LIST = "list them with `rowcol account list BUSINESS`"


async def read_accounts(plane: OpenPlane, firm: FirmId, business: BusinessId) -> Identified:
    """Every account that a bank login of the business shows or showed. Asks nobody."""
    views = await plane.store.read_business_views(firm, business)
    mine = [v for v in views if plane.rails[v.connection.rail].spec.role is RailRole.CASH]
    return await AccountReader(plane.store).identified(firm, business, mine)


async def set_role(
    plane: OpenPlane, firm: FirmId, business: BusinessId, account: str, role: str
) -> BankAccount:
    """Say what an account is for; it holds in every login that shows it, and after it. `account`: our id of it.

    Raises `NotFound`, and `BadInput` for a role that there is not or that a debt cannot have.
    """
    one, shown = _find(await read_accounts(plane, firm, business), account)
    await _set_role(plane, firm, shown, role)
    plane.hot.forget(firm, business)
    return one


async def set_role_at_login(
    plane: OpenPlane, firm: FirmId, connection: ConnectionId, remote_account: RemoteId, role: str
) -> None:
    """The same, by the login and the bank's id there."""
    view = await plane.store.read_view(firm, connection)
    shown = () if view is None else view.accounts
    account = next((a for a in shown if a.remote_id == remote_account), None)
    if view is None or account is None:
        raise NotFound("no such account in this firm", LIST)
    await _set_role(plane, firm, account, role)
    plane.hot.forget(firm, view.connection.business)


async def tell_sameness(  # noqa: PLR0913 - who says what of which two
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    first: str,
    second: str,
    *,
    is_same: bool,
    decided_by: str = "",
) -> Identified:
    """Keep what a person says of two accounts, for good: `is_same` or two. The accounts as they are then.

    `second` may be another business's: then it is about the firm's total, and each still counts its own. The ids of two
    logins of this business: each account of the one that looks like one of the other's is it.

    Raises `Conflict` where one answer of one login showed both: those are two, whatever is said.
    """
    known = await read_accounts(plane, firm, business)
    logins = {view.connection.id for view in known.views}
    if is_same and {first, second} <= logins:
        return await _tell_logins_same(plane, firm, business, {first, second}, decided_by)
    theirs = await business_of(plane, firm, second)
    (one, a) = _find(known, first)
    (other, b) = _find(
        known if theirs == business else await read_accounts(plane, firm, theirs), second
    )
    if (a.connection, a.remote_id) == (b.connection, b.remote_id):
        raise BadInput("an account is compared with itself", LIST)
    if is_same and (clash := _shown_together(one, other)):
        raise Conflict(
            f"{named(clash[0])} and {named(clash[1])} are two accounts: one login shows both",
            "give each its own role with `rowcol account role`",
        )
    if one is other and not is_same:
        await _keep_role(plane, firm, one)
    verdict = AccountVerdict(
        first=(a.connection, a.remote_id),
        second=(b.connection, b.remote_id),
        is_same=is_same,
        decided_by=decided_by,
        decided_at=plane.clock.now(),
    )
    for owner in dict.fromkeys((business, theirs)):
        await plane.store.record_verdict(firm, owner, verdict)
        plane.hot.forget(firm, owner)
    return await read_accounts(plane, firm, business)


async def _tell_logins_same(
    plane: OpenPlane, firm: FirmId, business: BusinessId, logins: set[str], decided_by: str
) -> Identified:
    """One answer for each two accounts of theirs that are in doubt."""
    known, told = await read_accounts(plane, firm, business), set[tuple[str, str]]()
    while (pair := _next_alike(known, logins, told)) is not None:
        told.add(pair)  # an answer settles others, so that each is asked for anew
        known = await tell_sameness(
            plane, firm, business, *pair, is_same=True, decided_by=decided_by
        )
    if not told:
        raise BadInput("no account of the one may be one of the other's", LIST)
    return known


def _next_alike(
    known: Identified, logins: set[str], told: set[tuple[str, str]]
) -> tuple[str, str] | None:
    """The likeliest two of these logins that are in doubt, by their ids."""
    for doubt in known.doubts:
        both = (doubt.first, doubt.second)
        first, second = (account_id_of(a.connection, a.remote_id) for a in both)
        if {a.connection for a in both} == logins and (first, second) not in told:
            return first, second
    return None


async def _keep_role(plane: OpenPlane, firm: FirmId, one: BankAccount) -> None:
    """The role that both had until now, for each of the two: nobody said that one of them is another thing."""
    now = plane.clock.now()
    for shown in one.shown if not one.is_role_suggested else ():
        if shown.role is None:
            remote = RemoteId(shown.remote_id)
            await plane.store.set_account_role(firm, shown.connection, remote, one.role.value, now)


async def _set_role(plane: OpenPlane, firm: FirmId, account: Account, role: str) -> None:
    chosen = role.upper()
    if chosen not in tuple(Role):
        raise BadInput(f"there is no role {role!r}", f"roles: {', '.join(Role).lower()}")
    if chosen == Role.OPERATING and account.type in DEBT_TYPES:
        raise BadInput(
            f"{named(account)} is a {account.subtype or account.type}: what it shows is owed, and no cash",
            "give the role operating to bank accounts only",
        )
    connection, remote_account = account.connection, RemoteId(account.remote_id)
    now = plane.clock.now()
    if not await plane.store.set_account_role(firm, connection, remote_account, chosen, now):
        raise NotFound("no such account in this firm", LIST)


def _find(known: Identified, account: str) -> tuple[BankAccount, Account]:
    """By the id of the account, or of one of the looks at it. Raise `NotFound`."""
    for one in known.accounts:
        for shown in one.shown:
            if account_id_of(shown.connection, shown.remote_id) == account:
                return one, shown
    raise NotFound(f"this business has no account {account!r}", LIST)


def _shown_together(one: BankAccount, other: BankAccount) -> tuple[Account, Account] | None:
    """Two looks, one at each, that one login has side by side."""
    pairs = ((a, b) for a in one.shown for b in other.shown)
    return None if one is other else next((p for p in pairs if are_together(*p)), None)


async def business_of(plane: OpenPlane, firm: FirmId, account: str) -> BusinessId:
    """Whose account, or login, this is. Reads the firm's businesses one by one: for a person, who waits. Raises `NotFound`."""
    for business in await every(plane, firm):
        for view in await plane.store.read_business_views(firm, business.id):
            ids = (account_id_of(a.connection, a.remote_id) for a in view.accounts)
            if account in (view.connection.id, *ids):
                return business.id
    raise NotFound(f"no account {account!r} in this firm", LIST)
