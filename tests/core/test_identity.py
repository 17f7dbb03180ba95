"""Identity: at every moment the sum is the world's, or the decision holds; what a person said is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowcol.core.cash import Role, cash_of
from rowcol.core.change import AccountLook, ConnectionView
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import Balance, Health, Observation, Source
from rowcol.core.identity import (
    AccountTies,
    Identified,
    identify,
    unread_postings,
)
from rowcol.core.ids import AppId, ConnectionId, RemoteId
from rowcol.core.money import Money
from rowcol.core.rail import Row
from rowcol.core.sameness import AccountRef, AccountVerdict, Postings, are_apart, has_common
from rowcol.engine.merge import looks_of, view_with
from tests.core.builders import BUSINESS, FIRM, HOUR, NOW

BANKS = ("ins_tan", "ins_1", "ins_2")
"""The first gives persistent ids."""


@dataclass
class WorldAccount:
    """What is really at a bank."""

    name: str
    bank: str
    mask: str
    subtype: str
    amount_minor: int
    history: Postings
    persistent: str = ""
    label: str = "Business Checking"
    remote_ids: dict[str, str] = field(default_factory=dict)


@dataclass
class Login:
    view: ConnectionView
    shows: list[WorldAccount]

    @property
    def is_over(self) -> bool:
        return self.view.connection.state.health is Health.RETIRED


@dataclass
class World:
    """Logins over accounts of the world, moved as banks and people move them; and what a firm was told of each account."""

    accounts: list[WorldAccount]
    logins: list[Login] = field(default_factory=list)
    roles: dict[str, Role] = field(default_factory=dict)
    verdicts: list[AccountVerdict] = field(default_factory=list)
    postings: dict[AccountRef, Postings] = field(default_factory=dict)
    owner: dict[AccountRef, WorldAccount] = field(default_factory=dict)
    now_h: int = 0
    has_postings: bool = True

    def link(self, accounts: Sequence[WorldAccount]) -> Login:
        """A person gives a bank login: new ids for the same accounts."""
        self.now_h += 1
        bank = accounts[0].bank
        row = Connection(
            id=ConnectionId(f"con_{len(self.logins):02}"),
            firm=FIRM,
            business=BUSINESS,
            rail="somerail",
            app=AppId("app_1"),
            environment="emulated",
            remote_id=RemoteId(f"item_{len(self.logins)}"),
            institution=bank,
            name=f"Login {len(self.logins)} at {bank}",
            created_at=NOW + self.now_h * HOUR,
            state=ConnectionState(),
        )
        login = Login(ConnectionView(row, (), (), (), token=None), list(accounts))
        self.logins.append(login)
        self.look(login)
        return login

    def look(self, login: Login) -> None:
        """The rail answers with every account that the login shows, as the engine folds it."""
        self.now_h += 1
        at, row = NOW + self.now_h * HOUR, login.view.connection
        shown = {self._id_at(row, account): account for account in login.shows}
        rows = [Row("account", RemoteId(i), "", None, self._body(a)) for i, a in shown.items()]
        known = (a.remote_id for a in login.view.accounts if not a.is_closed)
        gone = [RemoteId(i) for i in known if i not in shown]
        rows += [Row("account", i, "", None, None) for i in gone]
        seen = [self._seen(RemoteId(i), a.amount_minor, at) for i, a in shown.items()]
        seen += [Observation(i, at, at, Source.CACHED, None) for i in gone]
        looks: tuple[AccountLook, ...] = looks_of(login.view, row.state, rows)
        login.view = view_with(login.view, row.state, rows, seen, looks=looks)
        for remote_id, account in shown.items():
            self.owner[row.id, remote_id] = account
            if self.has_postings:
                self.postings[row.id, remote_id] = account.history

    def renumber(self, login: Login, account: WorldAccount, mask: str) -> None:
        """The bank gives an account of a login another id, and perhaps another number, in place."""
        account.remote_ids.pop(login.view.connection.id, None)
        account.mask = mask
        self.look(login)

    def migrate(self, login: Login, *, is_renamed: bool) -> None:
        """The bank moves to another kind of login, under another id at the rail, with new numbers or with new names.

        All its logins end with that. With both, and without a common history, nothing would tie the two.
        """
        old = login.view.connection.institution
        for each in self.logins:
            if each.view.connection.institution == old and not each.is_over:
                self.break_(each, Health.NEEDS_RECONNECT)
        for n, account in enumerate(a for a in self.accounts if a.bank == old):
            account.bank = f"{old}x"
            if is_renamed:
                account.label = f"Renamed {account.name}"
            else:
                account.mask = f"88{n:02}"
        self.link(login.shows)

    def relink(self, login: Login, *, is_renamed: bool) -> None:
        """A broken login is connected anew instead of repaired; the bank may have given new numbers and names."""
        self.break_(login, Health.NEEDS_RECONNECT)
        if is_renamed:
            for n, account in enumerate(login.shows):
                account.mask, account.label = f"77{n:02}", f"New name {n}"
        self.link(login.shows)

    def break_(self, login: Login, health: Health) -> None:
        """It shows no more from now on: broken, or ended."""
        row = login.view.connection
        state = row.state.with_health(health, "", NOW + self.now_h * HOUR)
        login.view = replace(login.view, connection=replace(row, state=state))

    def say_role(self, login: Login, account: WorldAccount, role: Role) -> None:
        """A person names the account as this login shows it."""
        self.now_h += 1
        self.roles[account.name] = role
        remote_id = account.remote_ids[login.view.connection.id]
        moved = [
            replace(a, role=role.value, role_at=NOW + self.now_h * HOUR)
            if a.remote_id == remote_id
            else a
            for a in login.view.accounts
        ]
        login.view = replace(login.view, accounts=tuple(moved))

    def say_truth(self, a: AccountRef, b: AccountRef) -> None:
        """A person answers a doubt by what is so."""
        is_same = self.owner[a] is self.owner[b]
        self.verdicts.append(AccountVerdict(a, b, is_same, "Dana", NOW + self.now_h * HOUR))

    def identified(self) -> Identified:
        views, ties = [login.view for login in self.logins], AccountTies(tuple(self.verdicts))
        read = {
            ref: self.postings[ref] for ref in unread_postings(views, ties) & set(self.postings)
        }
        return identify(views, ties, read)

    def truth_minor(self) -> int:
        """Of every account that a login shows which was not ended, once, if it is operating."""
        shown: dict[int, WorldAccount] = {}
        for login in self.logins:
            if login.view.connection.state.health is Health.RETIRED:
                continue
            open_ids = {a.remote_id for a in login.view.accounts if not a.is_closed}
            for ref, account in self.owner.items():
                if ref[0] == login.view.connection.id and ref[1] in open_ids:
                    shown[id(account)] = account
        return sum(a.amount_minor for a in shown.values() if self._role(a) is Role.OPERATING)

    def _role(self, account: WorldAccount) -> Role:
        suggested = Role.OPERATING if account.subtype == "checking" else Role.RESERVE
        return self.roles.get(account.name, suggested)

    def _id_at(self, row: Connection, account: WorldAccount) -> str:
        fresh = f"{account.name}-{row.id}-{self.now_h}"
        return account.remote_ids.setdefault(row.id, fresh)

    def _body(self, account: WorldAccount) -> dict[str, object]:
        persistent = (account.persistent or account.name) if account.bank == BANKS[0] else ""
        return {
            "name": account.label,
            "mask": account.mask,
            "type": "depository",
            "subtype": account.subtype,
            "currency": "USD",
            "persistent_account_id": persistent,
        }

    @staticmethod
    def _seen(remote_id: RemoteId, amount_minor: int, at: object) -> Observation:
        balance = Balance(Money(amount_minor, "USD"), None)
        return Observation(remote_id, at, at, Source.CACHED, balance)  # type: ignore[arg-type]


def history(salt: int, count: int) -> Postings:
    """Dated, with amounts of its own."""
    day = NOW.date()
    return Counter(
        {
            (str(day - timedelta(days=2 * n)), f"{salt * 7919 % 1000 + n}.{salt:02}"): 1
            for n in range(count)
        }
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(1, 4))
    accounts = [
        WorldAccount(
            name=f"w{n}",
            bank=draw(st.sampled_from(BANKS)),
            mask=draw(st.sampled_from(("1111", "2222", ""))),
            subtype=draw(st.sampled_from(("checking", "checking", "savings"))),
            amount_minor=draw(st.sampled_from((0, 10_000, 10_000, 25_000 + n))),
            history=history(n + 1, draw(st.sampled_from((0, 1, 12)))),
        )
        for n in range(count)
    ]
    return World(accounts, has_postings=draw(st.booleans()))


STEPS = (
    *("link", "look", "renumber", "renumber", "break", "end"),
    *("role", "answer", "relink", "migrate", "show less", "rename"),
)


def step(world: World, draw: st.DataObject) -> None:
    """Something happens."""
    what = draw.draw(st.sampled_from(STEPS))
    logins = [w for w in world.logins if w.view.connection.state.health is Health.OK]
    if what == "rename":
        renamed = draw.draw(st.sampled_from(world.accounts))
        renamed.label = draw.draw(st.sampled_from(("Business Checking", "Client")))
        return
    if what == "link" or not logins:
        bank = draw.draw(st.sampled_from(sorted({a.bank for a in world.accounts})))
        at_bank = [a for a in world.accounts if a.bank == bank]
        world.link(draw.draw(st.lists(st.sampled_from(at_bank), min_size=1, unique_by=id)))
        return
    move(world, what, draw.draw(st.sampled_from(logins)), draw)


def move(world: World, what: str, login: Login, draw: st.DataObject) -> None:
    """One step of a login."""
    account = draw.draw(st.sampled_from(login.shows))
    match what:
        case "look":
            world.look(login)
        case "renumber":
            world.renumber(login, account, draw.draw(st.sampled_from((account.mask, "3333"))))
        case "show less":
            login.shows = draw.draw(
                st.lists(st.sampled_from(login.shows), min_size=1, unique_by=id)
            )
            world.look(login)
        case "break" | "end":
            world.break_(login, Health.NEEDS_RECONNECT if what == "break" else Health.RETIRED)
        case "role":
            roles = (Role.TRUST, Role.RESERVE, Role.OPERATING)
            world.say_role(login, account, draw.draw(st.sampled_from(roles)))
        case "answer":
            answer_all(world)
        case "migrate":
            world.migrate(login, is_renamed=draw.draw(st.booleans()))
        case _:
            world.relink(login, is_renamed=draw.draw(st.booleans()))


def answer_all(world: World) -> None:
    """A person answers every open doubt; each answer may settle others."""
    for _ in range(60):
        doubts = world.identified().doubts
        if not doubts:
            return
        first, second = doubts[0].first, doubts[0].second
        world.say_truth((first.connection, first.remote_id), (second.connection, second.remote_id))
    raise AssertionError("a doubt comes back although it was answered")


@settings(max_examples=300, deadline=None)
@given(worlds(), st.data())
def test_the_sum_is_the_worlds_or_the_decision_holds(world: World, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 9))):
        step(world, data)
        found = world.identified()
        if found.holds is None:
            (total,) = [t.amount_minor for t in cash_of(found.views).totals] or [0]
            assert total == world.truth_minor()


@settings(max_examples=150, deadline=None)
@given(worlds(), st.data())
def test_once_a_person_has_said_all_nothing_holds(world: World, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 7))):
        step(world, data)
    answer_all(world)
    found = world.identified()
    assert found.holds is None
    (total,) = [t.amount_minor for t in cash_of(found.views).totals] or [0]
    assert total == world.truth_minor()


@given(worlds(), st.data())
def test_no_look_is_lost_and_one_speaks_for_each(world: World, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 6))):
        step(world, data)
    found = world.identified()
    given_ = sorted((a.connection, a.remote_id) for w in world.logins for a in w.view.accounts)
    assert sorted(ref for one in found.accounts for ref in one.refs) == given_
    looks = [a for view in found.views for a in view.accounts]
    assert sum(not a.is_superseded for a in looks) == len(found.accounts)
    assert len({one.id for one in found.accounts}) == len(found.accounts)


def world_of(*accounts: WorldAccount) -> World:
    return World(list(accounts))


def at_bank(name: str, **changes: Any) -> WorldAccount:
    made = WorldAccount(name, "ins_1", "1111", "checking", 10_000, history(len(name), 12))
    return replace(made, remote_ids={}, **changes)


def total_minor(found: Identified) -> int:
    return sum(t.amount_minor for t in cash_of(found.views).totals)


def test_twins_in_one_login_both_count() -> None:
    world = world_of(at_bank("w"), at_bank("ww"))
    world.link(world.accounts)
    assert (total_minor(world.identified()), world.identified().doubts) == (20_000, ())


def test_one_persistent_id_in_two_logins_is_counted_once() -> None:
    world = world_of(at_bank("w", bank="ins_tan"))
    first, second = world.link(world.accounts), world.link(world.accounts)
    found = world.identified()
    (one,) = found.accounts
    assert (total_minor(found), found.doubts) == (10_000, ())
    assert one.speaking.connection == second.view.connection.id  # the newest look
    world.look(first)
    assert world.identified().accounts[0].speaking.connection == first.view.connection.id
    world.break_(first, Health.NEEDS_RECONNECT)
    assert world.identified().accounts[0].speaking.connection == second.view.connection.id
    assert world.identified().accounts[0].id == one.id


def test_two_that_look_alike_hold_until_a_person_says() -> None:
    world = world_of(at_bank("w"), at_bank("ww"))
    first, second = world.link(world.accounts[:1]), world.link(world.accounts[1:])
    found = world.identified()
    assert "their numbers end alike" in (found.holds or "")
    assert total_minor(found) == 10_000  # counted once until then
    world.say_truth(
        (first.view.connection.id, "w-con_00-2"), (second.view.connection.id, "ww-con_01-4")
    )
    assert (total_minor(world.identified()), world.identified().doubts) == (20_000, ())


def test_an_account_renumbered_in_place_keeps_its_role() -> None:
    world = world_of(at_bank("w"))
    login = world.link(world.accounts)
    world.say_role(login, world.accounts[0], Role.TRUST)
    world.renumber(login, world.accounts[0], "1111")
    found = world.identified()
    (one,) = found.accounts
    assert (one.role, one.is_role_suggested, len(one.shown)) == (Role.TRUST, False, 2)
    assert (total_minor(found), found.holds) == (0, None)


def test_a_renumbered_account_without_common_postings_is_a_doubt() -> None:
    world = world_of(at_bank("w"))
    world.has_postings = False
    login = world.link(world.accounts)
    world.say_role(login, world.accounts[0], Role.TRUST)
    world.renumber(login, world.accounts[0], "1111")
    assert "one came when the other went" in (world.identified().holds or "")


def test_a_doubt_that_changes_nothing_holds_nothing() -> None:
    world = world_of(at_bank("w"))
    world.has_postings = False
    login = world.link(world.accounts)
    world.renumber(login, world.accounts[0], "1111")
    found = world.identified()
    assert (found.holds, len(found.doubts), total_minor(found)) == (None, 1, 10_000)


def test_a_role_given_later_at_another_login_wins() -> None:
    world = world_of(at_bank("w", bank="ins_tan"))
    first, second = world.link(world.accounts), world.link(world.accounts)
    world.say_role(first, world.accounts[0], Role.OPERATING)
    world.say_role(second, world.accounts[0], Role.TRUST)
    assert world.identified().accounts[0].role is Role.TRUST


def test_a_persistent_id_that_one_login_shows_twice_proves_nothing() -> None:
    twin = at_bank("ww", bank="ins_tan", persistent="w", amount_minor=5)
    world = world_of(at_bank("w", bank="ins_tan"), twin)
    world.link(world.accounts)
    world.link(world.accounts[:1])
    assert "shows two accounts of that id" in (world.identified().holds or "")


@pytest.mark.parametrize(
    ("other", "is_doubted"),
    [
        ({}, True),
        ({"mask": "2222"}, False),
        ({"mask": ""}, False),
        ({"mask": "", "history": history(9, 1)}, True),
        ({"mask": "2222", "amount_minor": 10_000}, True),
        ({"mask": "2222", "history": history(1, 12)}, True),
        ({"subtype": "savings", "mask": "2222"}, False),
        ({"bank": "ins_2"}, True),
        ({"bank": "ins_2", "mask": "2222"}, False),
    ],
)
def test_what_two_healthy_logins_show(other: dict[str, Any], is_doubted: bool) -> None:
    """Of a name that all have, and balances that differ unless said."""
    first = at_bank("w")
    second = at_bank("ww", **{"amount_minor": 777, **other})
    world = world_of(first, second)
    world.link([first])
    world.link([second])
    assert bool(world.identified().doubts) is is_doubted


def test_an_equal_history_falls_to_the_account_that_names_itself_alike() -> None:
    """Two accounts that are paid alike every month, by two healthy logins each: two doubts, and not four."""
    one = at_bank("w", history=history(1, 12))
    other = at_bank("ww", history=history(1, 12), subtype="savings", mask="2222")
    world = world_of(one, other)
    for _ in range(2):
        world.link(world.accounts)
    doubts = world.identified().doubts
    masks = sorted((doubt.first.mask, doubt.second.mask) for doubt in doubts)
    assert masks == [("1111", "1111"), ("2222", "2222")]


def renumbered_twice(world: World, login: Login, account: WorldAccount) -> None:
    world.renumber(login, account, "1111")
    world.renumber(login, account, "3333")


def replaced_by_some(world: World, login: Login, account: WorldAccount) -> None:
    world.break_(login, Health.RETIRED)
    account.mask = "3333"
    world.link([account])


def renumbered_when_another_left(world: World, login: Login, account: WorldAccount) -> None:
    login.shows = [account]
    world.look(login)
    world.renumber(login, account, "3333")


@pytest.mark.parametrize(
    "happens", [renumbered_twice, replaced_by_some, renumbered_when_another_left]
)
def test_a_better_partner_never_frees_trust_money(happens: Callable[..., None]) -> None:
    """An equal history that falls to a better partner is weighed all the same, and asked for in the end."""
    one, other = at_bank("w"), at_bank("ww", mask="2222", amount_minor=777)
    world = world_of(one, other)
    login = world.link(world.accounts)
    world.say_role(login, one, Role.TRUST)
    happens(world, login, one)
    assert world.identified().holds
    answer_all(world)
    found = world.identified()
    assert (found.holds, total_minor(found)) == (None, world.truth_minor())


def test_an_account_renumbered_twice_beside_a_second_login_is_counted_once() -> None:
    world = world_of(at_bank("w"))
    world.link(world.accounts)
    login = world.link(world.accounts)
    world.renumber(login, world.accounts[0], "1111")
    world.renumber(login, world.accounts[0], "2222")
    assert world.identified().holds
    answer_all(world)
    assert total_minor(world.identified()) == 10_000


def test_a_partner_that_changes_nothing_does_not_hide_one_that_does() -> None:
    world = world_of(at_bank("w"), at_bank("ww", mask="2222", amount_minor=777))
    one, other = world.accounts
    login = world.link([one, other])
    world.say_role(login, other, Role.RESERVE)
    world.break_(login, Health.NEEDS_RECONNECT)
    one.mask = "3333"
    world.say_role(world.link([one]), one, Role.OPERATING)
    assert world.identified().holds


def test_accounts_connected_anew_that_are_surely_two_hold_nothing() -> None:
    """However many hang together: which of the old ones each was changes no cash."""
    world = world_of(*(at_bank("w" * n, mask=f"{n}" * 4) for n in range(1, 8)))
    world.break_(world.link(world.accounts), Health.RETIRED)
    for n, account in enumerate(world.accounts):
        account.mask = f"99{n:02}"
    world.link(world.accounts)
    found = world.identified()
    assert (found.holds, total_minor(found)) == (None, 70_000)
    assert found.doubts


def test_a_login_made_for_one_that_ended_is_doubted_by_name_alone() -> None:
    world = world_of(at_bank("w"), at_bank("ww", mask="2222", amount_minor=777))
    world.say_role(world.link(world.accounts[:1]), world.accounts[0], Role.TRUST)
    world.break_(world.logins[0], Health.NEEDS_RECONNECT)
    world.link(world.accounts[1:])
    assert "one login was made when the other worked no more" in (world.identified().holds or "")


@given(st.integers(0, 30), st.integers(0, 30))
def test_common_postings_are_symmetric(n: int, m: int) -> None:
    a, b = history(3, n), history(3, m)
    assert has_common(a, b) is has_common(b, a) is (min(n, m) >= 3)
    assert not has_common(a, history(4, m))
    assert are_apart(a, history(4, m)) is are_apart(history(4, m), a) is (min(n, m) >= 3)


def test_one_common_posting_proves_nothing() -> None:
    """Another account chosen in place of the first, with one fee that both paid."""
    fee = Counter({("2026-11-20", "5.00"): 1})
    world = world_of(at_bank("w", history=fee), at_bank("ww", history=fee, amount_minor=90_000))
    login = world.link(world.accounts[:1])
    world.say_role(login, world.accounts[0], Role.TRUST)
    login.shows = world.accounts[1:]
    world.look(login)
    assert "one came when the other went" in (world.identified().holds or "")


def test_an_account_that_gets_its_old_id_back_keeps_what_was_said_between() -> None:
    world = world_of(at_bank("w"))
    login, account = world.link(world.accounts), world.accounts[0]
    first_id = account.remote_ids["con_00"]
    world.renumber(login, account, "1111")
    world.say_role(login, account, Role.TRUST)
    account.remote_ids["con_00"] = first_id
    world.look(login)
    found = world.identified()
    assert (total_minor(found), found.holds, len(found.accounts)) == (0, None, 1)


def test_what_was_shown_before_lists_were_kept_is_not_taken_for_shown_together() -> None:
    """An upgrade finds the old id closed and the new one open."""
    world = world_of(at_bank("w"))
    login = world.link(world.accounts)
    world.say_role(login, world.accounts[0], Role.TRUST)
    world.renumber(login, world.accounts[0], "1111")
    bare = tuple(replace(a, lists=()) for a in login.view.accounts)
    login.view = replace(login.view, accounts=bare)
    assert total_minor(world.identified()) == 0
    world.look(login)
    assert total_minor(world.identified()) == 0


def test_of_roles_without_a_time_the_safer_one_counts() -> None:
    world = world_of(at_bank("w", bank="ins_tan"))
    for role in (Role.OPERATING, Role.TRUST):
        world.say_role(world.link(world.accounts), world.accounts[0], role)
    for login in world.logins:
        bare = tuple(replace(a, role_at=None) for a in login.view.accounts)
        login.view = replace(login.view, accounts=bare)
    assert world.identified().accounts[0].role is Role.TRUST


def test_two_ids_with_all_else_equal_are_a_doubt() -> None:
    """The same history under two of the bank's own ids."""
    past = history(1, 12)
    world = world_of(*(at_bank(n, bank="ins_tan", history=past) for n in ("w", "ww")))
    for account in world.accounts:
        world.link([account])
    assert world.identified().holds is not None


def test_every_way_to_answer_is_tried() -> None:
    """Three shares of one number; the one in trust may be any of them."""
    world = world_of(
        at_bank("w", amount_minor=250_000),
        at_bank("ww", subtype="savings", amount_minor=1),
        at_bank("www", subtype="savings", amount_minor=2),
    )
    world.has_postings = False
    for account in world.accounts:
        account.label = "Share"
    world.say_role(world.link(world.accounts[:1]), world.accounts[0], Role.TRUST)
    world.break_(world.logins[0], Health.NEEDS_RECONNECT)
    world.now_h += 48
    world.accounts[1].subtype = world.accounts[2].subtype = ""
    world.link([world.accounts[1], world.accounts[2], world.accounts[0]])
    found = world.identified()
    assert found.holds is not None or total_minor(found) == world.truth_minor()
