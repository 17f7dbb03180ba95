"""Identity: which accounts, as several logins show them, are one account at the bank. Pure.

An account outlives its login: connected anew, shared by two logins or renumbered by its bank, it is counted once,
with the role that a person gave it. How two shown accounts relate is in `sameness`.

What is SAME is one account. What is LIKELY is a doubt for a person, and holds a decision where the cash depends on it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product

from rowcol.core.cash import Role, is_gone, named, role_of
from rowcol.core.change import Account, ConnectionView
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId
from rowcol.core.sameness import (
    AccountRef,
    AccountVerdict,
    Pair,
    Postings,
    Relation,
    Sameness,
    Shown,
    asks_postings,
    by_pair,
    has_equal_name,
    has_one_balance,
    order,
    pair_of,
    relations_of,
    shown_by,
)

ENUMERATED_MAX = 8
"""Doubts that hang together, up to which every way to answer them is tried; more of them always hold."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SharedAccount:
    """An account of this business that another business of the firm shows as well."""

    account: AccountRef
    other: AccountRef
    other_business: str
    """The other business's name."""
    is_certain: bool
    """Equal persistent id; else only its bank, type, mask, currency and name are equal."""

    @property
    def ask(self) -> str:
        """What a person is to say of the two, "" where it is certain."""
        pair = " ".join(account_id_of(*ref) for ref in (self.account, self.other))
        return "" if self.is_certain else f" -> `rowcol account same {pair}`, or `different`"


