"""Identity: which accounts, as several logins show them, are one account at the bank. Pure.

An account outlives its login: connected anew, shared by two logins or renumbered by its bank, it is counted once,
with the role that a person gave it. How two shown accounts relate, the first row that fits:

| what is known of the two                                                     | they are    |
|------------------------------------------------------------------------------|-------------|
| one answer of one login showed both                                          | DIFFERENT   |
| a person said so                                                             | SAME or DIFFERENT |
| equal persistent id, type and currency                                       | SAME        |
| equal persistent id, another type or currency                                | LIKELY      |
| one login, one after the other: equal type, mask, currency, common postings  | SAME        |
| one login, one after the other: equal mask, name, postings, or no gap between| LIKELY      |
| one bank: equal mask; no mask but an equal name; common postings; one balance at one time; the later one after the end of the earlier and of its name | LIKELY |
| two banks: equal mask with an equal name or common postings                  | LIKELY      |
| anything else                                                                | unrelated   |

What is SAME is one account. What is LIKELY is a doubt for a person, and holds a decision where the cash depends on it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from rowcol.core.cash import Role, is_gone, named, role_of
from rowcol.core.change import Account, ConnectionView
from rowcol.core.connection import Connection
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId
from rowcol.core.money import Money

AccountRef = tuple[ConnectionId, str]
"""An account as one login shows it: the connection, and the rail's id of the account."""
Postings = Counter[tuple[str, str]]
"""Posted transactions of an account: how many of each (ISO date, amount as the rail's exact text)."""

COMMON_PCT = 80
"""Of the postings that fall into the time that both accounts know, so many must be equal: a bank renumbers all of them."""
COMMON_MIN = 3
"""Fewer postings say little where the masks differ: two accounts may pay one and the same monthly fee."""
ONE_TIME = timedelta(hours=36)
"""Two balances this close in time are of one time: two pulls of one bank may lie that far apart."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Sameness(StrEnum):
    """What the evidence says of two shown accounts."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    LIKELY = "LIKELY"


@dataclass(frozen=True, slots=True)
class AccountVerdict:
    """What a person said of two shown accounts, once. Kept, also when their logins end."""

    first: AccountRef
    second: AccountRef
    is_same: bool
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class SharedAccount:
    """An account of this business that another business of the firm shows as well."""

    account: AccountRef
    other: AccountRef
    other_business: str
    """The other business's name."""
    is_certain: bool
    """Equal persistent id; else only its bank, type, mask, currency and name are equal."""


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
        return "; ".join(found) or None


@dataclass(slots=True)
class _Shown:
    """An account with the login that shows it, and what follows from both."""

    account: Account
    connection: Connection
    ref: AccountRef = field(init=False)
    is_removed: bool = field(init=False)

    def __post_init__(self) -> None:
        self.ref = (self.account.connection, self.account.remote_id)
        self.is_removed = self.connection.state.health is Health.RETIRED

    @property
    def is_over(self) -> bool:
        """Its login was removed, or shows it no more."""
        return self.is_removed or is_gone(self.account)


def account_id_of(connection: ConnectionId, remote_id: str) -> str:
    """Our id of an account as a login shows it; the first one's names the bank account for good."""
    return f"acc_{hashlib.sha256(f'{connection}/{remote_id}'.encode()).hexdigest()[:32]}"


def likeness_of(connection: Connection, account: Account) -> str:
    """What accounts of two businesses are compared by where there is no persistent id; "" where that tells nothing."""
    bank, mask = connection.institution_id, account.mask
    if not (bank and mask):
        return ""
    return "|".join((bank, account.type, mask, account.currency, _plain(account.name)))


