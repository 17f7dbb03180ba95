"""Sameness: what the evidence says of two accounts, as logins show them. Pure; which are one follows in `identity`.

How two shown accounts relate, the first row that fits:

| what is known of the two                                                 | they are          |
|--------------------------------------------------------------------------|-------------------|
| one answer of one login showed both                                      | DIFFERENT         |
| a person said so                                                         | SAME or DIFFERENT |
| equal persistent id, type and currency                                   | SAME              |
| equal persistent id, another type or currency                            | LIKELY            |
| another type, or two currencies                                          | unrelated         |
| in one login, one after the other: equal mask and common postings        | SAME              |
| common postings                                                          | LIKELY            |
| two subtypes; two persistent ids, and not all else equal                 | unrelated         |
| in one login, one after the other: equal mask or name, or next           | LIKELY            |
| equal mask                                                               | LIKELY            |
| equal name: at one bank unless postings differ, or one balance, or next  | LIKELY            |
| one balance at one time: at one bank without a mask, or next             | LIKELY            |
| nothing but next: at one bank, or a role to lose                         | LIKELY            |
| anything else                                                            | unrelated         |

What is told by postings under another number, or by nothing but *next*, is *weak*: it is asked about after a better
partner that is surely another account, and weighed until then.
*Next*: the later login was made when the earlier one saw the bank no more, or the one account came when the other went.
A login that replaces another shows its accounts, so that what evidence lacks is asked for, not taken for a difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rowcol.core.cash import Role, is_gone, role_of
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
APART_PCT = 20
"""Not more of them are equal by chance, such as one and the same monthly fee."""
COMMON_MIN = 3
"""Fewer postings say little."""
ONE_TIME = timedelta(hours=36)
"""Two balances this close in time are of one time: two pulls of one bank may lie that far apart."""


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


@dataclass(slots=True)
class Shown:
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


@dataclass(frozen=True, slots=True)
class Relation:
    """What two are to each other, and why. `is_persons`: a person said so. `is_weak`: asked about after a better
    partner."""

    what: Sameness
    reason: str = ""
    is_persons: bool = False
    is_weak: bool = False


Pair = frozenset[AccountRef]
"""Two accounts, in no order."""


def shown_by(views: Iterable[ConnectionView]) -> list[Shown]:
    """Every account of every login, by when it was first shown."""
    found = [Shown(account, view.connection) for view in views for account in view.accounts]
    return sorted(found, key=order)


def order(s: Shown) -> tuple[object, ...]:
    """By when it was first shown: the first one names the account."""
    first = s.account.lists[0] if s.account.lists else 0
    return (s.connection.created_at, s.connection.id, first, s.account.remote_id)


def pair_of(a: Shown, b: Shown) -> Pair:
    """The two as a key."""
    return frozenset((a.ref, b.ref))


def by_pair(verdicts: Iterable[AccountVerdict]) -> dict[Pair, bool]:
    """The newest word on each pair."""
    newest = sorted(verdicts, key=lambda v: v.decided_at)
    return {frozenset((v.first, v.second)): v.is_same for v in newest}


def relations_of(
    shown: Sequence[Shown],
    verdicts: Sequence[AccountVerdict],
    postings: Mapping[AccountRef, Postings],
) -> dict[Pair, Relation]:
    """Of every two that are related, by the table at the top."""
    said = by_pair(verdicts)
    twice = _ids_shown_twice(shown)
    found: dict[Pair, Relation] = {}
    for n, a in enumerate(shown):
        for b in shown[n + 1 :]:
            relation = _relation(a, b, said, postings)
            is_by_id = relation == Relation(Sameness.SAME) and has_one_id(a, b)
            if is_by_id and a.account.persistent_id in twice:
                relation = Relation(Sameness.LIKELY, "one login shows two accounts of that id")
            if relation is not None:
                found[pair_of(a, b)] = relation
    return found


def _ids_shown_twice(shown: Sequence[Shown]) -> set[str]:
    """Persistent ids that one answer gave to two accounts: they prove nothing."""
    found = set()
    for n, a in enumerate(shown):
        for b in shown[n + 1 :]:
            if has_one_id(a, b) and _are_together(a, b):
                found.add(a.account.persistent_id)
    return found


def _relation(
    a: Shown, b: Shown, said: Mapping[Pair, bool], postings: Mapping[AccountRef, Postings]
) -> Relation | None:
    """The table at the top of this file, row by row."""
    if _are_together(a, b):
        return Relation(Sameness.DIFFERENT)
    word = said.get(pair_of(a, b))
    if word is not None:
        return Relation(Sameness.SAME if word else Sameness.DIFFERENT, is_persons=True)
    if has_one_id(a, b):
        if _is_one_kind(a, b):
            return Relation(Sameness.SAME)
        return Relation(Sameness.LIKELY, "the bank gives both one id, but not one type or currency")
    if not _is_one_kind(a, b):
        return None
    return _by_likeness(a, b, (postings.get(a.ref, Counter()), postings.get(b.ref, Counter())))


_HISTORY = "their postings are the same"
_MASK = "their numbers end alike"
_NAME = "they have one name"
_CAME = "one came when the other went"
_MADE = "one login was made when the other worked no more"


def _by_likeness(a: Shown, b: Shown, known: tuple[Postings, Postings]) -> Relation | None:
    """Two of one kind, of which nobody knows more than what is shown of them."""
    is_one_login = a.ref[0] == b.ref[0]
    if has_common(*known):
        is_all = _has_equal_mask(a, b) and _has_one_subtype(a, b)
        if is_one_login and is_all:
            return Relation(Sameness.SAME)
        # Where the rest differs, a partner of which it does not is the better one.
        return Relation(Sameness.LIKELY, _HISTORY, is_weak=not is_all)
    if not _has_one_subtype(a, b):
        return None
    return _in_one_login(a, b) if is_one_login else _in_two_logins(a, b, known)


def _in_one_login(a: Shown, b: Shown) -> Relation | None:
    """One after the other: `_are_together` has sorted out the rest."""
    if _has_equal_mask(a, b):
        return Relation(Sameness.LIKELY, f"{_MASK}, and {_CAME}")
    if has_equal_name(a, b):
        return Relation(Sameness.LIKELY, f"{_NAME}, and {_CAME}")
    mine, theirs = a.account.lists, b.account.lists
    is_next = bool(mine and theirs) and 1 in (theirs[0] - mine[-1], mine[0] - theirs[-1])
    return Relation(Sameness.LIKELY, _CAME, is_weak=True) if is_next else None


def _in_two_logins(a: Shown, b: Shown, known: tuple[Postings, Postings]) -> Relation | None:
    """At one bank, or at two: a bank that moves to another kind of login gets another id at the rail."""
    is_one_bank = a.connection.institution_id == b.connection.institution_id
    earlier, later = (a, b) if _is_next(a, b) else (b, a)
    is_next = _is_next(earlier, later)
    has_mask, has_name, has_balance = (
        _has_equal_mask(a, b),
        has_equal_name(a, b),
        has_one_balance(a, b),
    )
    if a.account.persistent_id and b.account.persistent_id:  # the bank itself tells them apart
        is_all = has_mask and has_name and has_balance
        return Relation(Sameness.LIKELY, "all but the bank's own ids is equal") if is_all else None
    has_no_mask = not (a.account.mask and b.account.mask)
    reasons = (
        (has_mask, _MASK),
        (has_name and is_next, f"{_NAME}, and {_MADE}"),
        (has_name and (has_balance or (is_one_bank and not are_apart(*known))), _NAME),
        (has_balance and (is_next or (is_one_bank and has_no_mask)), "they had one balance"),
    )
    reason = next((why for is_so, why in reasons if is_so), "")
    if reason:
        return Relation(Sameness.LIKELY, reason)
    if is_next and (is_one_bank or _has_role_to_lose(earlier, later)):
        return Relation(Sameness.LIKELY, _MADE, is_weak=True)
    return None


def asks_postings(a: Shown, b: Shown) -> bool:
    """Whether a common history would say more of these two than the rest does."""
    if _are_together(a, b) or not _is_one_kind(a, b) or has_one_id(a, b):
        return False
    if a.ref[0] == b.ref[0]:
        return True
    is_one_bank = a.connection.institution_id == b.connection.institution_id
    has_two_ids = bool(a.account.persistent_id and b.account.persistent_id)
    is_told_by_mask = _has_equal_mask(a, b) and _has_one_subtype(a, b) and not has_two_ids
    return not is_told_by_mask and (is_one_bank or _is_next(a, b) or _is_next(b, a))


def are_together(a: Account, b: Account) -> bool:
    """One answer of one login showed both, so they are two, however equal their names and numbers."""
    if a.connection != b.connection:
        return False
    return not (a.is_closed or b.is_closed) or not set(a.lists).isdisjoint(b.lists)


def _are_together(a: Shown, b: Shown) -> bool:
    return are_together(a.account, b.account)


def _is_one_kind(a: Shown, b: Shown) -> bool:
    """Equal type, and no two currencies."""
    currencies = {a.account.currency, b.account.currency} - {""}
    return a.account.type == b.account.type and len(currencies) < 2


def has_one_id(a: Shown, b: Shown) -> bool:
    """The bank's own id of it."""
    return bool(a.account.persistent_id) and a.account.persistent_id == b.account.persistent_id


