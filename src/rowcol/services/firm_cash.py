"""Firm cash: what all businesses of a firm have, an account that several of them show counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from rowcol.core.cash import CashPart, cash_of
from rowcol.core.identity import LONG_AGO, Identified
from rowcol.core.ids import FirmId
from rowcol.core.money import Money
from rowcol.core.records import Business
from rowcol.core.sameness import ONE_TIME, AccountRef, has_common
from rowcol.services.accounts import read_accounts
from rowcol.services.businesses import every
from rowcol.services.plane import OpenPlane


@dataclass(frozen=True, slots=True)
class FirmCash:
    """Cash per currency. `as_of`: the oldest part's time at the bank, None where one was never seen.

    `incomplete`: what is missing or in doubt, a sentence each with its business; `notes`: what was counted once.
    """

    totals: tuple[Money, ...]
    as_of: datetime | None
    businesses: int
    incomplete: tuple[str, ...]
    notes: tuple[str, ...]


async def firm_cash(plane: OpenPlane, firm: FirmId) -> FirmCash:
    """Asks nobody. Reads every business: for people, not for every scrape."""
    sum_, businesses = _Sum(), await every(plane, firm)
    for business in businesses:
        sum_.add(business, await read_accounts(plane, firm, business.id))
    for pair, said in sum_.certain.items():
        if sum_.join(*pair):
            sum_.notes.append(said)
    for pair, (said, ask) in sum_.unsure.items():
        is_one = sum_.has_one_balance(pair) or await _has_one_history(plane, firm, pair)
        if is_one and sum_.join(*pair):
            sum_.notes.append(f"{said}: counted once, as what they show is the same{ask}")
        else:
            sum_.incomplete.append(f"{said}: counted twice until you say{ask}")
    parts = sum_.parts_once()
    times = [None if p.observation is None else p.observation.true_at for p in parts]
    known = [at for at in times if at is not None]
    return FirmCash(
        totals=_totals(parts),
        as_of=min(known) if known and len(known) == len(times) else None,
        businesses=len(businesses),
        incomplete=tuple(sum_.incomplete),
        notes=tuple(dict.fromkeys(sum_.notes)),
    )


async def _has_one_history(
    plane: OpenPlane, firm: FirmId, pair: tuple[AccountRef, AccountRef]
) -> bool:
    read = [
        (await plane.store.read_postings(firm, login, {account})).get(account, Counter())
        for login, account in pair
    ]
    return has_common(*read)


@dataclass(slots=True)
class _Sum:
    """Parts of all businesses, and which of their accounts are one."""

    parts: dict[AccountRef, CashPart] = field(default_factory=dict)
    joined: dict[AccountRef, AccountRef] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    owners: dict[AccountRef, dict[str, AccountRef]] = field(default_factory=dict)
    """Of each that is counted as one: which account it is of each business."""
    certain: dict[tuple[AccountRef, AccountRef], str] = field(default_factory=dict)
    unsure: dict[tuple[AccountRef, AccountRef], tuple[str, str]] = field(default_factory=dict)
    """Pairs that only look alike, with a sentence each, and what to say of them."""

    def add(self, row: Business, found: Identified) -> None:
        """One business's accounts."""
        business = row.name
        cash = cash_of(found.views)
        counted = {(p.connection, str(p.remote_account)): p for p in cash.parts}
        self.parts.update(counted)
        self.incomplete += [f"{business}: {why}" for why in cash.incomplete]
        self.incomplete += [f"{business}: {d.reason}" for d in found.doubts if d.is_material]
        name_of: dict[AccountRef, str] = {}
        for one in found.accounts:
            for ref in one.refs:  # whichever look at it the other business shares
                self.joined[ref] = one.refs[0]
            del self.joined[one.refs[0]]
            self.owners[one.refs[0]] = {row.id: one.refs[0]}
            if one.refs[0] in counted:
                name_of.update(dict.fromkeys(one.refs, one.name))
        for shared in found.shared:
            name = name_of.get(shared.account)
            pair = (shared.account, shared.other)
            if name and shared.is_certain:
                said = f"{name} of {business} is counted once with that of {shared.other_business}"
                self.certain[pair] = said
            elif name and (shared.other, shared.account) not in self.unsure:
                said = f"{name} of {business} may be that of {shared.other_business}"
                self.unsure[pair] = said, shared.ask

    def has_one_balance(self, pair: tuple[AccountRef, AccountRef]) -> bool:
        """The same amount, not nothing, seen at about one time."""
        a, b = (self.parts.get(ref) for ref in pair)
        if a is None or b is None or a.amount is None or a.amount != b.amount:
            return False
        return a.amount.amount_minor != 0 and abs(_seen_at(a) - _seen_at(b)) <= ONE_TIME

    def parts_once(self) -> list[CashPart]:
        """Of each account its newest look."""
        newest: dict[AccountRef, CashPart] = {}
        for ref, part in self.parts.items():
            first = self._first(ref)
            if first not in newest or _seen_at(part) > _seen_at(newest[first]):
                newest[first] = part
        return list(newest.values())

    def join(self, a: AccountRef, b: AccountRef) -> bool:
        """Count two as one. False where that would make one of two accounts that a business has side by side."""
        first, second = sorted((self._first(a), self._first(b)))
        if first == second:
            return True
        mine, theirs = self.owners.get(first, {}), self.owners.get(second, {})
        if any(mine[owner] != theirs[owner] for owner in mine.keys() & theirs.keys()):
            return False
        self.joined[second] = first
        self.owners[first] = {**mine, **theirs}
        return True

    def _first(self, ref: AccountRef) -> AccountRef:
        while ref in self.joined:
            ref = self.joined[ref]
        return ref


def _totals(parts: Iterable[CashPart]) -> tuple[Money, ...]:
    totals: dict[str, Money] = {}
    for part in parts:
        if part.amount is not None:
            currency = part.amount.currency
            totals[currency] = totals.get(currency, Money(0, currency)) + part.amount
    return tuple(totals[currency] for currency in sorted(totals))


def _seen_at(part: CashPart) -> datetime:
    return LONG_AGO if part.observation is None else part.observation.true_at