def identify(
    views: Iterable[ConnectionView],
    ties: AccountTies = AccountTies(),
    postings: Mapping[AccountRef, Postings] | None = None,
) -> Identified:
    """Which shown accounts are one. `postings`: of those that `unread_postings` named."""
    views = tuple(views)
    shown = _shown(views)
    if _are_surely_two(views):
        accounts = tuple(_bank_account([s]) for s in shown)
        return Identified(_with_roles(views, accounts), accounts, shared=ties.shared)
    relations = _relations(shown, ties.verdicts, postings or {})
    groups = _Groups(shown, relations)
    doubts = groups.doubts()
    certain = groups.formed()
    for doubt in (
        doubts
    ):  # counted once until a person says: the smaller sum is the safer one to be wrong with
        groups.join(doubt.pair)
    merged = groups.formed()
    accounts = tuple(_bank_account(group) for group in merged)
    return Identified(
        views=_with_roles(views, accounts),
        accounts=accounts,
        doubts=_told(doubts, certain, merged),
        shared=ties.shared,
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
    shown, verdicts = _shown(views), _by_pair(ties.verdicts)
    wanted: set[AccountRef] = set()
    for n, a in enumerate(shown):
        for b in shown[n + 1 :]:
            if _pair(a, b) not in verdicts and _asks_postings(a, b):
                wanted |= {a.ref, b.ref}
    return frozenset(wanted)


def has_common(a: Postings, b: Postings, *, least: int = 1) -> bool:
    """Whether two histories are of one account: of what falls into the days that both know, most is equal."""
    if not a or not b:
        return False
    since = max(min(day for day, _ in a), min(day for day, _ in b))
    until = min(max(day for day, _ in a), max(day for day, _ in b))
    mine = Counter({key: n for key, n in a.items() if since <= key[0] <= until})
    theirs = Counter({key: n for key, n in b.items() if since <= key[0] <= until})
    common = (mine & theirs).total()
    fewer = min(mine.total(), theirs.total())
    return common >= least and common * 100 >= COMMON_PCT * fewer


@dataclass(frozen=True, slots=True)
class _Relation:
    what: Sameness
    reason: str = ""
    is_persons: bool = False


Pair = frozenset[AccountRef]


def _shown(views: Iterable[ConnectionView]) -> list[_Shown]:
    found = [_Shown(account, view.connection) for view in views for account in view.accounts]
    return sorted(found, key=_order)


def _order(s: _Shown) -> tuple[object, ...]:
    """By when it was first shown: the first one names the account."""
    return (s.connection.created_at, s.connection.id, s.account.first_look, s.account.remote_id)


def _pair(a: _Shown, b: _Shown) -> Pair:
    return frozenset((a.ref, b.ref))


def _by_pair(verdicts: Iterable[AccountVerdict]) -> dict[Pair, bool]:
    """The newest word on each pair."""
    newest = sorted(verdicts, key=lambda v: v.decided_at)
    return {frozenset((v.first, v.second)): v.is_same for v in newest}


def _relations(
    shown: Sequence[_Shown],
    verdicts: Sequence[AccountVerdict],
    postings: Mapping[AccountRef, Postings],
) -> dict[Pair, _Relation]:
    said = _by_pair(verdicts)
    twice = _ids_shown_twice(shown)
    found: dict[Pair, _Relation] = {}
    for n, a in enumerate(shown):
        for b in shown[n + 1 :]:
            relation = _relation(a, b, said, postings)
            is_by_id = relation == _Relation(Sameness.SAME) and _has_one_id(a, b)
            if is_by_id and a.account.persistent_id in twice:
                relation = _Relation(Sameness.LIKELY, "one login shows two accounts of that id")
            if relation is not None:
                found[_pair(a, b)] = relation
    return found


def _ids_shown_twice(shown: Sequence[_Shown]) -> set[str]:
    """Persistent ids that one answer gave to two accounts: they prove nothing."""
    found = set()
    for n, a in enumerate(shown):
        for b in shown[n + 1 :]:
            if _has_one_id(a, b) and _are_together(a, b):
                found.add(a.account.persistent_id)
    return found


def _relation(
    a: _Shown, b: _Shown, said: Mapping[Pair, bool], postings: Mapping[AccountRef, Postings]
) -> _Relation | None:
    """The table at the top of this file, row by row."""
    if _are_together(a, b):
        return _Relation(Sameness.DIFFERENT)
    word = said.get(_pair(a, b))
    if word is not None:
        return _Relation(Sameness.SAME if word else Sameness.DIFFERENT, is_persons=True)
    if _has_one_id(a, b):
        if _is_one_kind(a, b):
            return _Relation(Sameness.SAME)
        return _Relation(
            Sameness.LIKELY, "the bank gives both one id, but not one type or currency"
        )
    if not _is_one_kind(a, b):
        return None
    return _by_likeness(a, b, (postings.get(a.ref, Counter()), postings.get(b.ref, Counter())))


_HISTORY = "their postings are the same"
_MASK = "their numbers end alike"


def _by_likeness(a: _Shown, b: _Shown, known: tuple[Postings, Postings]) -> _Relation | None:
    """Two of one kind, of which nobody knows more than what is shown of them."""
    if a.ref[0] == b.ref[0]:
        return _in_one_login(a, b, known)
    if a.account.persistent_id and b.account.persistent_id:
        # Two ids of a bank that gives ids: only a common history speaks against their being two.
        is_one = has_common(*known, least=COMMON_MIN)
        return _Relation(Sameness.LIKELY, _HISTORY) if is_one else None
    is_one_bank = a.connection.institution_id == b.connection.institution_id
    reason = _at_one_bank(a, b, known) if is_one_bank else _at_two_banks(a, b, known)
    return _Relation(Sameness.LIKELY, reason) if reason else None


def _in_one_login(a: _Shown, b: _Shown, known: tuple[Postings, Postings]) -> _Relation | None:
    """One after the other: `_are_together` has sorted out the rest."""
    earlier, later = (a, b) if a.account.last_look < b.account.first_look else (b, a)
    is_next = later.account.first_look == earlier.account.last_look + 1
    if _has_equal_mask(a, b) and has_common(*known):
        return _Relation(Sameness.SAME)
    reasons = (
        (_has_equal_mask(a, b), f"{_MASK}, and one came when the other went"),
        (has_common(*known, least=COMMON_MIN), _HISTORY),
        (_has_equal_name(a, b), "they have one name, and one came when the other went"),
        (is_next and a.account.subtype == b.account.subtype, "one came when the other went"),
    )
    reason = next((why for is_so, why in reasons if is_so), "")
    return _Relation(Sameness.LIKELY, reason) if reason else None


def _at_one_bank(a: _Shown, b: _Shown, known: tuple[Postings, Postings]) -> str:
    """Why they are likely one; "" where nothing says so."""
    has_no_mask = not (a.account.mask and b.account.mask)
    has_name, has_balance = _has_equal_name(a, b), _has_one_balance(a, b)
    is_later = _is_successor(a, b) or _is_successor(b, a)
    reasons = (
        (_has_equal_mask(a, b), f"{_MASK}, at one bank"),
        (has_common(*known, least=COMMON_MIN), _HISTORY),
        (has_name and has_no_mask, "they have one name, at one bank"),
        (has_name and has_balance, "they have one name and had one balance"),
        (has_name and is_later, "they have one name, and one login came after the other"),
        (has_no_mask and has_balance, "they had one balance at one time"),
    )
    return next((why for is_so, why in reasons if is_so), "")


def _at_two_banks(a: _Shown, b: _Shown, known: tuple[Postings, Postings]) -> str:
    """The same. A bank that moves to another kind of login gets another id at the rail."""
    if not _has_equal_mask(a, b):
        return ""
    if has_common(*known):
        return f"{_MASK}, and {_HISTORY}"
    return f"{_MASK}, and they have one name" if _has_equal_name(a, b) else ""


def _asks_postings(a: _Shown, b: _Shown) -> bool:
    """Whether a common history would say more of these two than the rest does."""
    if _are_together(a, b) or not _is_one_kind(a, b) or _has_one_id(a, b):
        return False
    is_one_bank = a.connection.institution_id == b.connection.institution_id
    if a.ref[0] == b.ref[0]:
        return True
    return is_one_bank != _has_equal_mask(a, b)


def are_together(a: Account, b: Account) -> bool:
    """One answer of one login showed both, so they are two, however equal their names and numbers."""
    if a.connection != b.connection:
        return False
    if not a.is_closed and not b.is_closed:
        return True
    return not (a.last_look < b.first_look or b.last_look < a.first_look)


def _are_together(a: _Shown, b: _Shown) -> bool:
    return are_together(a.account, b.account)


def _is_one_kind(a: _Shown, b: _Shown) -> bool:
    """Equal type, and no two currencies."""
    currencies = {a.account.currency, b.account.currency} - {""}
    return a.account.type == b.account.type and len(currencies) < 2


def _has_one_id(a: _Shown, b: _Shown) -> bool:
    return bool(a.account.persistent_id) and a.account.persistent_id == b.account.persistent_id


def _has_equal_mask(a: _Shown, b: _Shown) -> bool:
    return bool(a.account.mask) and a.account.mask == b.account.mask


def _has_equal_name(a: _Shown, b: _Shown) -> bool:
    return bool(a.account.name) and _plain(a.account.name) == _plain(b.account.name)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _has_one_balance(a: _Shown, b: _Shown) -> bool:
    """The same amount, not nothing, seen at about one time."""
    mine, theirs = a.account.latest, b.account.latest
    if mine is None or theirs is None or abs(mine.true_at - theirs.true_at) > ONE_TIME:
        return False
    ours, other = _current(a), _current(b)
    return ours is not None and ours.amount_minor != 0 and ours == other


def _current(s: _Shown) -> Money | None:
    latest = s.account.latest
    return None if latest is None or latest.balance is None else latest.balance.current


def _is_successor(earlier: _Shown, later: _Shown) -> bool:
    """The later login was made when the earlier one did not work any more, or shows this account no more."""
    made_at, state = later.connection.created_at, earlier.connection.state
    if made_at < earlier.connection.created_at:
        return False
    is_broken = state.health in (Health.NEEDS_RECONNECT, Health.RETIRED, Health.UNSUPPORTED)
    return is_broken or is_gone(earlier.account)


@dataclass(frozen=True, slots=True)
class _OpenDoubt:
    pair: tuple[_Shown, _Shown]
    reason: str
    is_clash: bool
    """Proven by evidence that something else contradicts: two accounts claim to be the one."""


class _Groups:
    """Which shown accounts were joined. No two that are DIFFERENT are ever in one group."""

    def __init__(self, shown: Sequence[_Shown], relations: Mapping[Pair, _Relation]) -> None:
        self._shown = shown
        self._by_ref = {s.ref: s for s in shown}
        self._relations = relations
        self._group: dict[AccountRef, list[_Shown]] = {s.ref: [s] for s in shown}
        self._clashes: list[_OpenDoubt] = []
        ranked = [(pair, r) for pair, r in relations.items() if r.what is Sameness.SAME]
        ranked.sort(key=lambda each: (not each[1].is_persons, *map(_order, self._both(each[0]))))
        for pair, _ in ranked:
            both = self._both(pair)
            if not self.join(both):
                reason = "two accounts claim to be this one"
                self._clashes.append(_OpenDoubt(both, reason, is_clash=True))

    def _both(self, pair: Pair) -> tuple[_Shown, _Shown]:
        a, b = sorted((self._by_ref[ref] for ref in pair), key=_order)
        return a, b

    def join(self, pair: tuple[_Shown, _Shown]) -> bool:
        """False where the two groups hold accounts that are two."""
        mine, theirs = self._group[pair[0].ref], self._group[pair[1].ref]
        if mine is theirs:
            return True
        if self._differ(mine, theirs):
            return False
        joined = sorted((*mine, *theirs), key=_order)
        for each in joined:
            self._group[each.ref] = joined
        return True

    def _differ(self, mine: Sequence[_Shown], theirs: Sequence[_Shown]) -> bool:
        pairs = (self._relations.get(_pair(a, b)) for a in mine for b in theirs)
        return any(r is not None and r.what is Sameness.DIFFERENT for r in pairs)

    def doubts(self) -> list[_OpenDoubt]:
        """One for each two groups that may be one, the likeliest first."""
        found: dict[frozenset[int], _OpenDoubt] = {}
        likely = [(p, r) for p, r in self._relations.items() if r.what is Sameness.LIKELY]
        for pair, relation in sorted(likely, key=lambda each: self._unlikeness(each[0])):
            a, b = self._both(pair)
            mine, theirs = self._group[a.ref], self._group[b.ref]
            if mine is theirs or self._differ(mine, theirs):
                continue
            key = frozenset((id(mine), id(theirs)))
            found.setdefault(key, _OpenDoubt((a, b), relation.reason, is_clash=False))
        return [*self._clashes, *found.values()]

    def _unlikeness(self, pair: Pair) -> tuple[object, ...]:
        a, b = self._both(pair)
        return (not _has_one_balance(a, b), not _has_equal_name(a, b), _order(a), _order(b))

    def formed(self) -> list[list[_Shown]]:
        """The groups, in the order of their first accounts."""
        seen: dict[int, list[_Shown]] = {}
        for s in self._shown:
            seen.setdefault(id(self._group[s.ref]), self._group[s.ref])
        return list(seen.values())


_HEALTH_RANK = {Health.OK: 0, Health.INSTITUTION_DOWN: 1}


def _speaks_first(s: _Shown) -> tuple[object, ...]:
    latest = s.account.latest
    seen_at = LONG_AGO if latest is None or latest.balance is None else latest.true_at
    rank = _HEALTH_RANK.get(s.connection.state.health, 2)
    return (s.is_over, rank, LONG_AGO - seen_at, s.ref)


def _bank_account(group: Sequence[_Shown]) -> BankAccount:
    """The role is the one that a person gave last, whichever login's account they named."""
    ranked = sorted(group, key=_speaks_first)
    given = [s.account for s in group if s.account.role is not None]
    newest = max(given, key=lambda a: a.role_at or LONG_AGO, default=None)
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


def _told(
    doubts: Sequence[_OpenDoubt],
    certain: Sequence[Sequence[_Shown]],
    merged: Sequence[Sequence[_Shown]],
) -> tuple[Doubt, ...]:
    """Each doubt in words. It is material where what counts as cash depends on its answer."""
    group_of = {s.ref: n for n, group in enumerate(merged) for s in group}
    counts_if_same = [_counting([group]) for group in merged]
    counts_if_two: list[set[AccountRef]] = [set() for _ in merged]
    for group in certain:
        counts_if_two[group_of[group[0].ref]] |= _counting([group])
    told = []
    for doubt in doubts:
        a, b = doubt.pair
        places = {group_of[a.ref], group_of[b.ref]}
        is_material = any(counts_if_same[n] != counts_if_two[n] for n in places)
        is_material |= doubt.is_clash and any(counts_if_same[n] for n in places)
        is_material |= len(places) > 1 and all(counts_if_same[n] for n in places)
        told.append(Doubt(a.account, b.account, _sentence(a, b, doubt.reason), is_material))
    return tuple(told)


def _counting(groups: Sequence[Sequence[_Shown]]) -> set[AccountRef]:
    """The looks that count as cash."""
    found = set()
    for group in groups:
        one = _bank_account(group)
        speaking = min(group, key=_speaks_first)
        if one.role is Role.OPERATING and not speaking.is_over:
            found.add(speaking.ref)
    return found


def _sentence(a: _Shown, b: _Shown, reason: str) -> str:
    first, second = _named(a), _named(b)
    ids = (account_id_of(*a.ref), account_id_of(*b.ref))
    return f"{first} and {second} may be one account ({reason}): say `rowcol account same {ids[0]} {ids[1]}`, or `different`"


def _named(s: _Shown) -> str:
    return f"{named(s.account)} at {s.connection.label}"
