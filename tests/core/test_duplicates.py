"""Duplicates: the same account shown by a login already is found by what the bank's own metadata says, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.change import Account, ConnectionView
from rowcol.core.duplicates import duplicate_of
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId
from rowcol.core.rail import Shown, ShownAccount
from tests.contracts.values import connection

BANKS = ("ins_1", "ins_2")
masks = st.sampled_from(("", "1111", "2222"))
names = st.sampled_from(("", "Checking", "checking ", "Savings"))
types = st.sampled_from(("depository", "credit"))
shown_accounts = st.builds(ShownAccount, names, masks, types)
healths = st.sampled_from((Health.OK, Health.NEEDS_RECONNECT, Health.RETIRED))


def account(shown: ShownAccount, *, is_closed: bool = False) -> Account:
    its = (ConnectionId("c"), "a", shown.name, shown.mask, shown.type, "", None, None)
    return Account(*its, is_closed=is_closed)


accounts = st.builds(
    lambda shown, closed: account(shown, is_closed=closed), shown_accounts, st.booleans()
)


def view(
    name: str, bank: str, health: Health, known: tuple[Account, ...], label: str = ""
) -> ConnectionView:
    row = replace(connection(name, institution=bank), name=label)
    row = replace(row, state=replace(row.state, health=health))
    return ConnectionView(row, known, (), (), None)


views = st.builds(
    view,
    st.sampled_from(("c1", "c2")),
    st.sampled_from(BANKS),
    healths,
    st.lists(accounts, max_size=3).map(tuple),
)
shown_things = st.builds(
    Shown,
    st.sampled_from(BANKS),
    st.just(""),
    st.lists(shown_accounts, max_size=3).map(tuple),
)


def same(new: ShownAccount, old: Account) -> bool:
    """The rule in the words of the brief, written a second time."""
    if new.mask and old.mask:
        return (new.mask, new.type) == (old.mask, old.type)
    name = new.name.strip().lower()
    return name != "" and (name, new.type) == (old.name.strip().lower(), old.type)


@given(shown_things, st.lists(views, max_size=4))
def test_a_duplicate_is_found_exactly_where_the_rule_says(
    shown: Shown, logins: list[ConnectionView]
) -> None:
    expected = [
        each
        for each in logins
        if each.connection.state.health is not Health.RETIRED
        and each.connection.institution == shown.institution
        and any(
            same(new, old) for new in shown.accounts for old in each.accounts if not old.is_closed
        )
    ]
    found = duplicate_of(shown, logins)
    assert found is (expected[0] if expected else None)


CHECKING = ShownAccount("Checking", "1111", "depository")


def test_without_an_id_the_banks_name_tells() -> None:
    login = view("c1", "", Health.OK, (account(CHECKING),), "First Bank")
    assert duplicate_of(Shown("", "first  bank", (CHECKING,)), [login]) is login
    assert duplicate_of(Shown("", "Second Bank", (CHECKING,)), [login]) is None
    assert duplicate_of(Shown("", "", (CHECKING,)), [login]) is None


def test_nothing_is_known_of_what_was_never_told() -> None:
    login = view("c1", "ins_1", Health.OK, (account(CHECKING),))
    facts: Mapping[str, Shown] = {"no accounts": Shown("ins_1"), "nothing": Shown()}
    assert [duplicate_of(shown, [login]) for shown in facts.values()] == [None, None]