def _has_equal_mask(a: Shown, b: Shown) -> bool:
    return bool(a.account.mask) and a.account.mask == b.account.mask


def has_equal_name(a: Shown, b: Shown) -> bool:
    """But for case and spaces."""
    return bool(a.account.name) and _plain(a.account.name) == _plain(b.account.name)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def has_one_balance(a: Shown, b: Shown) -> bool:
    """The same amount, not nothing, seen at about one time."""
    mine, theirs = a.account.latest, b.account.latest
    if mine is None or theirs is None or abs(mine.true_at - theirs.true_at) > ONE_TIME:
        return False
    ours, other = _current(a), _current(b)
    return ours is not None and ours.amount_minor != 0 and ours == other


def _current(s: Shown) -> Money | None:
    latest = s.account.latest
    return None if latest is None or latest.balance is None else latest.balance.current


def _is_next(earlier: Shown, later: Shown) -> bool:
    """The later login was made when the earlier one, or this account of it, saw the bank no more."""
    made_at, state = later.connection.created_at, earlier.connection.state
    is_broken = state.health in (Health.NEEDS_RECONNECT, Health.RETIRED, Health.UNSUPPORTED)
    if made_at < earlier.connection.created_at or not (is_broken or is_gone(earlier.account)):
        return False
    latest = earlier.account.latest
    return latest is None or latest.balance is None or latest.true_at <= made_at