@dataclass(frozen=True, slots=True)
class AccountTies:
    """What is stored beside a business's accounts: verdicts of people, and accounts shared with other businesses."""

    verdicts: tuple[AccountVerdict, ...] = ()
    shared: tuple[SharedAccount, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two accounts that are likely one. `is_material`: cash differs between the two answers, so a decision holds."""

    first: Account
    second: Account
    reason: str
    is_material: bool


@dataclass(frozen=True, slots=True)
class BankAccount:
    """One account at a bank. `shown`: as each login shows it, the one that speaks for it first."""

    id: str
    shown: tuple[Account, ...]
    role: Role
    is_role_suggested: bool

    @property
    def speaking(self) -> Account:
        """The look that counts: of the healthiest login, then the newest."""
        return self.shown[0]

    @property
    def counts(self) -> bool:
        """Whether it is part of cash: operating, and still at the bank."""
        return self.role is Role.OPERATING and not is_gone(self.speaking)

    @property
    def name(self) -> str:
        """`Operating Checking (4242)`."""
        return named(self.speaking)

    @property
    def refs(self) -> tuple[AccountRef, ...]:
        """As each login shows it, in the order of `shown`."""
        return tuple((a.connection, a.remote_id) for a in self.shown)


@dataclass(frozen=True, slots=True)
class Identified:
    """A business's accounts. `views`: those given, each account with the role of what it is one look of, and
    `is_superseded` where another login's look speaks for it."""

    views: tuple[ConnectionView, ...]
    accounts: tuple[BankAccount, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    shared: tuple[SharedAccount, ...] = ()

    @property
    def holds(self) -> str | None:
        """Why nothing may be decided on the cash before a person has said more; None where it does not depend on that."""
        found = [doubt.reason for doubt in self.doubts if doubt.is_material]
        return first_of(found) or None


SAID_MAX = 3
"""Doubts that one answer says one by one; every one is in its `doubts`, and in `rowcol account list`."""


def first_of(reasons: Sequence[str]) -> str:
    """The first ones as one line, and how many more there are."""
    more = len(reasons) - SAID_MAX
    rest = (f"{more} more: `rowcol account list` has all",) if more > 0 else ()
    return "; ".join((*reasons[:SAID_MAX], *rest))


def account_id_of(connection: ConnectionId, remote_id: str) -> str:
    """Our id of an account as a login shows it; the first one's names the bank account for good."""
    return f"acc_{hashlib.sha256(f'{connection}/{remote_id}'.encode()).hexdigest()[:32]}"


def identify(
    views: Iterable[ConnectionView],
    ties: AccountTies = AccountTies(),
    postings: Mapping[AccountRef, Postings] | None = None,
) -> Identified:
    """Which shown accounts are one. `postings`: of those that `unread_postings` named."""
    views = tuple(views)
    shown = shown_by(views)
    if _are_surely_two(views):
        accounts = tuple(_bank_account([s]) for s in shown)
        return Identified(_with_roles(views, accounts), accounts, shared=_judged(ties))
    relations = relations_of(shown, ties.verdicts, postings or {})
    groups = _Groups(shown, relations)
    doubts, lesser = groups.doubts()
    certain = groups.formed()
    # The lesser are weighed too: while they are not told, what hangs together with them holds in their place.
    material = _material(shown, relations, certain, [*doubts, *lesser])
    # Counted once until a person says: the smaller sum is the safer one to be wrong with.
    for doubt in doubts:
        groups.join(doubt.pair)
    merged = groups.formed()
    accounts = tuple(_bank_account(group) for group in merged)
    return Identified(
        views=_with_roles(views, accounts),
        accounts=accounts,
        doubts=_told(doubts, material),
        shared=_judged(ties),
    )


def _judged(ties: AccountTies) -> tuple[SharedAccount, ...]:
    """What other businesses show, by what people said of the two."""
    said = by_pair(ties.verdicts)
    judged = ((s, said.get(frozenset((s.account, s.other)))) for s in ties.shared)
    return tuple(
        replace(s, is_certain=s.is_certain or word is True)
        for s, word in judged
        if word is not False
    )


def _are_surely_two(views: Sequence[ConnectionView]) -> bool:
    """The usual case: one login, and every account it ever showed is still there."""
    showing = [view for view in views if view.accounts]
    return len(showing) <= 1 and not any(a.is_closed for v in showing for a in v.accounts)


def unread_postings(
    views: Iterable[ConnectionView], ties: AccountTies = AccountTies()
) -> frozenset[AccountRef]:
    """Accounts whose postings would tell more than all the rest: read these, then `identify`."""
    views = tuple(views)
    if _are_surely_two(views):
        return frozenset()
    shown, verdicts = shown_by(views), by_pair(ties.verdicts)
    wanted: set[AccountRef] = set()
    for n, a in enumerate(shown):
        for b in shown[n + 1 :]:
            if pair_of(a, b) not in verdicts and asks_postings(a, b):
                wanted |= {a.ref, b.ref}
    return frozenset(wanted)


@dataclass(frozen=True, slots=True)
class _OpenDoubt:
    pair: tuple[Shown, Shown]
    reason: str
    is_clash: bool
    """Proven by evidence that something else contradicts: two accounts claim to be the one."""


class _Groups:
    """Which shown accounts were joined. No two that are DIFFERENT are ever in one group."""

    def __init__(
        self,
        shown: Sequence[Shown],
        relations: Mapping[Pair, Relation],
        known: Sequence[Sequence[Shown]] = (),
    ) -> None:
        """`known`: groups that were formed before; without them what is SAME is joined now."""
        self._shown = shown
        self._by_ref = {s.ref: s for s in shown}
        self._relations = relations
        self._group: dict[AccountRef, list[Shown]] = {s.ref: [s] for s in shown}
        self._clashes: list[_OpenDoubt] = []
        if known:
            self._group = {s.ref: list(group) for group in known for s in group}
            for group in known:
                one = self._group[group[0].ref]
                self._group.update(dict.fromkeys((s.ref for s in group), one))
            return
        ranked = [(pair, r) for pair, r in relations.items() if r.what is Sameness.SAME]
        ranked.sort(key=lambda each: (not each[1].is_persons, *map(order, self._both(each[0]))))
        for pair, _ in ranked:
            both = self._both(pair)
            if not self.join(both):
                reason = "two accounts claim to be this one"
                self._clashes.append(_OpenDoubt(both, reason, is_clash=True))

    def _both(self, pair: Pair) -> tuple[Shown, Shown]:
        a, b = sorted((self._by_ref[ref] for ref in pair), key=order)
        return a, b

    def join(self, pair: tuple[Shown, Shown]) -> bool:
        """False where the two groups hold accounts that are two."""
        mine, theirs = self._group[pair[0].ref], self._group[pair[1].ref]
        if mine is theirs:
            return True
        if self._differ(mine, theirs):
            return False
        joined = sorted((*mine, *theirs), key=order)
        for each in joined:
            self._group[each.ref] = joined
        return True

    def _differ(self, mine: Sequence[Shown], theirs: Sequence[Shown]) -> bool:
        pairs = (self._relations.get(pair_of(a, b)) for a in mine for b in theirs)
        return any(r is not None and r.what is Sameness.DIFFERENT for r in pairs)

    def doubts(self) -> tuple[list[_OpenDoubt], list[_OpenDoubt]]:
        """One for each two groups that may be one, the likeliest first; and those that nobody is asked about yet: weakly
        related, where one of the two has a better partner that is surely another account than the other."""
        likely = [(p, r) for p, r in self._relations.items() if r.what is Sameness.LIKELY]
        likely.sort(key=lambda each: (each[1].is_weak, *self._unlikeness(each[0])))
        found: dict[frozenset[int], _OpenDoubt] = {}
        lesser: list[_OpenDoubt] = []
        partners: defaultdict[int, list[list[Shown]]] = defaultdict(list)
        for pair, relation in likely:
            a, b = self._both(pair)
            mine, theirs = self._group[a.ref], self._group[b.ref]
            key = frozenset((id(mine), id(theirs)))
            if mine is theirs or key in found or self._differ(mine, theirs):
                continue
            doubt = _OpenDoubt((a, b), relation.reason, is_clash=False)
            if relation.is_weak and (
                any(self._differ(partner, theirs) for partner in partners[id(mine)])
                or any(self._differ(partner, mine) for partner in partners[id(theirs)])
            ):
                lesser.append(doubt)
                continue
            found[key] = doubt
            if not relation.is_weak:
                partners[id(mine)].append(theirs)
                partners[id(theirs)].append(mine)
        return [*self._clashes, *found.values()], lesser

    def _unlikeness(self, pair: Pair) -> tuple[object, ...]:
        a, b = self._both(pair)
        return (not has_one_balance(a, b), not has_equal_name(a, b), order(a), order(b))

    def formed(self) -> list[list[Shown]]:
        """The groups, in the order of their first accounts."""
        seen: dict[int, list[Shown]] = {}
        for s in self._shown:
            seen.setdefault(id(self._group[s.ref]), self._group[s.ref])
        return list(seen.values())


_HEALTH_RANK = {Health.OK: 0, Health.INSTITUTION_DOWN: 1}


def _speaks_first(s: Shown) -> tuple[object, ...]:
    latest = s.account.latest
    seen_at = LONG_AGO if latest is None or latest.balance is None else latest.true_at
    rank = _HEALTH_RANK.get(s.connection.state.health, 2)
    return (s.is_over, rank, LONG_AGO - seen_at, s.ref)


def _bank_account(group: Sequence[Shown]) -> BankAccount:
    """The role is the one that a person gave last, whichever login's account they named."""
    ranked = sorted(group, key=_speaks_first)
    given = [s.account for s in group if s.account.role is not None]
    # Of roles given at one time (or before times were kept) the one that makes no cash of it is safer.
    newest = max(
        given,
        key=lambda a: (a.role_at or LONG_AGO, role_of(a) is not Role.OPERATING),
        default=None,
    )
    speaking = ranked[0].account
    role = role_of(speaking if newest is None else replace(speaking, role=newest.role))
    first = group[0].account
    return BankAccount(
        id=account_id_of(first.connection, first.remote_id),
        shown=tuple(s.account for s in ranked),
        role=role,
        is_role_suggested=newest is None,
    )


def _with_roles(
    views: Sequence[ConnectionView], accounts: Sequence[BankAccount]
) -> tuple[ConnectionView, ...]:
    moved: dict[AccountRef, Account] = {}
    for one in accounts:
        role = None if one.is_role_suggested else one.role.value
        for n, account in enumerate(one.shown):
            ref = (account.connection, account.remote_id)
            moved[ref] = replace(account, role=role, is_superseded=n > 0)
    return tuple(
        replace(v, accounts=tuple(moved[a.connection, a.remote_id] for a in v.accounts))
        for v in views
    )


def _material(
    shown: Sequence[Shown],
    relations: Mapping[Pair, Relation],
    certain: Sequence[Sequence[Shown]],
    doubts: Sequence[_OpenDoubt],
) -> frozenset[int]:
    """Which doubts the cash depends on: of those that hang together, whether any way to answer them counts other looks
    than another way."""
    found: set[int] = set()
    for hanging in _hanging_together(certain, doubts):
        members = {ref for n in hanging for ref in _members(certain, doubts[n])}
        mine = [s for s in shown if s.ref in members]
        is_clash = any(doubts[n].is_clash for n in hanging)
        if not is_clash and _is_each_its_own(mine, relations):
            is_material = False
        elif is_clash or len(hanging) > ENUMERATED_MAX:
            is_material = any(role_of(s.account) is Role.OPERATING for s in mine)
        else:
            pairs = [doubts[n].pair for n in hanging]
            is_material = len(_outcomes(mine, relations, certain, pairs)) > 1
        if is_material:
            found.update(hanging)
    return frozenset(found)


def _is_each_its_own(mine: Sequence[Shown], relations: Mapping[Pair, Relation]) -> bool:
    """Whether every answer counts the same looks: those that still show are surely different accounts, so that each
    speaks for its own, and those that are over have no role to hand on."""
    live = [s for s in mine if not s.is_over]
    found = (relations.get(pair_of(a, b)) for n, a in enumerate(live) for b in live[n + 1 :])
    return all(r is not None and r.what is Sameness.DIFFERENT for r in found) and not any(
        s.is_over and s.account.role is not None for s in mine
    )


def _outcomes(
    mine: Sequence[Shown],
    relations: Mapping[Pair, Relation],
    certain: Sequence[Sequence[Shown]],
    pairs: Sequence[tuple[Shown, Shown]],
) -> set[frozenset[AccountRef]]:
    """What counts, under every answer that the rest of the evidence allows."""
    refs = {s.ref for s in mine}
    known = [group for group in certain if group[0].ref in refs]
    outcomes = set()
    for chosen in product((True, False), repeat=len(pairs)):
        groups = _Groups(mine, relations, known)
        answers = zip(pairs, chosen, strict=True)
        if all(groups.join(pair) for pair, is_same in answers if is_same):
            outcomes.add(frozenset(_counting(groups.formed())))
    return outcomes


def _members(certain: Sequence[Sequence[Shown]], doubt: _OpenDoubt) -> set[AccountRef]:
    its = {s.ref for s in doubt.pair}
    return {s.ref for group in certain if its & {s.ref for s in group} for s in group}


def _hanging_together(
    certain: Sequence[Sequence[Shown]], doubts: Sequence[_OpenDoubt]
) -> list[list[int]]:
    """The doubts by their places, those together that have an account in common, also over a third."""
    parts: list[tuple[set[AccountRef], list[int]]] = []
    for n, doubt in enumerate(doubts):
        members, places = _members(certain, doubt), [n]
        for other in [part for part in parts if part[0] & members]:
            members, places = members | other[0], other[1] + places
            parts.remove(other)
        parts.append((members, places))
    return [places for _, places in parts]


def _told(doubts: Sequence[_OpenDoubt], material: frozenset[int]) -> tuple[Doubt, ...]:
    """Each doubt in words."""
    return tuple(
        Doubt(
            doubt.pair[0].account,
            doubt.pair[1].account,
            _sentence(*doubt.pair, doubt.reason),
            is_material=n in material,
        )
        for n, doubt in enumerate(doubts)
    )


def _counting(groups: Sequence[Sequence[Shown]]) -> set[AccountRef]:
    """The looks that count as cash."""
    found = set()
    for group in groups:
        one = _bank_account(group)
        speaking = min(group, key=_speaks_first)
        if one.role is Role.OPERATING and not speaking.is_over:
            found.add(speaking.ref)
    return found


def _sentence(a: Shown, b: Shown, reason: str) -> str:
    first, second = _named(a), _named(b)
    ids = (account_id_of(*a.ref), account_id_of(*b.ref))
    return f"{first} and {second} may be one account ({reason}): say `rowcol account same {ids[0]} {ids[1]}` or `account different`"


def _named(s: Shown) -> str:
    return f"{named(s.account)} at {s.connection.label}"
