"""Accounts: a business's bank accounts with their roles and balances, what a person says of two, and the firm's total."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rowcol.api.bodies import AccountRole, Sameness
from rowcol.api.businesses import Done, need_business
from rowcol.api.gate import Asking
from rowcol.api.shapes import AccountOut, Amount, DoubtOut, accounts_of, amount_of, doubts_of
from rowcol.core.ids import BusinessId
from rowcol.services import accounts
from rowcol.services.firm_cash import firm_cash

if TYPE_CHECKING:
    from rowcol.core.identity import Identified
    from rowcol.services.firm_cash import FirmCash


@dataclass(frozen=True, slots=True)
class AccountsOut:
    """Every account once, however many logins show it. `doubts`: two that may be one, for a person to say."""

    items: tuple[AccountOut, ...]
    doubts: tuple[DoubtOut, ...]
    shared: tuple[str, ...]
    """Accounts that other businesses of the firm show as well, a sentence each."""


@dataclass(frozen=True, slots=True)
class FirmCashOut:
    """Cash over all businesses, an account of two of them once. `as_of`: the oldest part's; `notes`: what was counted once."""

    cash: tuple[Amount, ...]
    as_of: datetime | None
    businesses: int
    incomplete: tuple[str, ...]
    notes: tuple[str, ...]


def accounts_out_of(found: Identified) -> AccountsOut:
    names = {ref: one.name for one in found.accounts for ref in one.refs}
    return AccountsOut(
        items=accounts_of(found.accounts, (v.connection for v in found.views), {}),
        doubts=doubts_of(found.doubts),
        shared=tuple(
            f"{names[s.account]} {'is' if s.is_certain else 'may be'} also an account of {s.other_business}{s.ask}"
            for s in found.shared
            if s.account in names
        ),
    )


def firm_cash_of(found: FirmCash) -> FirmCashOut:
    cash = tuple(amount_of(total) for total in found.totals)
    return FirmCashOut(cash, found.as_of, found.businesses, found.incomplete, found.notes)


async def list_accounts(asking: Asking, business_id: str) -> AccountsOut:
    """The business's bank accounts: role, balances, and which logins show each. Asks no bank."""
    await need_business(asking, business_id)
    found = await accounts.read_accounts(asking.plane, asking.firm, BusinessId(business_id))
    return accounts_out_of(found)


async def set_role(body: AccountRole, asking: Asking, business_id: str, account_id: str) -> Done:
    """Say what an account is for; it holds in every login that shows it, and after it. Operating accounts count as
    cash; a debt (card, loan) cannot be one."""
    await need_business(asking, business_id)
    await accounts.set_role(
        asking.plane, asking.firm, BusinessId(business_id), account_id, body.role
    )
    return Done(account_id, body.role)


async def tell_sameness(body: Sameness, asking: Asking, business_id: str) -> AccountsOut:
    """Say that two accounts are one, or two; it is kept. While that is not said, decisions that depend on it hold."""
    await need_business(asking, business_id)
    found = await accounts.tell_sameness(
        asking.plane,
        asking.firm,
        BusinessId(business_id),
        body.first,
        body.second,
        is_same=body.is_same,
        decided_by=asking.principal.name,
    )
    return accounts_out_of(found)


async def read_firm_cash(asking: Asking) -> FirmCashOut:
    """The firm's cash over all businesses: an account that two of them show is counted once. Asks no bank."""
    return firm_cash_of(await firm_cash(asking.plane, asking.firm))