def _has_role_to_lose(earlier: Shown, later: Shown) -> bool:
    """A person said that the earlier one is no cash, and nobody said anything of the later one."""
    is_no_cash = earlier.account.role is not None and role_of(earlier.account) is not Role.OPERATING
    return is_no_cash and later.account.role is None


def _has_one_subtype(a: Shown, b: Shown) -> bool:
    return a.account.subtype == b.account.subtype or not (a.account.subtype and b.account.subtype)


def has_common(a: Postings, b: Postings) -> bool:
    """Whether two histories are of one account: of what falls into the days that both know, most is equal."""
    common, fewer = _overlap(a, b)
    return common >= COMMON_MIN and common * 100 >= COMMON_PCT * fewer


def are_apart(a: Postings, b: Postings) -> bool:
    """Whether two histories are of two accounts: both know some days, and hardly anything is equal there."""
    common, fewer = _overlap(a, b)
    return fewer >= COMMON_MIN and common * 100 <= APART_PCT * fewer


def _overlap(a: Postings, b: Postings) -> tuple[int, int]:
    """How many are common, and how many the shorter one has, in the days that both know."""
    if not a or not b:
        return 0, 0
    since = max(min(day for day, _ in a), min(day for day, _ in b))
    until = min(max(day for day, _ in a), max(day for day, _ in b))
    mine = Counter({key: n for key, n in a.items() if since <= key[0] <= until})
    theirs = Counter({key: n for key, n in b.items() if since <= key[0] <= until})
    return (mine & theirs).total(), min(mine.total(), theirs.total())


def likeness_of(connection: Connection, account: Account) -> str:
    """What accounts of two businesses are compared by where there is no persistent id; "" where that tells nothing."""
    bank, mask = connection.institution_id, account.mask
    if not (bank and mask):
        return ""
    return "|".join((bank, account.type, mask, account.currency, _plain(account.name)))
